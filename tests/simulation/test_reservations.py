"""Laws of reservations: in a flood of small tasks a large one starts by the moment that it was
promised first, where runs take what was predicted; where they stray, no later than what was under
way then really took.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.yard.terms import Terms
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.policy import Machine, Task, World
from coordinator.simulate.truth import Truth
from tests.support.plays import INF, a_task, a_world, played
from tests.support.small_farms import LAW, Watched, with_tasks

FEW = settings(LAW, max_examples=12)
NOISES = pytest.mark.parametrize("noise", [0.0, 0.5], ids=["as predicted", "straying"])
_ROUNDING = 1e-6
_LOOK_SECONDS = 1.0
"""A living farm looks so often, so that whoever has to wait is promised something."""
_SMALL, _LARGE, _AT = 0, 1, 50.0
_SEEDS, _SMALLS = st.integers(0, 9), st.sampled_from((5.0, 40.0))


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the large task. `promised`: the moment that it was promised first, endless
    where it never was; `longest`: seconds of the longest of the other runs, loads included, as it
    really was; `strays`: the same where runs stray, nothing where they do not."""

    start: float
    promised: float
    longest: float
    strays: float

    def assert_held(self, waits: float) -> None:
        """By the promise, and within the `waits` and what was under way then."""
        assert self.start <= self.promised + self.strays
        assert self.start <= _AT + waits + self.longest + self.strays


@NOISES
def test_the_only_device_of_a_large_task_is_kept_for_it(noise: float) -> None:
    """As 141 GiB on the only H200 of a farm of smaller cards. Where a load takes time, it first has
    to wait for many of them."""
    promises: list[float] = []

    @FEW
    @given(st.integers(2, 8), _SMALLS, st.sampled_from((0.0, 5.0)), _SEEDS)
    def law(cards: int, small: float, load: float, seed: int) -> None:
        machines = [Machine(n, 0, f"n{n}", 24.0) for n in range(cards)]
        machines.append(Machine(cards, 1, "big", 141.0))
        seconds = [[small] * 2, [INF, 200.0]]
        world = a_world(_flood(cards, small, 1), machines, seconds, [[load] * 2] * 2)
        kept = _kept(world, noise, seed)
        kept.assert_held(Terms().swap_waits * load)
        promises.append(kept.promised)

    law()
    assert sum(promised < inf for promised in promises) > len(promises) / 2


@NOISES
def test_the_devices_of_a_gang_are_kept_for_it(noise: float) -> None:
    promises: list[float] = []

    @FEW
    @given(st.integers(3, 8), st.integers(2, 3), _SMALLS, st.sampled_from((0.0, 10.0)), _SEEDS)
    def law(cards: int, gang: int, small: float, load: float, seed: int) -> None:
        machines = [Machine(n, 0, "rack", 24.0) for n in range(cards)]
        world = a_world(_flood(cards, small, gang), machines, [[small], [200.0]], [[load]] * 2)
        kept = _kept(world, noise, seed)
        kept.assert_held(0.0)
        promises.append(kept.promised)

    law()
    assert sum(promised < inf for promised in promises) > len(promises) / 2


def _flood(cards: int, small: float, gang: int) -> list[Task]:
    """Twice as much as the cards can do, and a large task into the middle of it."""
    every = small / (2.0 * cards)
    flood = [a_task(0, at=n * every, shape=_SMALL) for n in range(20 * cards)]
    return [*flood, a_task(0, at=_AT, shape=_LARGE, gang=gang)]


def _kept(world: World, noise: float, seed: int) -> Kept:
    world = with_tasks(world, world.tasks)
    promises: list[float] = []

    def look(core: CorePolicy, now: float) -> None:
        for line, held in core.yard.reservations.items():
            assert core.yard.lines.shape[line] == _LARGE
            promises.append(now + held.seconds)

    truth = Truth(len(world.tasks), noise=noise, seed=seed)
    found = played(world, Watched(world, look, every=_LOOK_SECONDS), truth)
    (large,) = [run for run in found.runs if world.tasks[run.task].shape == _LARGE]
    longest = max(run.end - run.start for run in found.runs if run.task != large.task) + _ROUNDING
    first = promises[0] if promises else inf
    return Kept(large.start, first, longest, longest if noise else _ROUNDING)
