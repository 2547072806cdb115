"""The batch planner: everything is known, so every task gets a device and a place in its line.

HEFT over shapes with three additions: only kinds that the mix uses are looked at; a device swaps
models only when the holder would be free later by `swap_price` loads; whatever would end beyond the
horizon looks at every kind that fits. State is one heap of free times per (kind, resident models),
so the cost does not grow with the number of devices. Tasks are laid in blocks where there are many.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import NamedTuple

import numpy as np

from coordinator.core.yard.mix import Mix, Work
from coordinator.core.yard.prices import Bools, Ints

_LONGEST_FIRST_PRICE, _MODEL_BY_MODEL_PRICE = 10.0, 3.0
_SLACK = 1.01
_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Free:
    """A device that can be planned for: its number, kind, the models it will hold and in how many
    seconds it is free."""

    device: int
    kind: int
    held: frozenset[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Layout:
    """`runs`: for each device the shapes it is to make, in order, with how many of each in a row;
    `makespan` in seconds from now; `loads` of models."""

    makespan: float
    loads: int
    runs: dict[int, list[tuple[int, int]]]


class _Option(NamedTuple):
    """A kind for some tasks of a shape: seconds to run them there, with the margin for what may
    take longer, and to load the model; `patience`: so much later than others may a device that
    holds the model be free, and still it is the one."""

    kind: int
    run: float
    load: float
    patience: float


class _Yard:
    """Free times by kind and what is resident: a column for each model, then one for nothing, then
    those for several; a device that loads a model holds that alone from then on. Plain lists: a
    choice looks at a few numbers, and to call numpy would take longer."""

    def __init__(self, models: int, kinds: int, devices: Sequence[Free]) -> None:
        several = sorted({free.held for free in devices if len(free.held) > 1}, key=sorted)
        holdings = [*(frozenset((m,)) for m in range(models)), _NOTHING, *several]
        column = {held: c for c, held in enumerate(holdings)}
        self.also = [[column[held] for held in several if m in held] for m in range(models)]
        self.heaps: list[list[list[tuple[float, int]]]] = [
            [[] for _ in holdings] for _ in range(kinds)
        ]
        for free in devices:
            self.heaps[free.kind][column[free.held]].append((free.seconds, free.device))
        for heap in chain.from_iterable(self.heaps):
            heapq.heapify(heap)
        self.heads = [[heap[0][0] if heap else inf for heap in row] for row in self.heaps]
        self.soonest = [min(row) for row in self.heads]
        self.runs: dict[int, list[tuple[int, int]]] = {free.device: [] for free in devices}
        self.makespan, self.loads = 0.0, 0

    def choose(self, m: int, options: Sequence[_Option]) -> tuple[float, _Option, bool]:
        """When it would end, the kind, and whether a device that holds the model takes it."""
        best, found, stays = inf, options[0], True
        for option in options:
            row, anyone = self.heads[option.kind], self.soonest[option.kind]
            holder = row[m]
            for c in self.also[m]:
                holder = min(holder, row[c])
            waits = holder <= anyone + option.patience
            finish = (holder if waits else anyone + option.load) + option.run
            if finish < best:
                best, found, stays = finish, option, waits
        return best, found, stays

    def stay(self, g: int, m: int, run: float) -> int:
        """The first device of the kind that holds the model does it; which one that is."""
        held = min((m, *self.also[m]), key=self.heads[g].__getitem__)
        heap = self.heaps[g][held]
        start, device = heap[0]
        heapq.heapreplace(heap, (start + run, device))
        self._show(g, held)
        self.makespan = max(self.makespan, start + run)
        return device

    def swap(self, g: int, m: int, load: float, run: float) -> int:
        """The first device of the kind loads the model and does it; which one that is."""
        held = self.heads[g].index(self.soonest[g])
        start, device = heapq.heappop(self.heaps[g][held])
        end = start + load + run
        heapq.heappush(self.heaps[g][m], (end, device))
        self._show(g, held)
        self._show(g, m)
        self.makespan, self.loads = max(self.makespan, end), self.loads + 1
        return device

    def _show(self, g: int, m: int) -> None:
        heap, row = self.heaps[g][m], self.heads[g]
        row[m] = heap[0][0] if heap else inf
        self.soonest[g] = min(row)


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
    able = np.isfinite(work.run)
    used = mix.used & able if mix is not None else able
    for k in order(work, model_by_model).tolist():
        m, seconds = int(work.model[k]), work.run[k].tolist()
        for many, times in _blocks(int(work.count[k]), block):
            margin = 1 + risk / many
            others = _options(work, k, able[k], many, margin, 1.0)
            planned = _options(work, k, used[k], many, margin, swap_price) or others
            for _ in range(times):
                finish, option, stays = yard.choose(m, planned)
                if finish > horizon:
                    _, option, stays = yard.choose(m, others)
                run = seconds[option.kind] * many
                if stays:
                    device = yard.stay(option.kind, m, run)
                else:
                    device = yard.swap(option.kind, m, option.load, run)
                _append(yard.runs[device], k, many)
    return Layout(yard.makespan, yard.loads, yard.runs)


def _blocks(count: int, block: int) -> list[tuple[int, int]]:
    """So many tasks at a time, and how often."""
    return [(many, times) for many, times in ((block, count // block), (count % block, 1)) if many]


def _options(
    work: Work, k: int, may: Bools, many: int, margin: float, price: float
) -> list[_Option]:
    """Of so many tasks of the shape: the kinds that may do them."""
    load = work.load[work.model[k]]
    columns = work.run[k] * many * margin, load, price * load
    rows = zip(*(column[may].tolist() for column in columns), strict=True)
    return [_Option(g, *row) for g, row in zip(np.nonzero(may)[0].tolist(), rows, strict=True)]


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
