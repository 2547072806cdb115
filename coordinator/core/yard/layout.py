"""The batch planner: everything is known, so every task gets a device and a place in its line.

HEFT over shapes with three additions: only kinds that the mix uses are looked at; a device swaps
models only when the holder would be free later by `swap_price` loads; whatever would end beyond the
horizon looks at every kind that fits. State is one heap of free times per (kind, resident model),
so the cost does not grow with the number of devices. Tasks are laid in blocks where there are many.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coordinator.core.yard.mix import Mix, Work
from coordinator.core.yard.prices import Floats, Ints

_LONGEST_FIRST_PRICE, _MODEL_BY_MODEL_PRICE = 10.0, 3.0
_SLACK = 1.01
EMPTY = -1


@dataclass(frozen=True, slots=True)
class Free:
    """A device that can be planned for: its number, kind, the model it will hold (EMPTY for none)
    and in how many seconds it is free."""

    device: int
    kind: int
    model: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Layout:
    """`runs`: for each device the shapes it is to make, in order, with how many of each in a row;
    `makespan` in seconds from now; `loads` of models."""

    makespan: float
    loads: int
    runs: dict[int, list[tuple[int, int]]]


class _Yard:
    """Free times by kind and resident model; the last column holds devices that hold nothing."""

    def __init__(self, models: int, kinds: int, devices: Sequence[Free]) -> None:
        self.heaps: list[list[list[tuple[float, int]]]] = [
            [[] for _ in range(models + 1)] for _ in range(kinds)
        ]
        for free in devices:
            self.heaps[free.kind][free.model].append((free.seconds, free.device))
        self.head: Floats = np.full((kinds, models + 1), np.inf)
        for g in range(kinds):
            for m in range(models + 1):
                heapq.heapify(self.heaps[g][m])
                self._show(g, m)

    def take(self, g: int, m: int) -> tuple[float, int]:
        found = heapq.heappop(self.heaps[g][m])
        self._show(g, m)
        return found

    def give(self, g: int, m: int, seconds: float, device: int) -> None:
        heapq.heappush(self.heaps[g][m], (seconds, device))
        self.head[g, m] = self.heaps[g][m][0][0]

    def _show(self, g: int, m: int) -> None:
        heap = self.heaps[g][m]
        self.head[g, m] = heap[0][0] if heap else np.inf


def best_layout(
    work: Work,
    mix: Mix | None,
    bound: float,
    devices: Sequence[Free],
    risk: float = 0.0,
    most_blocks: int = 120_000,
) -> Layout:
    """Both orders, longest first and one model after another; the better of the two. `risk`: the
    part by which a task may well run longer than predicted."""
    block = max(1, int(np.ceil(float(work.count.sum()) / most_blocks)))
    horizon = _SLACK * bound
    tries = [
        lay_out(work, mix, horizon, devices, price, by_model, risk, block)
        for price, by_model in ((_LONGEST_FIRST_PRICE, False), (_MODEL_BY_MODEL_PRICE, True))
    ]
    return min(tries, key=lambda found: found.makespan)


def lay_out(
    work: Work,
    mix: Mix | None,
    horizon: float,
    devices: Sequence[Free],
    swap_price: float = 1.0,
    model_by_model: bool = False,
    risk: float = 0.0,
    block: int = 1,
) -> Layout:
    """One pass over all tasks. Without a mix every kind is looked at."""
    models, kinds = work.load.shape
    yard = _Yard(models, kinds, devices)
    used = mix.used if mix is not None else np.isfinite(work.run)
    runs: dict[int, list[tuple[int, int]]] = {free.device: [] for free in devices}
    makespan, loads = 0.0, 0
    for k in order(work, model_by_model):
        m, load = int(work.model[k]), work.load[work.model[k]]
        left = int(work.count[k])
        while left > 0:
            many = min(block, left)
            left -= many
            run = work.run[k] * many
            g, stays = _choose(yard, run * (1 + risk / many), load, m, used[k], horizon, swap_price)
            if stays:
                start, device = yard.take(g, m)
            else:
                start, device = yard.take(g, int(yard.head[g].argmin()))
                start += load[g]
                loads += 1
            end = start + run[g]
            yard.give(g, m, end, device)
            makespan = max(makespan, end)
            _append(runs[device], int(k), many)
    return Layout(float(makespan), loads, runs)


def _choose(
    yard: _Yard, run: Floats, load: Floats, m: int, used: Floats, horizon: float, price: float
) -> tuple[int, bool]:
    """The kind, and whether a device that holds the model takes it."""
    anyone, holder = yard.head.min(1), yard.head[:, m]
    stay = holder <= anyone + price * load
    finish = np.where(used, np.where(stay, holder, anyone + load) + run, np.inf)
    g = int(finish.argmin())
    if finish[g] <= horizon:
        return g, bool(stay[g])
    g = int((np.minimum(holder, anyone + load) + run).argmin())
    return g, bool(holder[g] <= anyone[g] + load[g])


def order(work: Work, model_by_model: bool) -> Ints:
    """Longest shapes first by mean seconds; or all of one model, then the next, models by their
    longest shape."""
    finite = np.isfinite(work.run) & (work.devices > 0)
    mean = np.where(finite, work.run, 0.0).sum(1) / np.maximum(finite.sum(1), 1)
    wanted = np.nonzero(work.count > 0)[0]
    if not model_by_model:
        return np.asarray(wanted[np.argsort(-mean[wanted], kind="stable")])
    longest = np.zeros(len(work.load))
    np.maximum.at(longest, work.model[wanted], mean[wanted])
    return np.asarray(wanted[np.lexsort((-mean[wanted], -longest[work.model[wanted]]))])


def _append(runs: list[tuple[int, int]], shape: int, many: int) -> None:
    if runs and runs[-1][0] == shape:
        many += runs.pop()[1]
    runs.append((shape, many))
