"""Looks for the cheapest change that holds a deadline: each is tried by playing the farm again, in
the order of what it costs, and the first that holds is the answer. Pure, and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from coordinator.core import remedies
from coordinator.core import risk_said as said
from coordinator.core.able import Able
from coordinator.core.asks import lane_of
from coordinator.core.foresight import Foresight
from coordinator.core.forward import Played, Wanted, play
from coordinator.core.remedies import Wants
from coordinator.core.snapshot import Waiting
from coordinator.core.unfolded import Course
from coordinator.core.volume import ends_by_volume

FEW = (1, 2)
"""More devices than these are no remedy, but a figure."""
MANY = (4, 8, 16, 32)
MOST_ALONE = 300
"""Tasks of a job that is tried by volume."""
_WORTH_IT = 3
"""Whom a remedy harms is looked for where that takes at most this part of what may be played."""


@dataclass(frozen=True, slots=True)
class Late:
    """A job that misses its deadline, the part of it that all the rest waits for, when it ends."""

    job_id: str
    deadline: float
    part: Waiting | None = None
    ends: float = inf


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would hold a deadline, or that nothing does. `device`: the type of which `count` more
    are wanted; `ends`: when the job would end then, seconds since 1970."""

    kind: Literal["jump", "devices", "release", "resume", "none", "untried"]
    sentence: str
    command: str = ""
    device: str = ""
    memory_gib: float | None = None
    count: int = 0
    ends: float | None = None


class _Spent(Exception):
    """As many tasks were played as may be."""


@dataclass(slots=True)
class Rough:
    """What holds by volume: the end that was seen, by as much sooner as there is less before it on
    a farm that does more; never sooner than alone."""

    course: Course
    foresight: Foresight
    able: Able

    def holds(self, course: Course, late: Late) -> bool:
        """Whether the job would be in time there."""
        now, before = course.farm.now, self._seconds(self.course, late)
        if not before:
            return False
        there = now + (late.ends - now) * self._seconds(course, late) / before
        return there <= late.deadline and self._alone(course, late) <= late.deadline

    def _seconds(self, course: Course, late: Late) -> float:
        nothing = Played({}, course.farm.now, 0, True, 1.0)
        able = Able(course.farm, self.able.estimates)
        ends = ends_by_volume(course, nothing, frozenset((late.job_id,)), able)
        return ends.get(late.job_id, inf) - course.farm.now

    def _alone(self, course: Course, late: Late) -> float:
        wanted = Wanted(frozenset((late.job_id,)), by=late.deadline, most_starts=MOST_ALONE)
        played = play(remedies.alone(course, late.job_id), self.foresight, wanted)
        end = played.end_of(course.of_job(late.job_id))
        return inf if end is None else end


@dataclass(slots=True)
class Search:
    """All tries of one look at a farm. `on_time`: deadlines that hold now, by job, which a remedy
    for another may break; `most`: tasks that may be played in all."""

    course: Course
    foresight: Foresight
    able: Able
    on_time: Mapping[str, float]
    most: int
    whole: int = 0
    """Tasks that the whole farm's play took."""
    is_alone: bool = False
    """Nobody asked for another job."""
    played: int = 0

    def hold(self, late: Late) -> Remedy:
        """For a job that is late."""
        try:
            return self._hold(late)
        except _Spent:
            return self._roughly(late) or self._untried(late)

    def let_go(self, late: Late) -> Remedy:
        """For a job that a person has stopped: what becomes of it when it goes on now."""
        is_held = any(t.held_because is not None for t in self.course.waiting_of(late.job_id))
        kind: Literal["release", "resume"] = "release" if is_held else "resume"
        command = f"reelyard {kind} {late.job_id}"
        try:
            end = self._end(remedies.let_go(self.course, late.job_id), late, by=inf)
        except _Spent:
            return self._untried(late)
        sentence = said.let_go(end, late.deadline)
        return Remedy(kind, sentence, command, ends=end)

    def _roughly(self, late: Late) -> Remedy | None:
        """By volume, where there is time for that."""
        if not self.is_alone or late.ends == inf:
            return None
        wants, rough = self._wants(late), Rough(self.course, self.foresight, self.able)
        if rough.holds(remedies.jumped(self.course, late.job_id), late):
            command = f"reelyard jump {late.job_id}"
            return Remedy("jump", said.roughly(said.jump(None)), command)
        for count in FEW if wants is not None else ():
            assert wants is not None
            if rough.holds(remedies.with_more(self.course, wants.device, count), late):
                sentence, gib = said.roughly(said.more(wants, count)), wants.device.memory_gib
                return Remedy("devices", sentence, "", wants.type, gib, count)
        return None

    def _untried(self, late: Late) -> Remedy:
        command = "" if self.is_alone else f"reelyard risk {late.job_id}"
        return Remedy("untried", said.untried(late.job_id, self.is_alone), command)

    def _hold(self, late: Late) -> Remedy:
        wants = self._wants(late)
        if self._is_hopeless(late, wants):
            return self._nobody_can(late)
        if found := self._jump(late):
            return found
        if wants is None:
            return Remedy("none", said.NO_DEVICE)
        for count in FEW:
            end = self._with_more(late, wants, count)
            if end is not None:
                return self._devices("devices", said.more(wants, count), wants, count, end)
        return self._it_would_take(late, wants)

    def _is_hopeless(self, late: Late, wants: Wants | None) -> bool:
        """Late even on a farm that does nothing else and has many devices more."""
        course = remedies.alone(self.course, late.job_id)
        if wants is not None:
            course = remedies.with_more(course, wants.device, MANY[-1])
        return self._end(course, late) is None

    def _nobody_can(self, late: Late) -> Remedy:
        end = self._end(remedies.alone(self.course, late.job_id), late, by=inf)
        return Remedy("none", said.NOBODY, ends=end)

    def _jump(self, late: Late) -> Remedy | None:
        """To the front; played on until what was on time has ended too, where that may be."""
        course = remedies.jumped(self.course, late.job_id)
        end = self._end(course, late)
        if end is None:
            return None
        sentence = said.jump(self._broken(course))
        return Remedy("jump", sentence, f"reelyard jump {late.job_id}", ends=end)

    def _broken(self, course: Course) -> list[str] | None:
        """Jobs that were on time and are not then; None where that is too much to play."""
        jobs = frozenset(self.on_time)
        if not jobs:
            return []
        if _WORTH_IT * self.whole > self.most - self.played:
            return None
        played = self._play(course, Wanted(jobs, by=max(self.on_time.values())))
        ends = {job: played.end_of(course.of_job(job)) for job in jobs}
        late = (job for job, end in ends.items() if end is None or end > self.on_time[job])
        return sorted(late, key=lambda job: (self.on_time[job], job))

    def _with_more(self, late: Late, wants: Wants, count: int) -> float | None:
        return self._end(remedies.with_more(self.course, wants.device, count), late)

    def _it_would_take(self, late: Late, wants: Wants) -> Remedy:
        """How many it would take: doubled until it holds, then halved."""
        least, found = FEW[-1], None
        for count in MANY:
            end = self._with_more(late, wants, count)
            if end is not None:
                found = (count, end)
                break
            least = count
        if found is None:
            return Remedy("none", said.not_even(wants, MANY[-1]))
        while found[0] - least > 1:
            middle = (least + found[0]) // 2
            end = self._with_more(late, wants, middle)
            least, found = (least, (middle, end)) if end is not None else (middle, found)
        sentence = said.would_take(wants, found[0])
        return self._devices("none", sentence, wants, *found)

    def _devices(
        self, kind: Literal["devices", "none"], sentence: str, wants: Wants, count: int, end: float
    ) -> Remedy:
        gib = wants.device.memory_gib
        return Remedy(kind, sentence, "", wants.type, gib, count, end)

    def _wants(self, late: Late) -> Wants | None:
        """What could run all that is late: what waits of the job in the lane of its last part."""
        waiting = self.course.waiting_of(late.job_id)
        lane = lane_of(late.part.kind) if late.part else "main"
        of_lane = [task for task in waiting if lane_of(task.kind) == lane]
        found = remedies.smallest_that_can(of_lane or waiting, self.able)
        return found or remedies.smallest_that_can(of_lane[-1:], self.able)

    def _end(self, course: Course, late: Late, by: float | None = None) -> float | None:
        """When the job ends there; None when that is after its deadline, or after `by`."""
        last = late.deadline if by is None else by
        played = self._play(course, Wanted(frozenset((late.job_id,)), by=last))
        end = played.end_of(course.of_job(late.job_id))
        return end if end is not None and end <= last else None

    def _play(self, course: Course, wanted: Wanted) -> Played:
        left = self.most - self.played
        if left <= 0:
            raise _Spent
        played = play(course, self.foresight, replace(wanted, most_starts=left))
        self.played += played.starts + 1
        if played.is_cut:
            raise _Spent
        return played
