"""Laws of the scheduler, each over farms at random that its real core plays to the end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.engine import Played
from coordinator.simulate.policy import World
from coordinator.simulate.runs import Outcome
from coordinator.simulate.truth import Truth
from tests.support.plays import a_task, a_world, played
from tests.support.small_farms import LAW, MONDAY, small_farms, with_tasks

_ROUNDING = 1e-6


@LAW
@given(small_farms())
def test_all_that_can_run_runs_and_nothing_is_overbooked(world: World) -> None:
    found = played(world, CorePolicy(world))
    done = [run.task for run in found.runs if run.outcome is Outcome.DONE]
    assert sorted(done) == list(range(len(world.tasks))) and not found.left
    _assert_one_at_a_time(found)
    _assert_gangs_are_whole(found)
    _assert_doors_are_kept(found)


def _assert_one_at_a_time(found: Played) -> None:
    spans: dict[int, list[tuple[float, float]]] = {}
    for run in found.runs:
        assert run.start >= found.world.tasks[run.task].at
        for device in run.devices:
            spans.setdefault(device, []).append((run.start, run.end))
    for of_device in spans.values():
        assert all(one[1] <= after[0] for one, after in pairwise(sorted(of_device)))


def _assert_gangs_are_whole(found: Played) -> None:
    for run in found.runs:
        machines = [found.world.machines[device] for device in run.devices]
        assert len(set(run.devices)) == len(machines) == found.world.tasks[run.task].gang
        assert len({machine.type for machine in machines}) == 1
        nodes, links = {m.node for m in machines}, {m.link for m in machines}
        assert len(nodes) == 1 or links == {"ethernet"}


def _assert_doors_are_kept(found: Played) -> None:
    for run in found.runs:
        for device in run.devices:
            hours = found.world.machines[device].hours
            if hours is not None:
                at = MONDAY + run.start
                closes = hours.closes(at) - MONDAY
                task = found.world.tasks[run.task]
                may_go_on = task.can_checkpoint and task.gang == 1
                assert hours.is_open(at) and (run.end <= closes + _ROUNDING or may_go_on)


@LAW
@given(small_farms(with_hours=False), st.sampled_from((0.2, 1.0)), st.integers(0, 9))
def test_all_that_can_run_runs_though_runs_stray_and_fail(
    world: World, noise: float, seed: int
) -> None:
    found = played(world, CorePolicy(world), Truth(len(world.tasks), noise, 0.1, seed))
    done = [run.task for run in found.runs if run.outcome is Outcome.DONE]
    assert sorted(done) == list(range(len(world.tasks))) and not found.left
    _assert_one_at_a_time(found)
    _assert_gangs_are_whole(found)


@LAW
@given(small_farms())
def test_the_same_history_gives_the_same_decisions(world: World) -> None:
    one, other = (list(played(world, CorePolicy(world)).runs) for _ in range(2))
    assert one == other


def test_a_long_backlog_of_two_models_does_not_swap_them_after_every_task() -> None:
    tasks = [
        a_task(0, at=float(n), shape=shape, model=model)
        for n in range(100)
        for shape, model in enumerate("ab")
    ]
    world = with_tasks(a_world(tasks, 1, [[10.0]] * 2, [[20.0]] * 2), tasks)
    found = played(world, CorePolicy(world))
    assert sum(run.loads for run in found.runs) <= len(tasks) / 4
