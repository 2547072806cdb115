"""Which deadlines will be held: the farm is read, then played forward without a lock. What was just
found is told again for a while, unless people or devices have changed something since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from coordinator.core.foresight import Foresight
from coordinator.core.risk import Due, Ends, Risk, outlook
from coordinator.core.search import Remedy
from coordinator.core.snapshot import Snapshot, Waiting
from coordinator.core.unfolded import Needs
from coordinator.store.database import Database
from coordinator.store.farm import read_snapshot
from coordinator.store.view_deadlines import last_change, open_tasks, read_due, read_needs
from coordinator.store.view_shapes import moment, moment_or_none
from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.risk_views import Ending, JobRisk, LastPart, RemedyView, RiskList, Verdict

MOST_TASKS = 20_000
"""With more than these waiting nobody is kept waiting for an answer."""
_FRESH_SECONDS = 10.0
_KEPT = 50


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    change: int
    found: RiskList


@dataclass(slots=True)
class Risks:
    """Answers about one farm. One is worked out at a time: who asks meanwhile gets the same."""

    database: Database
    catalog: Catalog
    clock: Clock
    most_tasks: int = MOST_TASKS
    _foresight: Foresight | None = None
    _known: dict[str, _Known] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, job_id: str = "") -> RiskList:
        """Of every job that is not over and has a deadline, or of this one (a whole id)."""
        with self._lock:
            with self.database.read() as connection:
                change = last_change(connection)
            known, now = self._known.get(job_id), self.clock.now()
            if known and known.change == change and 0 <= now - known.at < _FRESH_SECONDS:
                return known.found
            found = self._look(job_id, now)
            self._keep(job_id, _Known(now, change, found))
            return found

    def _keep(self, job_id: str, known: _Known) -> None:
        self._known.pop(job_id, None)
        while len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[job_id] = known

    def _look(self, job_id: str, now: float) -> RiskList:
        with self.database.read() as connection:
            dues = [due for due in read_due(connection) if job_id in ("", due.job_id)]
            waiting = open_tasks(connection)
            if not dues or waiting > self.most_tasks:
                return self._unplayed(dues, waiting, job_id, now)
            farm = read_snapshot(connection, now, self.catalog)
            needs = read_needs(connection)
        return self._played(farm, needs, dues)

    def _unplayed(self, dues: Sequence[Due], waiting: int, job_id: str, now: float) -> RiskList:
        many = f"nobody can tell: {waiting} tasks wait, and at most {self.most_tasks} are looked at"
        risks = [Risk(due, Verdict.UNKNOWN, many) for due in dues]
        nothing = [f"{job_id} is over or has no deadline"] if job_id and not dues else []
        return RiskList(at=moment(now), data=[_shown(risk) for risk in risks], notes=nothing)

    def _played(self, farm: Snapshot, needs: Needs, dues: Sequence[Due]) -> RiskList:
        if self._foresight is None:
            self._foresight = Foresight(self.catalog)
        if self._foresight.lessons != farm.lessons:
            self._foresight = self._foresight.taught(farm.lessons)
        found = outlook(farm, needs, dues, self._foresight)
        return RiskList(
            at=moment(farm.now),
            data=[_shown(risk) for risk in found.risks],
            notes=list(found.notes),
            played=found.played,
        )


def _shown(risk: Risk) -> JobRisk:
    late = risk.late_seconds
    return JobRisk(
        job_id=risk.due.job_id,
        title=risk.due.title,
        owner=risk.due.owner,
        deadline=moment(risk.due.deadline),
        verdict=risk.verdict,
        because=risk.because,
        ending=_ending(risk.ends),
        late_seconds=None if late is None else round(late, 1),
        last=_last(risk.last),
        remedy=_remedy(risk.remedy),
        is_estimate=risk.is_estimate,
    )


def _ending(ends: Ends | None) -> Ending | None:
    if ends is None:
        return None
    soonest, likely, latest = (moment(at) for at in (ends.soonest, ends.likely, ends.latest))
    return Ending(soonest=soonest, likely=likely, latest=latest)


def _last(last: tuple[Waiting, float] | None) -> LastPart | None:
    if last is None:
        return None
    task, ends = last
    return LastPart(task_id=task.id, label=task.label, scene=task.scene, ends=moment(ends))


def _remedy(remedy: Remedy | None) -> RemedyView | None:
    if remedy is None:
        return None
    return RemedyView(
        kind=remedy.kind,
        sentence=remedy.sentence,
        command=remedy.command,
        device=remedy.device,
        memory_gib=remedy.memory_gib,
        count=remedy.count,
        ends=moment_or_none(remedy.ends),
    )
