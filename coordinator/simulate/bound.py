"""The makespan that no schedule of a workload can beat: see `coordinator.core.yard.mix`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coordinator.simulate.policy import Ints, World
from coordinator.simulate.truth import Truth

MOST_PRICES = 20_000
"""Shapes times types: a larger program takes minutes."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`seconds` from the first arrival; None where it was not computed."""

    seconds: float | None
    because: str


def least_makespan(world: World, truth: Truth, left: frozenset[int]) -> Bound:
    """The larger of two: what the work takes if all were there at the beginning, and the arrival of
    each task with its fastest run. Tasks in `left` (they never ran) do not count. Opening hours
    and one model at a time only make it longer, so the bound holds all the same."""
    tasks = [task for task in world.tasks if task.index not in left]
    if not tasks:
        return Bound(None, "nothing was done")
    seconds = world.prices.seconds
    if seconds.size > MOST_PRICES:
        said = f"{len(seconds)} shapes x {seconds.shape[1]} types are more than {MOST_PRICES}"
        return Bound(None, f"not computed: {said}; round seconds")
    present = np.bincount([m.type for m in world.machines], minlength=seconds.shape[1])
    fastest = np.where(present > 0, seconds, np.inf).min(1)
    late = max(task.at + fastest[task.shape] for task in tasks) - tasks[0].at
    said = "a linear program over shapes and types"
    if truth.noise or truth.failures:
        said += ", of predicted seconds: with noise or failures it is no proof"
    return Bound(max(float(late), _packed(world, [task.shape for task in tasks], present)), said)


def _packed(world: World, shapes: list[int], present: Ints) -> float:
    from coordinator.core.yard.mix import makespan_bound, work_of

    prices = world.prices
    gang = np.ones(len(prices.model))
    for task in world.tasks:
        gang[task.shape] = task.gang
    numbers = {name: n for n, name in enumerate(dict.fromkeys(filter(None, prices.model)))}
    run = np.where(present > 0, prices.seconds, np.inf)
    work = work_of(
        run,
        np.where(np.isfinite(run), prices.load_seconds, np.inf),
        np.array([numbers.get(name, -1) for name in prices.model], dtype=np.int64),
        np.bincount(shapes, minlength=len(prices.model)).astype(np.float64),
        present.astype(np.float64),
        gang,
    )
    return makespan_bound(work)[0]
