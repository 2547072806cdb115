"""Laws of the bound on the makespan: no schedule beats it, and more devices never raise it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.core.yard.mix import ENDLESS_SECONDS, makespan_bound, solve, work_of
from coordinator.simulate.bound import least_makespan
from coordinator.simulate.policies import policies
from coordinator.simulate.policy import World
from coordinator.simulate.truth import Truth
from tests.support.plays import played
from tests.support.small_farms import LAW, small_farms, with_machines

TOLERANCE = 2e-3
"""Of the bound: see `makespan_bound`."""
_ROUNDING = 1e-6


@LAW
@given(small_farms(), st.sampled_from(["reelyard", "fifo", "first-fit"]))
def test_no_schedule_beats_the_bound(world: World, name: str) -> None:
    found = played(world, policies()[name](world))
    bound = least_makespan(world, Truth(len(world.tasks)), frozenset(found.left)).seconds
    last = max((run.end for run in found.runs), default=0.0) - world.tasks[0].at
    assert bound is None or bound <= last * (1 + _ROUNDING)


@LAW
@given(small_farms(), st.integers(0, 5))
def test_another_device_never_raises_the_bound(world: World, which: int) -> None:
    another = world.machines[which % len(world.machines)]
    larger = with_machines(world, [*world.machines, another])
    before, after = (
        least_makespan(one, Truth(len(world.tasks)), frozenset()).seconds or 0.0
        for one in (world, larger)
    )
    assert after <= before * (1 + TOLERANCE)


@LAW
@given(st.data())
def test_not_even_the_best_schedule_beats_the_bound(data: st.DataObject) -> None:
    """Of two devices and up to four tasks every schedule is tried."""
    number = st.sampled_from((2.0, 3.0, 7.0, 11.0))
    run = np.array([[data.draw(number) for _ in range(2)] for _ in range(3)])
    load = np.full((3, 2), data.draw(st.sampled_from((0.0, 1.0, 4.0))))
    model = np.array([0, data.draw(st.integers(0, 1)), 1])
    tasks = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    work = work_of(run, load, model, np.bincount(tasks, minlength=3).astype(float), np.ones(2))
    best = min(
        _ends(order, places, run, load, model)
        for order in set(permutations(tasks))
        for places in product(range(2), repeat=len(tasks))
    )
    assert makespan_bound(work)[0] <= best * (1 + _ROUNDING)


def _ends(
    order: tuple[int, ...],
    places: tuple[int, ...],
    run: np.ndarray,
    load: np.ndarray,
    model: object,
) -> float:
    free, held = [0.0, 0.0], [-1, -1]
    for shape, place in zip(order, places, strict=True):
        wants = int(np.asarray(model)[shape])
        free[place] += float(
            run[shape, place] + (load[shape, place] if held[place] != wants else 0)
        )
        held[place] = wants
    return max(free)


@pytest.mark.parametrize("many", [1, 3, 1_000])
def test_a_plan_for_ever_is_as_good_for_few_tasks_as_for_many(many: int) -> None:
    """The needs of a few tasks until a horizon of decades are below the solver's tolerance."""
    dice = np.random.default_rng(1)
    for _ in range(20):
        run = dice.uniform(5, 300, (4, 3))
        count, devices = dice.uniform(0.5, 1.5, 4) * many, np.array([2.0, 1.0, 3.0])
        work = work_of(run, np.full((4, 3), 20.0), np.arange(4), count, devices)
        needs = []
        for horizon in (ENDLESS_SECONDS, 1e3 * float((count * run.max(1)).sum())):
            mix = solve(work, horizon)
            assert mix is not None
            needs.append(float(((count[:, None] * run * mix.share).sum(0) / devices).max()))
        assert needs[0] <= needs[1] * (1 + 1e-4)
