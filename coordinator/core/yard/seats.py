"""Devices as the yard sees them: of which kind, what they hold, what they do and until when. Alike
idle devices stand in one heap, so that a decision looks at classes and never at each device.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Floats

Held = frozenset[int]
ClassKey = tuple[int, Held]


@dataclass(slots=True)
class Run:
    """A task under way. `gang`: all of its devices. `ends_at` is predicted."""

    task: str
    line: LineKey
    shape: int
    seats: tuple[int, ...]
    started_at: float
    ends_at: float
    waited_since: float
    gib: float = 0.0
    charged: float = 0.0
    stopping: bool = False
    makes_way_for: LineKey | None = None
    """Whose task it is stopped for."""
    can_checkpoint: bool = False
    is_queued: bool = False
    """Behind another; its times are those at which it would begin and end."""


@dataclass(slots=True)
class Seat:
    """One device. `key` orders alike ones; `node` and `link` matter to gangs."""

    key: Hashable
    kind: int
    node: str
    link: str = ""
    room_gib: float = 0.0
    """Of devices that would end a task at the same time, the one with the least is taken."""
    pool: Hashable = None
    """Those of one pool share their memory."""
    held: Held = frozenset()
    run: Run | None = None
    then: Run | None = None
    """What is queued behind the run."""
    is_open: bool = True
    kept_for: int | None = None
    """The line that it is reserved for."""

    @property
    def most_gib(self) -> float:
        """What it never exceeds with what it has: one after the other, so the larger counts."""
        return max((run.gib for run in (self.run, self.then) if run is not None), default=0.0)


@dataclass(slots=True)
class Seats:
    """All devices, by number."""

    seats: list[Seat] = field(default_factory=list)
    numbers: dict[Hashable, int] = field(default_factory=dict)
    count: Floats = field(default_factory=lambda: np.zeros(8))
    """[kinds] devices that take work."""
    holders: Floats = field(default_factory=lambda: np.zeros((8, 8)))
    """[models, kinds] devices that hold the model."""
    idle: dict[ClassKey, int] = field(default_factory=dict)
    """How many idle devices of each class may be given to anybody; classes that have any."""
    idle_of_kind: Floats = field(default_factory=lambda: np.zeros(8))
    idle_with: dict[int, set[ClassKey]] = field(default_factory=lambda: defaultdict(set))
    """For each model the classes with idle devices that hold it."""
    listings: dict[ClassKey, int] = field(default_factory=lambda: defaultdict(int))
    """How often a device came to be idle in the class."""
    changes: int = 0
    """Grows whenever a holder or the number of devices changes."""
    comings: int = 0
    """Grows whenever a device comes or goes."""
    pools: dict[Hashable, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Devices, or lanes of one, that share their memory."""
    _heaps: dict[ClassKey, list[tuple[Any, int]]] = field(default_factory=lambda: defaultdict(list))
    _ends: dict[int, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    _listed: dict[int, ClassKey] = field(default_factory=dict)
    _soon: list[tuple[float, int]] = field(default_factory=list)
    _ending: set[int] = field(default_factory=set)
    _held_until: dict[int, float] = field(default_factory=dict)

    def put(self, seat: Seat) -> int:
        """A device that is new, or that is different now; a run of it stays."""
        number = self.numbers.get(seat.key)
        if number is None:
            number = self.numbers[seat.key] = len(self.seats)
            self.seats.append(seat)
            if seat.pool is not None:
                self.pools[seat.pool].append(number)
            self._enter(number)
            return number
        old = self.seats[number]
        if old.run is not None:
            seat.held = old.held  # what it is loading for the run counts
        if old.is_open and _alike(old, seat):
            return number
        seat.run, seat.then = old.run, old.then
        seat.kept_for = old.kept_for
        self._leave(number)
        self.seats[number] = seat
        self._enter(number)
        return number

    def drop(self, key: Hashable) -> None:
        """The device takes no work any more."""
        number = self.numbers.get(key)
        if number is not None and self.seats[number].is_open:
            self._leave(number)
            self.seats[number].is_open = False

    def begin(self, run: Run, model: int) -> None:
        """The run has its devices from now on, and they will hold its model alone."""
        for number in run.seats:
            seat = self.seats[number]
            self._unlist(number)
            seat.run, seat.kept_for = run, None
            self._note_end(number, run, model)
            if model >= 0 and model not in seat.held:
                self._held_until.update(dict.fromkeys(seat.held, run.started_at))
                self._hold(number, frozenset((model,)))

    def let_go(self, models: int) -> Floats:
        """[models + 1] when the last device that had it began to load another; -endless: never. The
        last is of tasks without a model."""
        found = np.full(models + 1, -inf)
        for model, at in self._held_until.items():
            found[model] = at
        return found

    def prolong(self, run: Run, seconds: float, model: int) -> None:
        """The run ends so much later than was predicted."""
        run.ends_at += seconds
        for number in run.seats:
            if self.seats[number].run is run:
                self._note_end(number, run, model)

    def queue(self, run: Run) -> None:
        """The run has its device as soon as what is there has ended."""
        run.is_queued = True
        self.seats[run.seats[0]].then = run
        self._ending.discard(run.seats[0])

    def ending(self, by: float) -> set[int]:
        """Devices whose run ends by then, as predicted, and that have nothing queued."""
        while self._soon and self._soon[0][0] <= by:
            ends_at, number = heapq.heappop(self._soon)
            if self._still_runs(ends_at, number) and self.seats[number].then is None:
                self._ending.add(number)
        return self._ending

    def _note_end(self, number: int, run: Run, model: int) -> None:
        heapq.heappush(self._soon, (run.ends_at, number))
        self._ending.discard(number)
        if model >= 0:
            heapq.heappush(self._ends[model], (run.ends_at, number))

    def free_in(self, model: int, now: float) -> float:
        """Seconds until the first device that holds the model is free, as predicted."""
        if self.idle_with.get(model):
            return 0.0
        heap = self._ends[model]
        while heap and not self._still_runs(*heap[0]):
            heapq.heappop(heap)
        return max(0.0, heap[0][0] - now) if heap else 0.0

    def _still_runs(self, ends_at: float, number: int) -> bool:
        run = self.seats[number].run
        return run is not None and run.ends_at == ends_at

    def end(self, run: Run) -> Run | None:
        """Its devices are free; what was queued behind it, where there was something, is for the
        caller to begin."""
        then = None
        for number in run.seats:
            seat = self.seats[number]
            if seat.then is run:
                seat.then = None
                self._ending.add(number)
            elif seat.run is run:
                seat.run, then, seat.then = None, seat.then, None
                self._ending.discard(number)
                if then is None:
                    self._list(number)
        return then

    def hold(self, number: int, held: Held) -> None:
        """What the device has in memory now."""
        if self.seats[number].held != held:
            self._unlist(number)
            self._hold(number, held)
            self._list(number)

    def keep(self, number: int, line: int | None) -> None:
        """Reserve the device for a line, or for nobody."""
        self._unlist(number)
        self.seats[number].kept_for = line
        self._list(number)

    def classes(self) -> list[ClassKey]:
        """Those with idle devices."""
        return list(self.idle)

    def cheapest(self, kind: int) -> ClassKey | None:
        """Of the kind's classes with idle devices the one where least is thrown out."""
        own = (key for key in self.idle if key[0] == kind)

        def order(key: ClassKey) -> tuple[int, Any]:
            return len(key[1]), self.seats[self.first(key)].key

        return min(own, key=order, default=None)

    def first(self, key: ClassKey) -> int:
        """The first idle device of the class, which has one."""
        heap = self._heaps[key]
        while self._listed.get(heap[0][1]) != key:  # it was given away or changed meanwhile
            heapq.heappop(heap)
        return heap[0][1]

    def each(self, key: ClassKey) -> list[int]:
        """All idle devices of the class, in order."""
        found = sorted({one for one in self._heaps[key] if self._listed.get(one[1]) == key})
        self._heaps[key] = found  # in order, so still a heap
        return [number for _, number in found]

    def of_kind(self, kind: int) -> Iterator[int]:
        """Devices of the kind that take work."""
        return (n for n, seat in enumerate(self.seats) if seat.kind == kind and seat.is_open)

    def is_idle(self, number: int) -> bool:
        """Takes work, and has none."""
        seat = self.seats[number]
        return seat.is_open and seat.run is None

    def _enter(self, number: int) -> None:
        seat = self.seats[number]
        self._room(seat.kind, max(seat.held, default=0))
        if not seat.is_open:
            return
        self.count[seat.kind] += 1
        for model in seat.held:
            self.holders[model, seat.kind] += 1
        self.changes += 1
        self.comings += 1
        self._list(number)

    def _leave(self, number: int) -> None:
        seat = self.seats[number]
        if not seat.is_open:
            return
        self._unlist(number)
        self.count[seat.kind] -= 1
        for model in seat.held:
            self.holders[model, seat.kind] -= 1
        self.changes += 1
        self.comings += 1

    def _hold(self, number: int, held: Held) -> None:
        seat = self.seats[number]
        self._room(seat.kind, max(held, default=0))
        if seat.is_open:
            for model in seat.held:
                self.holders[model, seat.kind] -= 1
            for model in held:
                self.holders[model, seat.kind] += 1
        seat.held = held
        self.changes += 1

    def _list(self, number: int) -> None:
        seat = self.seats[number]
        if seat.is_open and seat.run is None and seat.kept_for is None:
            key = self._listed[number] = (seat.kind, seat.held)
            heapq.heappush(self._heaps[key], (seat.key, number))
            self.idle[key] = self.idle.get(key, 0) + 1
            self.listings[key] += 1
            self.idle_of_kind[seat.kind] += 1
            for model in seat.held if self.idle[key] == 1 else ():
                self.idle_with[model].add(key)

    def _unlist(self, number: int) -> None:
        key = self._listed.pop(number, None)
        if key is not None:
            self.idle[key] -= 1
            self.idle_of_kind[key[0]] -= 1
            if not self.idle[key]:
                del self.idle[key]
                for model in key[1]:
                    self.idle_with[model].discard(key)

    def _room(self, kind: int, model: int) -> None:
        models, kinds = self.holders.shape
        if kind < kinds and model < models:
            return
        larger = np.zeros((max(models, 2 * (model + 1)), max(kinds, 2 * (kind + 1))))
        larger[:models, :kinds] = self.holders
        self.holders = larger
        for name in ("count", "idle_of_kind"):
            array = np.zeros(larger.shape[1])
            array[: len(getattr(self, name))] = getattr(self, name)
            setattr(self, name, array)


def held_by(seats: Seats, run: Run) -> Held:
    """The models that the run's devices hold."""
    return frozenset[int]().union(*(seats.seats[number].held for number in run.seats))


def _alike(one: Seat, other: Seat) -> bool:
    return (one.kind, one.node, one.link, one.held, one.room_gib) == (
        *(other.kind, other.node, other.link),
        *(other.held, other.room_gib),
    )
