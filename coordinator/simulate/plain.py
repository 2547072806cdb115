"""The plain queues that farms are measured against. None of them looks at how fast a device is or
what a load costs.

fifo: the oldest task goes to the device that has been idle longest, of those that can run it.
fifo-affinity: before that, an idle device takes the oldest task of the model that it holds.
first-fit: by priority, then age; each to the first idle device in the fleet's order that it fits.

What has to wait lets others pass, except a gang: devices that could be part of it wait for it. A
run starts only where it ends, as predicted, before the device closes.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from coordinator.simulate.policy import Machine, OpeningHours, Start, Stop, Task, World
from coordinator.simulate.unable import circle, mates, unable

Key = tuple[int, int]
"""Where a task stands in line: smaller is sooner."""


def fifo(world: World) -> PlainQueue:
    """Oldest first."""
    return PlainQueue(world)


def fifo_affinity(world: World) -> PlainQueue:
    """The model in memory first, then oldest first."""
    return PlainQueue(world, stays=True)


def first_fit(world: World) -> PlainQueue:
    """By priority, then oldest first, in the fleet's order of devices."""
    return PlainQueue(world, by_priority=True)


@dataclass(slots=True, eq=False)
class _Stand:
    """Machines that are alike to a queue. `idle`: (rank, device), the one to give work to first;
    `front`: (key, shape) of the first task of every line that they can take."""

    number: int
    type: int
    mates: int
    hours: OpeningHours | None
    idle: list[tuple[int, int]] = field(default_factory=list)
    front: list[tuple[Key, int]] = field(default_factory=list)
    held: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    fronts: dict[str, list[tuple[Key, int]]] = field(default_factory=lambda: defaultdict(list))
    until: float = math.inf
    """When the present opening ends; in the past where it is closed."""
    again: float = -math.inf
    """When to ask its hours again."""


class PlainQueue:
    """A `Policy`. One line for each shape; a device looks at the first of each only."""

    def __init__(self, world: World, stays: bool = False, by_priority: bool = False) -> None:
        self._world, self._stays, self._by_priority = world, stays, by_priority
        self._seconds = world.prices.seconds.tolist()
        self._load = world.prices.load_seconds.tolist()
        self._stands, self._stand_of = _stands(world.machines)
        self._able: dict[int, list[_Stand]] = {}
        self._lines: dict[int, list[Key]] = defaultdict(list)
        self._rank: list[int | None] = [None] * len(world.machines)
        self._holds = [""] * len(world.machines)
        self._clock = 0
        self._waiting = 0
        self._look: dict[tuple[int, str], None] = {}
        for machine in world.machines:
            self._give_back(machine.index)

    def arrive(self, tasks: Sequence[int], now: float) -> None:
        for task in tasks:
            self._queue(self._world.tasks[task])

    def end(self, task: int, devices: tuple[int, ...], now: float, ok: bool) -> None:
        asked = self._world.tasks[task]
        for device in devices:
            self._holds[device] = asked.model or self._holds[device]
            self._give_back(device)
        if not ok:
            self._queue(asked)

    def decide(self, now: float) -> list[Start | Stop]:
        starts: list[Start | Stop] = []
        for stand in self._stands:
            if stand.hours is not None and now >= stand.again:
                _look_at_the_door(stand, stand.hours, self._world.starts, now)
        if self._stays:
            starts.extend(self._at_home(now))
        kept: set[_Stand] = set()
        while (first := self._next(now, kept)) is not None:
            task = self._world.tasks[first]
            devices = self._devices(task, now, kept)
            if devices:
                starts.append(self._take(task, devices, "the oldest that it can run"))
            else:
                kept.update(self._stands_for(task))
        return starts

    def wake(self, now: float) -> float | None:
        if not self._waiting:
            return None
        soonest = min((stand.again for stand in self._stands if stand.hours), default=math.inf)
        return soonest if now < soonest < math.inf else None

    def why(self, task: int) -> str:
        asked = self._world.tasks[task]
        if never := unable(self._world, asked):
            return never
        seconds = min(self._world.prices.seconds[asked.shape])
        return f"no device that can run it is open for the {seconds:.0f} s that it takes"

    def _at_home(self, now: float) -> Iterator[Start]:
        """Idle devices and the oldest tasks of the models that they hold."""
        look = list(self._look)
        self._look.clear()
        for number, model in look:
            stand = self._stands[number]
            if stand.until <= now:
                self._look[number, model] = None
                continue
            while (device := self._first_idle(stand.held[model])) is not None:
                shape = self._first_in(stand.fronts[model], stand, now)
                if shape is None:
                    break
                task = self._world.tasks[self._lines[shape][0][1]]
                if task.gang > 1:
                    break
                yield self._take(task, (device,), "the oldest of the model that it holds")

    def _next(self, now: float, kept: set[_Stand]) -> int | None:
        """The task that is first of all, of those that an idle device can take."""
        best: Key | None = None
        for stand in self._stands:
            if not stand.front or stand.until <= now or stand in kept:
                continue
            if self._first_idle(stand.idle) is None:
                continue
            shape = self._first_in(stand.front, stand, now)
            if shape is not None and (best is None or self._lines[shape][0] < best):
                best = self._lines[shape][0]
        return best[1] if best else None

    def _devices(self, task: Task, now: float, kept: set[_Stand]) -> tuple[int, ...]:
        """The first idle device that can take it; for a gang, enough that are joined."""
        able = [
            stand
            for stand in self._stands_for(task)
            if stand not in kept and self._fits(task.shape, stand, now)
        ]
        if task.gang > 1:
            return self._gang(task, able)
        firsts = [found for stand in able if (found := self._head(stand.idle)) is not None]
        return (min(firsts)[1],) if firsts else ()

    def _gang(self, task: Task, able: list[_Stand]) -> tuple[int, ...]:
        together: dict[tuple[int, tuple[str, str]], list[tuple[int, int]]] = defaultdict(list)
        for stand in able:
            for rank, device in sorted(set(stand.idle)):
                if self._rank[device] == rank:
                    machine = self._world.machines[device]
                    together[machine.type, circle(machine)].append((rank, device))
        enough = [sorted(found)[: task.gang] for found in together.values()]
        enough = [found for found in enough if len(found) == task.gang]
        return tuple(sorted(device for _, device in min(enough))) if enough else ()

    def _take(self, task: Task, devices: tuple[int, ...], because: str) -> Start:
        line = self._lines[task.shape]
        heapq.heappop(line)
        self._waiting -= 1
        if line:
            self._show(task.shape)
        for device in devices:
            self._rank[device] = None
        kind = self._world.machines[devices[0]].type
        at_home = all(self._holds[device] == task.model for device in devices)
        load = 0.0 if at_home or not task.model else self._load[task.shape][kind]
        return Start(task.index, devices, load, because)

    def _queue(self, task: Task) -> None:
        key = (-task.priority if self._by_priority else 0, task.index)
        line = self._lines[task.shape]
        heapq.heappush(line, key)
        self._waiting += 1
        if line[0] == key:
            self._show(task.shape)

    def _show(self, shape: int) -> None:
        """Tell every stand that can take it of the line's first task."""
        key = self._lines[shape][0]
        task = self._world.tasks[key[1]]
        for stand in self._stands_for(task):
            heapq.heappush(stand.front, (key, shape))
            if self._stays:
                heapq.heappush(stand.fronts[task.model], (key, shape))
                self._look[stand.number, task.model] = None

    def _stands_for(self, task: Task) -> list[_Stand]:
        found = self._able.get(task.shape)
        if found is None:
            row = self._seconds[task.shape]
            found = [s for s in self._stands if math.isfinite(row[s.type]) and s.mates >= task.gang]
            self._able[task.shape] = found
        return found

    def _give_back(self, device: int) -> None:
        number = self._stand_of[device]
        stand, model = self._stands[number], self._holds[device]
        self._clock += 1
        rank = device if self._by_priority else self._clock
        self._rank[device] = rank
        heapq.heappush(stand.idle, (rank, device))
        if self._stays and model:
            heapq.heappush(stand.held[model], (rank, device))
            self._look[number, model] = None

    def _head(self, idle: list[tuple[int, int]]) -> tuple[int, int] | None:
        while idle and self._rank[idle[0][1]] != idle[0][0]:
            heapq.heappop(idle)
        return idle[0] if idle else None

    def _first_idle(self, idle: list[tuple[int, int]]) -> int | None:
        found = self._head(idle)
        return found[1] if found else None

    def _first_in(self, front: list[tuple[Key, int]], stand: _Stand, now: float) -> int | None:
        """The shape whose first task is soonest, of those that end before the stand closes."""
        aside = []
        found = None
        while front and found is None:
            key, shape = front[0]
            line = self._lines[shape]
            if not line or line[0] != key:
                heapq.heappop(front)
            elif self._fits(shape, stand, now):
                found = shape
            else:
                aside.append(heapq.heappop(front))
        for entry in aside:
            heapq.heappush(front, entry)
        return found

    def _fits(self, shape: int, stand: _Stand, now: float) -> bool:
        if stand.until == math.inf:
            return True
        seconds = self._seconds[shape][stand.type] + self._load[shape][stand.type]
        return bool(now + seconds <= stand.until)


def _stands(machines: Sequence[Machine]) -> tuple[list[_Stand], list[int]]:
    """Alike machines together, and the stand of each machine."""
    numbers: dict[tuple[int, int, int], int] = {}
    stands: list[_Stand] = []
    found = []
    together = mates(machines)
    for machine in machines:
        many = together[machine.type, circle(machine)]
        key = (machine.type, many, id(machine.hours))
        if key not in numbers:
            numbers[key] = len(stands)
            stands.append(_Stand(len(stands), machine.type, many, machine.hours))
        found.append(numbers[key])
    return stands, found


def _look_at_the_door(stand: _Stand, hours: OpeningHours, starts: float, now: float) -> None:
    """When it closes, or that it is closed, and until when that is so."""
    if hours.is_open(starts + now):
        stand.until = stand.again = hours.closes(starts + now) - starts
    else:
        stand.until, stand.again = -math.inf, hours.opens(starts + now) - starts
