"""Plays a farm forward from now: what is under way ends as predicted, what waits is started by the
farm's own rule, and what was waited for lets the next tasks in. Pure: a clock of its own.

Nothing fails in a play and nothing new comes in. It never says more than the predictions do.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from statistics import median

from coordinator.core.foresight import Foresight
from coordinator.core.living import Changes, LivingYard
from coordinator.core.power import fit_there
from coordinator.core.snapshot import Waiting
from coordinator.core.unfolded import Course
from coordinator.core.width import Widths
from coordinator.core.yard.wishes import Start

_OVERDUE_SECONDS = 1.0
"""What has run longer than predicted is about to end."""
_MOST_VAIN_WAKES = 300
"""While nothing runs: a farm that does not move will not."""
_FURTHEST_SECONDS = 60 * 86_400.0
_LOOKS_PER_START = 4
_LARGE, _AT_ONCE_PART = 300, 0.1
"""Of a farm where so many tasks wait, what ends within this part of a typical run is looked at
together; every run still begins when its device is free and its needs are done."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far to play: until these jobs are done, it is so late, or so many tasks have started.
    `pace`: of every run, 1 as predicted."""

    jobs: frozenset[str]
    by: float = inf
    most_starts: int = 2_000
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Played:
    """How far it went. `ends`: of every task that ended by `at`; `starts`: of tasks; `is_cut`: it
    stopped because so many had started; `width`: by which factor times may be off."""

    ends: Mapping[str, float]
    at: float
    starts: int
    is_cut: bool
    width: float

    def end_of(self, tasks: tuple[Waiting, ...]) -> float | None:
        """When the last of these ends; None where that was not seen."""
        ends = [self.ends.get(task.id) for task in tasks]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def play(course: Course, foresight: Foresight, wanted: Wanted) -> Played:
    """The farm from now on, as far as it is wanted."""
    stage = _Stage(course, foresight, wanted)
    while stage.goes_on():
        stage.step()
    return Played(stage.ends, stage.now, stage.starts, stage.is_cut, stage.widths.all())


@dataclass(slots=True)
class _Stage:
    """Where a play has got to."""

    course: Course
    foresight: Foresight
    wanted: Wanted
    now: float = field(init=False)
    yard: LivingYard = field(init=False)
    widths: Widths = field(init=False)
    ends: dict[str, float] = field(default_factory=dict)
    starts: int = 0
    is_cut: bool = False
    _open: dict[str, int] = field(default_factory=dict)
    _after: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _tasks: dict[str, Waiting] = field(default_factory=dict)
    _going: list[tuple[float, str]] = field(default_factory=list)
    _until: dict[str, float] = field(default_factory=dict)
    _later: list[tuple[float, str]] = field(default_factory=list)
    _free: dict[object, float] = field(default_factory=dict)
    _left: dict[str, float] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _together: float = 0.0
    _undone: set[str] = field(default_factory=set)
    _wake: float = inf
    _vain: int = 0
    _looks: int = 0

    def __post_init__(self) -> None:
        farm = self.course.farm
        self.now, self.widths = farm.now, Widths(self.foresight)
        self.yard = LivingYard.of(replace(farm, waiting=()), self.foresight)
        for run in farm.under_way:
            end = max(run.ends_at or 0.0, farm.now + _OVERDUE_SECONDS)
            places = ((run.worker_id, run.device_id), *run.members)
            self._go(run.task_id, tuple((*place, run.lane) for place in places), end)
            self._tasks[run.task_id] = run.task
        self._tasks |= {task.id: task for task in farm.waiting}
        self.yard.thrift.take_in((), {task.id: task for task in farm.waiting})
        wanted = self.wanted.jobs
        self._undone = {id for id, task in self._tasks.items() if task.job_id in wanted}
        self._enter_all()
        self._decide()
        if len(farm.waiting) > _LARGE and self._going:
            self._together = _AT_ONCE_PART * (median(self._until.values()) - self.now)

    def goes_on(self) -> bool:
        """Whether anything that is wanted is still to come, and will."""
        moment = self._next()
        far = moment > min(self.wanted.by, self.course.farm.now + _FURTHEST_SECONDS)
        return bool(self._undone) and not (far or self.is_cut or self._vain > _MOST_VAIN_WAKES)

    def step(self) -> None:
        """The next moment at which something happens."""
        self.now = self._next()
        self._vain = 0 if self._going else self._vain + 1
        ready = self._end_due()
        while self._later and self._later[0][0] <= self.now:
            ready.append(heapq.heappop(self._later)[1])
        self._let_in(ready)
        self._decide()

    def _next(self) -> float:
        going = self._going[0][0] if self._going else inf
        return min(going, self._later[0][0] if self._later else inf, self._wake)

    def _enter_all(self) -> None:
        """Whoever waits: those whose needs are done are let in."""
        ready = []
        for task in self.course.farm.waiting:
            needs = self.course.needs.get(task.id, ())
            self._open[task.id] = len(needs)
            for need in needs:
                self._after[need].append(task.id)
            if not needs:
                ready.append(task.id)
        self._let_in(ready)

    def _let_in(self, ids: list[str]) -> None:
        """To the yard, or to those that wait for a time; what a person stopped stays away."""
        found = []
        for task in (self._tasks[id] for id in ids):
            when = max(task.not_before, task.start_after or 0.0)
            if task.held_because is not None or task.paused:
                continue
            if when > self.now:
                heapq.heappush(self._later, (when, task.id))
            else:
                found.append(replace(task, open_needs=()))
        if found:
            named = frozenset(task.id for task in found)
            self.yard.change(Changes(tasks=named, waiting=tuple(found)), self.now)

    def _end_due(self) -> list[str]:
        """What ends now, or as good as now; the tasks that only waited for it."""
        ready = []
        while self._going and self._going[0][0] <= self.now + self._together:
            end, task = heapq.heappop(self._going)
            if self._until.get(task) != end:
                continue  # it was stopped meanwhile
            del self._until[task]
            runs = self.yard.yard.runs
            as_said = runs[task].ends_at if self._together and task in runs else end
            self.yard.yard.end(task, as_said)
            self.yard.thrift.take_in((task,), {})
            self.ends[task] = end
            self._undone.discard(task)
            for after in self._after.get(task, ()):
                self._open[after] -= 1
                if not self._open[after]:
                    self._since[after] = end
                    ready.append(after)
        return ready

    def _decide(self) -> None:
        self._looks += 1
        self.yard.let_in(self.now)
        found = self.yard.yard.decide(self.now)
        for decision in found:
            if isinstance(decision, Start):
                self._start(decision)
            else:
                self._stop(decision.task)
        is_stopped = any(not isinstance(decision, Start) for decision in found)
        wake = self.now if is_stopped else self.yard.wake(self.now)
        self._wake = inf if wake is None else max(wake, self.now)
        most = self.wanted.most_starts
        self.is_cut = self.starts >= most or self._looks > _LOOKS_PER_START * most

    def _start(self, start: Start) -> None:
        self.starts += 1
        task = self._tasks[start.task]
        free = (self._free.get(seat, 0.0) for seat in start.seats)
        begins = max(self.now, self._since.get(start.task, 0.0), *free)
        device = self.yard.devices[_device(start.seats[0])]
        _, longer = fit_there(self.yard, task, device, start, self.now)
        seconds = self._left.pop(start.task, start.seconds) + longer + start.load_seconds
        self.widths.note(task, device, seconds)
        self._go(start.task, start.seats, begins + seconds * self.wanted.pace)

    def _stop(self, task: str) -> None:
        """It makes way, and goes on later from where it was; its device is looked at again."""
        self._left[task] = max(0.0, self._until.pop(task) - self.now)
        seats = self.yard.yard.seats.seats
        for number in self.yard.yard.runs[task].seats:
            self._free.pop(seats[number].key, None)
        self.yard.yard.end(task, self.now)
        self._let_in([task])

    def _go(self, task: str, seats: tuple[object, ...], end: float) -> None:
        self._until[task] = end
        self._free |= dict.fromkeys(seats, end)
        heapq.heappush(self._going, (end, task))


def _device(seat: object) -> tuple[str, str]:
    assert isinstance(seat, tuple)
    return str(seat[0]), str(seat[1])
