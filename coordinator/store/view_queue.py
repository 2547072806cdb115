"""Which jobs are ahead of which, and how much one person has under way. Reads only.

The order of jobs is the one of `coordinator.core.snapshot.Waiting.order`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
)

from coordinator.core.snapshot import BAND_ORDER
from coordinator.store.database import Database
from coordinator.store.farm import OPEN_JOB
from coordinator.store.tables import jobs, tasks
from coordinator.store.view_shapes import moment, moment_or_none
from reelyard.queue_views import QueuedJob, QueueList
from reelyard.states import JobState, TaskState

_NEVER_DUE = 1e18
_ORDER: tuple[ColumnElement[Any], ...] = (
    case({band.value: place for band, place in BAND_ORDER.items()}, value=jobs.c.band),
    jobs.c.rank,
    -jobs.c.priority,
    func.coalesce(jobs.c.deadline, _NEVER_DUE),
    jobs.c.created_at,
    jobs.c.id,
)
_IS_OPEN = jobs.c.state.in_(OPEN_JOB)
_IS_STOPPED = or_(jobs.c.held_because.is_not(None), jobs.c.state == JobState.PAUSED)
_HAS_WAITING = exists().where(tasks.c.job_id == jobs.c.id, tasks.c.state == TaskState.WAITING)
_AS_STORED = (
    *("id", "title", "state", "owner", "band", "priority", "rank"),
    *("held_because", "pools", "tags"),
)
_SHOWN = [jobs.c[name] for name in (*_AS_STORED, "created_at", "deadline", "start_after")]
_UNDER_WAY = (TaskState.ASSIGNED, TaskState.RUNNING)

Counts = dict[tuple[str, str], int]
"""Tasks of one job by state and, for those that wait, by reason."""


class Queue:
    """The order in which jobs have their turn."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def position(self, job_id: str, now: float) -> int:
        """Its place, from 1, among the jobs that take their turn now; 0 when it takes none: it is
        over, held, paused, or starts later."""
        taking = and_(_IS_OPEN, _place(now) == 0)
        mine = select(*_ORDER).where(jobs.c.id == job_id, taking)
        with self._database.read() as connection:
            job = connection.execute(mine).one_or_none()
            if job is None:
                return 0
            ahead = select(func.count()).where(taking, _comes_before(tuple(job)))
            return 1 + int(connection.execute(ahead).scalar_one())

    def list(self, now: float, limit: int) -> QueueList:
        """The jobs that have waiting work, from the front of the queue."""
        query = (
            select(*_SHOWN, _place(now).label("place"))
            .where(_IS_OPEN, _HAS_WAITING)
            .order_by(_place(now), _starts(now), *_ORDER)
            .limit(limit + 1)
        )
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
            rows = found[:limit]
            counts = _counts(connection, [row["id"] for row in rows])
        return QueueList(data=_in_line(rows, counts), has_more=len(found) > limit)

    def open_jobs(self, owner: str) -> int:
        """How many jobs of this owner are not over."""
        query = select(func.count()).where(jobs.c.owner == owner, _IS_OPEN)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())


def waiting_tasks(connection: Connection, owner: str) -> int:
    """How many tasks of this owner wait."""
    query = (
        select(func.count())
        .select_from(tasks.join(jobs, jobs.c.id == tasks.c.job_id))
        .where(jobs.c.owner == owner, _IS_OPEN, tasks.c.state == TaskState.WAITING)
    )
    return int(connection.execute(query).scalar_one())


def _place(now: float) -> ColumnElement[int]:
    """0: takes its turn; 1: starts later; 2: waits for a person."""
    return case((_IS_STOPPED, 2), (jobs.c.start_after > now, 1), else_=0)


def _starts(now: float) -> ColumnElement[float]:
    """Of those that start later, the earliest first; of the others it says nothing."""
    return case((_place(now) == 1, jobs.c.start_after), else_=0.0)


def _comes_before(mine: tuple[Any, ...]) -> ColumnElement[bool]:
    """The first column that differs decides."""
    before: ColumnElement[bool] = false()
    for column, value in reversed(tuple(zip(_ORDER, mine, strict=True))):
        before = or_(column < value, and_(column == value, before))
    return before


def _counts(connection: Connection, ids: Sequence[str]) -> dict[str, Counts]:
    because = case((tasks.c.state == TaskState.WAITING, tasks.c.because), else_="")
    query = (
        select(tasks.c.job_id, tasks.c.state, because.label("because"), func.count())
        .where(tasks.c.job_id.in_(ids))
        .group_by(tasks.c.job_id, tasks.c.state, because)
    )
    found: dict[str, Counts] = defaultdict(dict)
    for job_id, state, said, count in connection.execute(query):
        found[job_id][state, said] = count
    return found


def _in_line(rows: Sequence[RowMapping], counts: dict[str, Counts]) -> list[QueuedJob]:
    line, before = list[QueuedJob](), 0
    for number, row in enumerate(rows, start=1):
        mine = counts[row["id"]]
        takes_turn = row["place"] == 0
        job = _queued(row, mine, number if takes_turn else None, before if takes_turn else None)
        before += job.waiting
        line.append(job)
    return line


def _queued(
    row: RowMapping, counts: Counts, position: int | None, tasks_before: int | None
) -> QueuedJob:
    return QueuedJob(
        **{name: row[name] for name in _AS_STORED},
        created_at=moment(row["created_at"]),
        deadline=moment_or_none(row["deadline"]),
        start_after=moment_or_none(row["start_after"]),
        position=position,
        tasks_before=tasks_before,
        waiting=_sum(counts, TaskState.WAITING),
        running=_sum(counts, *_UNDER_WAY),
        done=_sum(counts, TaskState.DONE),
        because=_commonest_reason(counts),
    )


def _sum(counts: Counts, *states: TaskState) -> int:
    return sum(count for (state, _), count in counts.items() if state in states)


def _commonest_reason(counts: Counts) -> str:
    """Of what waits for a device, if anything does: that a film waits for its shots says little."""
    reasons = {said: n for (state, said), n in counts.items() if state == TaskState.WAITING}
    telling = {said: n for said, n in reasons.items() if not said.startswith("waits for ")}
    return max(telling or reasons, key=lambda said: (reasons[said], said), default="")
