"""When everything would be done: each piece of work goes where it is finished first, in the order
in which pieces become ready; a model is loaded once for as long as its device keeps it. Pure.

A list, not a search: a better order may exist, as it may for the farm, which works through a list
too.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reelyard.predict.fleet import Fleet, Group


@dataclass(frozen=True, slots=True)
class Cost:
    """One piece on one device of a group. `low`, `high` around `seconds`; `load_seconds` before it
    where `model` in this `variant` is not in memory; `needs_gib` while it runs, `keeps_gib` of it
    afterwards."""

    seconds: float
    low: float
    high: float
    load_seconds: float = 0.0
    model: str = ""
    variant: str = ""
    needs_gib: float = 0.0
    keeps_gib: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to do: where it can be done, and after which other pieces (their numbers)."""

    number: int
    costs: Mapping[Group, Cost]
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A piece in its place and time, in seconds from now. `load_seconds` come before `seconds`."""

    piece: Piece
    group: Group
    begins: float
    load_seconds: float
    seconds: float

    @property
    def ends(self) -> float:
        """When it is done."""
        return self.begins + self.load_seconds + self.seconds


@dataclass(frozen=True, slots=True)
class _Held:
    model: str
    variant: str | None
    gib: float


@dataclass(frozen=True, slots=True)
class _State:
    """Of devices that are alike at a moment: when they are free, what they hold, oldest first."""

    free_at: float
    held: tuple[_Held, ...] = ()

    def holds(self, cost: Cost) -> bool:
        """The model is in memory as this piece wants it."""
        return not cost.model or any(
            one.model == cost.model and one.variant in (None, cost.variant) for one in self.held
        )


@dataclass(slots=True)
class _Pools:
    """How many devices of each group are in which state."""

    of: dict[Group, dict[_State, int]] = field(default_factory=dict)

    def add(self, group: Group, state: _State, count: int) -> None:
        states = self.of.setdefault(group, {})
        states[state] = states.get(state, 0) + count

    def take(self, group: Group, state: _State) -> None:
        states = self.of[group]
        states[state] -= 1
        if not states[state]:
            del states[state]


def timetable(pieces: Sequence[Piece], fleet: Fleet, pace: str = "seconds") -> list[Run]:
    """A run for every piece, in the order of their beginnings in time. `pace`: which of a cost's
    durations to count with. Every piece must have a cost somewhere; needs come before."""
    pools, after = _pools(fleet, pieces), _followers(pieces)
    open_needs = {piece.number: len(piece.needs) for piece in pieces}
    ready_at = {piece.number: 0.0 for piece in pieces}
    queue = [(0.0, piece.number, piece) for piece in pieces if not piece.needs]
    heapq.heapify(queue)
    runs = []
    while queue:
        moment, number, piece = heapq.heappop(queue)
        run = _place(piece, moment, pools, pace)
        runs.append(run)
        for next_one in after.get(number, ()):
            open_needs[next_one.number] -= 1
            ready_at[next_one.number] = max(ready_at[next_one.number], run.ends)
            if not open_needs[next_one.number]:
                item = (ready_at[next_one.number], next_one.number, next_one)
                heapq.heappush(queue, item)
    return runs


def _place(piece: Piece, moment: float, pools: _Pools, pace: str) -> Run:
    """Where it is finished first; of equals, on the device that was busy until the last moment."""
    best: tuple[tuple[float, float, int], Group, _State, Run] | None = None
    for place, (group, cost) in enumerate(piece.costs.items()):
        for state in pools.of.get(group, ()):
            load = 0.0 if state.holds(cost) else cost.load_seconds
            begins = max(moment, state.free_at)
            run = Run(piece, group, begins, load, float(getattr(cost, pace)))
            merit = (run.ends, -state.free_at, place)
            if best is None or merit < best[0]:
                best = (merit, group, state, run)
    assert best is not None  # every piece has a cost somewhere
    _, group, state, run = best
    pools.take(group, state)
    pools.add(group, _after(state, run, piece.costs[group]), 1)
    return run


def _after(state: _State, run: Run, cost: Cost) -> _State:
    """The device when the run is over: as a worker does, it drops the models that it used longest
    ago until there is room for what runs."""
    if not cost.model:
        return replace(state, free_at=run.ends)
    others = [one for one in state.held if one.model != cost.model]
    while others and sum(one.gib for one in others) + cost.needs_gib > run.group.room_gib:
        others.pop(0)
    now = _Held(cost.model, cost.variant, cost.keeps_gib)
    return _State(run.ends, (*others, now))


def _pools(fleet: Fleet, pieces: Sequence[Piece]) -> _Pools:
    """Of what devices hold already, only what these pieces use counts: the rest makes room."""
    sizes = {
        (group, cost.model): cost.keeps_gib
        for piece in pieces
        for group, cost in piece.costs.items()
    }
    pools = _Pools()
    for stand in fleet.stands:
        held = tuple(
            _Held(model, None, sizes[stand.group, model])
            for model in sorted(stand.resident)
            if (stand.group, model) in sizes
        )
        pools.add(stand.group, _State(stand.busy_seconds, held), stand.count)
    return pools


def _followers(pieces: Sequence[Piece]) -> dict[int, list[Piece]]:
    after: dict[int, list[Piece]] = {}
    for piece in pieces:
        for need in piece.needs:
            after.setdefault(need, []).append(piece)
    return after
