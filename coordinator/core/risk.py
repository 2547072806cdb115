"""Which deadlines will be held, by how much the others are missed, and the cheapest change that
would hold them: found by playing the farm forward with the rule that runs it. Pure; slow enough
that nobody asks on every tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

from coordinator.core import risk_said as said
from coordinator.core.able import Able
from coordinator.core.asks import FarmEstimates
from coordinator.core.foresight import Foresight
from coordinator.core.forward import Played, Wanted, play
from coordinator.core.search import Late, Remedy, Search
from coordinator.core.snapshot import Snapshot, Waiting
from coordinator.core.unfolded import Course, Needs, course_of
from coordinator.core.volume import ends_by_volume
from reelyard.risk_views import Verdict
from reelyard.rules.hours import ALWAYS

MOST_PLAYED = 2_000
"""Tasks that are played; what comes after them is estimated by volume."""
LEAST_FOR_ONE = 300
"""What is left of these may be played again to find remedies, or so many for one job."""


@dataclass(frozen=True, slots=True)
class Due:
    """A job that is not over and has a deadline, in seconds since 1970."""

    job_id: str
    title: str
    owner: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Ends:
    """When a job ends, seconds since 1970: the soonest, as predicted, the latest."""

    soonest: float
    likely: float
    latest: float


@dataclass(frozen=True, slots=True)
class Risk:
    """What will become of one deadline. `last`: the part that all the rest waits for, and when it
    ends."""

    due: Due
    verdict: Verdict
    because: str
    ends: Ends | None = None
    last: tuple[Waiting, float] | None = None
    remedy: Remedy | None = None
    is_estimate: bool = False

    @property
    def late_seconds(self) -> float | None:
        """How much it misses its deadline by; below 0 when it is early."""
        return None if self.ends is None else self.ends.likely - self.due.deadline


@dataclass(frozen=True, slots=True)
class Outlook:
    """All of them, the soonest deadline first; what to know about them; how many were played."""

    risks: tuple[Risk, ...]
    notes: tuple[str, ...]
    played: int


def outlook(
    farm: Snapshot,
    needs: Needs,
    dues: Sequence[Due],
    foresight: Foresight,
    most_played: int = MOST_PLAYED,
    least_tried: int | None = None,
) -> Outlook:
    """What will become of these deadlines. `needs`: by task those that have to be done before."""
    able = Able(farm, FarmEstimates(foresight, farm.rules))
    least = LEAST_FOR_ONE if len(dues) == 1 else 0
    judge = _Judge(course_of(farm, needs), foresight, able)
    tried = least if least_tried is None else least_tried
    return judge.judge(sorted(dues, key=_due_first), most_played, tried)


def _due_first(due: Due) -> tuple[float, str]:
    return due.deadline, due.job_id


@dataclass(slots=True)
class _Judge:
    """One look at one farm."""

    course: Course
    foresight: Foresight
    able: Able
    notes: list[str] = field(default_factory=list)

    def judge(self, dues: Sequence[Due], most_played: int, least_tried: int) -> Outlook:
        known = {due.job_id: self._at_once(due) for due in dues}
        jobs = frozenset(due.job_id for due in dues if known[due.job_id] is None)
        wanted = Wanted(jobs, most_starts=most_played)
        played = play(self.course, self.foresight, wanted)
        ends, guessed = self._ends(played, wanted), frozenset[str]()
        if played.is_cut:
            by_volume = ends_by_volume(self.course, played, jobs - ends.keys(), self.able)
            ends |= {
                job: _scaled(end, played, self.course.farm.now) for job, end in by_volume.items()
            }
            guessed = frozenset(by_volume)
            self.notes.append(said.cut(played.starts, len(self.course.farm.waiting)))
        found = [
            known[due.job_id] or self._foreseen(due, ends.get(due.job_id), played, guessed)
            for due in dues
        ]
        most = max(least_tried, most_played - played.starts)
        return self._with_remedies(found, played, most)

    def _at_once(self, due: Due) -> Risk | None:
        """What no play has to show: it is stopped, or cannot be done."""
        waiting, farm = self.course.waiting_of(due.job_id), self.course.farm
        if not farm.devices:
            return Risk(due, _late_or(Verdict.UNKNOWN, due, farm.now), said.NO_WORKER)
        for task in waiting:
            if not self.able.of(task):
                because = said.impossible(task, self.able)
                return Risk(due, Verdict.IMPOSSIBLE, because)
        stopped = next((t for t in waiting if t.paused or t.held_because is not None), None)
        if stopped is not None:
            return Risk(due, Verdict.STOPPED, said.stopped(stopped))
        return None

    def _ends(self, played: Played, wanted: Wanted) -> dict[str, Ends]:
        """Of the jobs whose end was seen. Where devices close, what takes longer may end a day
        later: then it is played at that pace too, if that is not too much."""
        now = self.course.farm.now
        likely = self._likely(played, wanted)
        may_again = 3 * played.starts <= wanted.most_starts and self._has_doors()
        if not likely or not may_again:
            return {job: _scaled(end, played, now) for job, end in likely.items()}
        width = played.width
        slow, quick = (
            self._likely(play(self.course, self.foresight, again), again)
            for again in (replace(wanted, pace=width), replace(wanted, pace=1 / width))
        )
        return {
            job: Ends(min(end, quick.get(job, end)), end, max(end, slow.get(job, end)))
            for job, end in likely.items()
        }

    def _likely(self, played: Played, wanted: Wanted) -> dict[str, float]:
        ends = {job: played.end_of(self.course.of_job(job)) for job in wanted.jobs}
        return {job: end for job, end in ends.items() if end is not None}

    def _has_doors(self) -> bool:
        rules = self.course.farm.rules
        hours = [*(pool.hours for pool in rules.pools), *(node.hours for node in rules.nodes)]
        return any(one != ALWAYS for one in hours)

    def _foreseen(
        self, due: Due, ends: Ends | None, played: Played, guessed: frozenset[str]
    ) -> Risk:
        now = self.course.farm.now
        if ends is None:
            because = said.stuck(self.course, due.job_id, played, self.able)
            return Risk(due, _late_or(Verdict.UNKNOWN, due, now), because)
        last = self._last(due.job_id, played)
        verdict = _verdict(due.deadline, ends, now)
        because = said.foreseen(verdict, due.deadline, ends, last, now)
        return Risk(due, verdict, because, ends, last, is_estimate=due.job_id in guessed)

    def _last(self, job_id: str, played: Played) -> tuple[Waiting, float] | None:
        """The part that the film waits for longest; the film itself when it is all that is left."""
        tasks = {task.id: task for task in self.course.of_job(job_id)}
        ends = {id: played.ends[id] for id in tasks if id in played.ends}
        if len(ends) < len(tasks) or not ends:
            return None
        last = max(ends, key=lambda id: (ends[id], id))
        needs = [need for need in self.course.needs.get(last, ()) if need in ends]
        part = max(needs, key=lambda id: (ends[id], id), default=last)
        return tasks[part], ends[part]

    def _with_remedies(self, found: Sequence[Risk], played: Played, most: int) -> Outlook:
        """For what is late, the soonest deadline first, as long as enough may be played."""
        on_time = {
            risk.due.job_id: risk.due.deadline
            for risk in found
            if risk.verdict in (Verdict.HELD, Verdict.TIGHT)
        }
        search = Search(
            self.course, self.foresight, self.able, on_time, most, played.starts, len(found) == 1
        )
        risks = [self._with_remedy(risk, search) for risk in found]
        return Outlook(tuple(risks), tuple(self.notes), played.starts + search.played)

    def _with_remedy(self, risk: Risk, search: Search) -> Risk:
        due, part = risk.due, risk.last[0] if risk.last else None
        ends = risk.ends.likely if risk.ends else inf
        late = Late(due.job_id, due.deadline, part, ends)
        if risk.verdict is Verdict.STOPPED:
            return replace(risk, remedy=search.let_go(late))
        if risk.verdict is Verdict.LATE:
            return replace(risk, remedy=search.hold(late))
        return risk


def _scaled(end: float, played: Played, now: float) -> Ends:
    """All takes longer, or all takes shorter."""
    return Ends(now + (end - now) / played.width, end, now + (end - now) * played.width)


def _verdict(deadline: float, ends: Ends, now: float) -> Verdict:
    if deadline <= now:
        return Verdict.OVERDUE
    if ends.likely > deadline:
        return Verdict.LATE
    return Verdict.HELD if ends.latest <= deadline else Verdict.TIGHT


def _late_or(other: Verdict, due: Due, now: float) -> Verdict:
    return Verdict.OVERDUE if due.deadline <= now else other
