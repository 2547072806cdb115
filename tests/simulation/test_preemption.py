"""Laws of making way, over farms full of batch work that interactive tasks come to."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.yard.terms import Terms
from coordinator.simulate.engine import Played
from coordinator.simulate.policy import World
from coordinator.simulate.runs import Outcome, Run
from tests.support.plays import played
from tests.support.small_farms import LAW, Watched, pressed_farms

_LEAST_STOPS = 30


def test_only_batch_work_makes_way_and_what_it_was_for_starts_there() -> None:
    stops: list[float] = []

    @settings(LAW, max_examples=100)
    @given(pressed_farms(), st.sampled_from((60.0, 300.0)))
    def law(world: World, minimum: float) -> None:
        policy = Watched(world, terms=Terms(minimum_run_seconds=minimum))
        found = played(world, policy)
        stopped = [run for run in found.runs if run.outcome is Outcome.STOPPED]
        for run in stopped:
            _assert_it_was_right(run, found, minimum)
        assert {(run.end, run.task) for run in stopped} <= set(policy.stops)
        stops.extend(run.end for run in stopped)

    law()
    assert len(stops) >= _LEAST_STOPS


def _assert_it_was_right(run: Run, found: Played, minimum: float) -> None:
    tasks = found.world.tasks
    task = tasks[run.task]
    assert task.band == "batch" and task.can_checkpoint
    assert run.end - run.start >= minimum, "it had not had its minimum"
    there = [one for one in found.runs if one.devices == run.devices and one.start == run.end]
    assert [tasks[one.task].band for one in there] == ["interactive"]
    (done,) = [r for r in found.runs if r.task == run.task and r.outcome is Outcome.DONE]
    assert done.start >= run.end, "it does not go on"
