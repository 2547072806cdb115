"""What comes, and the mix that follows: arrivals are remembered by shape, the newest weigh most,
and the linear program over them and the backlog says which kinds should do which shapes.

A kind is on plan for a shape where its priced seconds come near the cheapest: the vertex that the
solver happens to stop at names one kind where several are as good.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import inf

import numpy as np

from coordinator.core.yard.mix import ENDLESS_SECONDS, TIDY, Mix, solve, work_of
from coordinator.core.yard.prices import Bools, Floats, Prices
from coordinator.core.yard.terms import Terms

_LARGEST = 1e12
_RECENT = 0.01
_DOUBT = 10  # runs before the first few count fully
_REMEMBERED_MOMENTS = 512


@dataclass(slots=True)
class Forecast:
    """Arrivals so far. `usual`: [shapes] seconds on the fastest kind that is on plan; `on_plan`:
    [shapes, kinds]; `least_load`: [shapes] seconds where the model loads quickest; `worth`: [kinds]
    what a second there counts, 1 for the fastest kind."""

    terms: Terms
    seen: Floats = field(default_factory=lambda: np.zeros(64))
    on_plan: Bools = field(default_factory=lambda: np.zeros((0, 0), dtype=np.bool_))
    usual: Floats = field(default_factory=lambda: np.zeros(0))
    fastest: Floats = field(default_factory=lambda: np.zeros(0))
    least_load: Floats = field(default_factory=lambda: np.zeros(0))
    worth: Floats = field(default_factory=lambda: np.zeros(0))
    moments: list[float] = field(default_factory=list)
    """The newest ones, as a heap: in whatever order they are told of, the same are kept."""
    _distinct: set[float] = field(default_factory=set)
    planned_at: float = -np.inf
    _arrived: int = 0
    _off: float = 0.0
    _compared: int = 0
    _step: float = 1.0
    _known: tuple[int, int, Hashable] = (-1, -1, None)

    def arrive(self, shape: int, at: float) -> None:
        """One task of the shape came in."""
        while shape >= len(self.seen):
            self.seen = np.concatenate([self.seen, np.zeros_like(self.seen)])
        self.seen[shape] += self._step
        self._arrived += 1
        self._step *= 1.0 + 1.0 / self.terms.remembered_arrivals
        if self._step > _LARGEST:
            self.seen /= self._step
            self._step = 1.0
        self._remember(at)

    def _remember(self, at: float) -> None:
        if at in self._distinct:
            return
        self._distinct.add(at)
        heapq.heappush(self.moments, at)
        if len(self.moments) > _REMEMBERED_MOMENTS:
            self._distinct.discard(heapq.heappop(self.moments))

    def compare(self, predicted: float, took: float) -> None:
        """How far runs stray from what was predicted; nothing is known before the first."""
        if predicted > 0 and took > 0:
            self._compared += 1
            off = (took / predicted - 1.0) ** 2
            self._off += max(_RECENT, 1.0 / (self._compared + _DOUBT)) * (off - self._off)

    def recent(self) -> Floats:
        """[shapes] tasks that came in, the newest counting as one."""
        return self.seen / self._step

    def best(self) -> Floats:
        """[shapes] seconds where it is usually done, with the load; 0 for nowhere."""
        best = self.usual + self.least_load
        return np.where(np.isfinite(best), best, 0.0)

    @property
    def spread(self) -> float:
        """The typical error of a predicted run, as a part of it."""
        return float(np.sqrt(self._off))

    def moments_since(self, moment: float) -> float:
        """How often something came in since then; endless when it is more than is remembered."""
        if len(self.moments) == _REMEMBERED_MOMENTS and self.moments[0] > moment:
            return inf
        return sum(1 for at in self.moments if at > moment)

    def is_stale(self, prices: Prices, changes: Hashable, now: float) -> bool:
        """Whether the mix should be found anew: something is new, or enough has come in."""
        if (len(prices.shapes), len(prices.kinds), changes) != self._known:
            return True
        enough = self._arrived >= self.terms.replan_arrivals
        return enough and now - self.planned_at >= self.terms.replan_seconds

    def plan(
        self,
        prices: Prices,
        waiting: Floats,
        devices: Floats,
        gang: Floats,
        present: Floats,
        changes: Hashable,
        now: float,
    ) -> None:
        """Find the mix. `waiting` and `gang`: [shapes]; `devices`: [kinds] that are open,
        `present`: those and the closed ones; `changes`: of them."""
        self.planned_at, self._arrived = now, 0
        self._known = (len(prices.shapes), len(prices.kinds), changes)
        run = np.where(devices > 0, prices.run, np.inf)
        self.fastest = run.min(1, initial=np.inf)
        self.worth = worth_of(prices.run)
        self.least_load = np.where(np.isfinite(run), prices.load, np.inf).min(1, initial=np.inf)
        count = waiting + self.recent()[: len(run)]
        able = np.isfinite(self.fastest)
        work = work_of(run, prices.load, prices.model, np.where(able, count, 0.0), devices, gang)
        mix = solve(work, ENDLESS_SECONDS, TIDY) if able.any() else None
        self.on_plan = np.isfinite(run) if mix is None else near_plan(run, mix, count, self.terms)
        usual = np.where(self.on_plan, run, np.inf).min(1, initial=np.inf)
        closed = np.where(present > 0, prices.run, np.inf).min(1, initial=np.inf)
        self.usual = np.where(np.isfinite(usual), usual, np.minimum(self.fastest, closed))


def near_plan(run: Floats, mix: Mix, count: Floats, terms: Terms) -> Bools:
    """[shapes, kinds] where the shape is done by the plan, or as cheaply as there."""
    cost = np.where(np.isfinite(run), run, np.inf) * (mix.prices + 1e-15)
    planned = mix.share > terms.least_share
    cheapest = np.where(planned, cost, np.inf).min(1, initial=np.inf)
    near = cost <= cheapest[:, None] * (1 + terms.as_cheap)
    absent = ~planned.any(axis=1, keepdims=True) & np.isfinite(run)
    return np.asarray(planned | near | absent, dtype=np.bool_)


def worth_of(run: Floats) -> Floats:
    """[kinds] how much of a second on the fastest kind a second here is: the median over shapes
    that run on both; 1 where nothing is known."""
    if not run.size:
        return np.ones(run.shape[1])
    best = run.min(1, initial=np.inf)
    found = np.ones(run.shape[1])
    for g in range(run.shape[1]):
        able = np.isfinite(run[:, g]) & (run[:, g] > 0)
        if able.any():
            found[g] = float(np.median(best[able] / run[able, g]))
    return found
