"""A yard that is told invented events until everything has ended, and the house that it is in.

Keeps its own book of what runs where, so that what the yard believes can be checked against it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, inf

from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.terms import Terms
from coordinator.core.yard.wishes import Decision, Start, Stop
from coordinator.core.yard.yard import Yard

MODELS = {"a": "A", "b": "B", "big": "B", "plain": ""}
"""By shape."""
GAINS = {"a": 1.0, "b": 0.8, "big": 1.2, "plain": 1.0}
"""By shape: how much of a device's speed is of use, as an exponent."""
LIMITS = {"licence": (3.0, 1.0), "disk": (2.0, inf)}
"""By name: how many of the farm, and of a node."""
CAPS = {"anna": 2.0}
_LONGEST_SECONDS = 1e7


@dataclass(frozen=True, slots=True)
class Kind:
    """Alike devices: how fast, in which lane, of which storage, and with which door."""

    speed: float
    lane: str = "main"
    storage: str = ""
    door: str = ""
    """Empty: always open; else open in every second span of so many seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A device, or a lane of one."""

    key: str
    kind: Kind
    node: str
    link: str = ""
    pool: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A task: since when it waits is its own."""

    id: str
    line: LineKey
    at: float


@dataclass(slots=True)
class Estimates:
    """What everything takes. `barred`: pairs of shape and speed that cannot be any more."""

    seconds: dict[str, float]
    load_seconds: float = 20.0
    gib: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MODELS, 9.0))
    barred: set[tuple[str, float]] = field(default_factory=set)

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        """Side lanes take what needs no model, main lanes the rest."""
        assert isinstance(shape, str) and isinstance(kind, Kind)
        is_side = MODELS[shape] == ""
        if is_side != (kind.lane == "side") or (shape, kind.speed) in self.barred:
            return Price(inf)
        load = 0.0 if is_side else self.load_seconds
        seconds = self.seconds[shape] / kind.speed ** GAINS[shape]
        return Price(seconds, load, self.gib[shape])

    def model(self, shape: Hashable) -> str:
        """Empty for none."""
        return MODELS[str(shape)]


@dataclass(frozen=True, slots=True)
class StrictHouse:
    """Caps, limits, doors and storages that bear one load at once."""

    loads: float = 1.0

    def closes_in(self, kind: Hashable, now: float) -> float:
        """Seconds; 0 when closed."""
        until, is_open = door(kind, now)
        return until if is_open else 0.0

    def opens_in(self, kind: Hashable, now: float) -> float:
        """Seconds; 0 when open."""
        until, is_open = door(kind, now)
        return 0.0 if is_open else until

    def share(self, owner: str) -> tuple[float, float]:
        """Weight and cap."""
        return 1.0, CAPS.get(owner, inf)

    def most_at_once(self, limit: str) -> float:
        """Of the farm."""
        return LIMITS[limit][0]

    def most_on_node(self, limit: str) -> float:
        """Of one node."""
        return LIMITS[limit][1]

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """And how many loads it bears."""
        assert isinstance(kind, Kind)
        return kind.storage, self.loads


def door(kind: Hashable, now: float) -> tuple[float, bool]:
    """In how many seconds it changes, and whether it is open."""
    assert isinstance(kind, Kind)
    if not kind.door:
        return inf, True
    span = float(kind.door)
    return span - now % span, (now // span) % 2 == 0


@dataclass(slots=True)
class Going:
    """A run as it really is: what it holds, and until when it loads and lasts."""

    told: Told
    places: tuple[Place, ...]
    began: float
    loaded: float
    ends: float
    gib: float


class Day:
    """The yard and its world. `told_every`: tasks are handed in together at every so many seconds,
    `mixed` in any order."""

    def __init__(
        self,
        places: list[Place],
        tasks: list[Told],
        estimates: Estimates,
        terms: Terms,
        told_every: float = 0.0,
        mixed: random.Random | None = None,
    ) -> None:
        self.yard = Yard(estimates, StrictHouse(), terms)
        self.estimates, self._told_every, self._mixed = estimates, told_every, mixed
        self.places = {place.key: place for place in places}
        self.coming = sorted(tasks, key=lambda task: (task.at, task.id), reverse=True)
        self.tasks = {task.id: task for task in tasks}
        self.going: dict[str, Going] = {}
        self.behind: dict[str, Going] = {}
        self.done: list[str] = []
        self.now, self.room_gib, self.loads_per_storage = 0.0, 16.0, 1
        for place in places:
            self.put(place)

    def put(self, place: Place) -> None:
        """The device takes work."""
        room = self.room_gib if place.pool else 0.0
        self.yard.put(
            *(place.key, place.kind, place.node, place.link, (), room, place.pool or None)
        )

    def moments(self) -> Iterator[tuple[float, list[Decision]]]:
        """Everything until nothing happens any more; what the yard says at each moment."""
        while (moment := self.next_moment()) < _LONGEST_SECONDS:
            self.now = moment
            self._end()
            for task in self._arrived():
                self.wait(task)
            yield moment, self.decide()

    def wait(self, task: Told) -> None:
        """It waits since it came."""
        self.yard.wait(task.id, task.line, task.at)

    def decide(self) -> list[Decision]:
        """What the yard says, done."""
        found = self.yard.decide(self.now)
        for decision in found:
            if isinstance(decision, Start):
                self._start(decision)
            elif isinstance(decision, Stop):
                self.going[decision.task].ends = self.now
        runs = self.yard.runs.values()
        assert self.yard.can_be_cut == sum(run.can_checkpoint for run in runs)
        return found

    def bound(self) -> list[Going]:
        """What runs, and what is queued behind it."""
        return [*self.going.values(), *self.behind.values()]

    def of_place(self) -> dict[str, list[Going]]:
        """By device what runs there."""
        found: dict[str, list[Going]] = {}
        for run in self.going.values():
            for place in run.places:
                found.setdefault(place.key, []).append(run)
        return found

    def _told_at(self, task: Told) -> float:
        every = self._told_every
        return ceil(task.at / every) * every if every else task.at

    def _arrived(self) -> list[Told]:
        found = []
        while self.coming and self._told_at(self.coming[-1]) <= self.now:
            found.append(self.coming.pop())
        if self._mixed is not None:
            self._mixed.shuffle(found)
        return found

    def next_moment(self) -> float:
        """When something happens or the yard wants to be asked again; endless for never."""
        wake = self.yard.wake(self.now)
        coming = self._told_at(self.coming[-1]) if self.coming else inf
        ends = min((run.ends for run in self.going.values()), default=inf)
        moment = min(coming, ends, inf if wake is None else max(wake, self.now + 1e-6))
        is_over = not self.coming and not self.going and not self.yard.lines.total()
        return inf if is_over else max(moment, self.now)

    def _end(self) -> None:
        for run in [run for run in self.going.values() if run.ends <= self.now]:
            del self.going[run.told.id]
            self.yard.end(run.told.id, self.now)
            self.done.append(run.told.id)
            then = self.behind.pop(run.places[0].key, None)
            if then is not None:
                lasts = then.ends - then.began
                then.began, then.loaded, then.ends = self.now, self.now, self.now + lasts
                self.going[then.told.id] = then

    def _start(self, start: Start) -> None:
        places = tuple(self.places[str(seat)] for seat in start.seats)
        shape = str(start.line.shape)
        ends = self.now + start.load_seconds + start.seconds
        run = Going(
            *(self.tasks[start.task], places, self.now, self.now + start.load_seconds, ends),
            self.estimates.gib[shape],
        )
        if start.begins_in > 0:
            assert places[0].key not in self.behind
            self.behind[places[0].key] = run
        else:
            self.going[start.task] = run


def history(day: Day) -> list[tuple[float, list[Decision]]]:
    """All that the yard says until everything has ended, moment by moment."""
    return [(now, said) for now, said in day.moments() if said]


def loads_at(day: Day) -> Mapping[str, list[int]]:
    """By storage the runs that load from it now: on how many devices each."""
    found: dict[str, list[int]] = defaultdict(list)
    for run in day.going.values():
        storage = run.places[0].kind.storage
        if run.loaded > day.now and storage:
            found[storage].append(len(run.places))
    return found
