"""The farm's finished tasks with what they took, for the simulator to play again. Reads only.

A task's price is the mean over all finished attempts of its shape, by type of device: so alike
tasks have equal prices, and a type that never ran a shape cannot. Tasks that were stopped on the
way are no measure of seconds, and of a gang only its own try is. A device of no type of the catalog
goes by its kind, such as cpu.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, Text, and_, case, cast, func, or_, select

from coordinator.store.database import Database
from coordinator.store.tables import attempts, devices, edges, jobs, tasks
from reelyard.errors import InvalidInput, Problem
from reelyard.history_views import RecordedTask, RecordedTasks
from reelyard.states import AttemptState, TaskState

_LEAST_SECONDS = 0.001
_needed = tasks.alias("needed")
_NEEDS_DONE_AT = (
    select(func.max(_needed.c.ended_at))
    .join(edges, edges.c.needs == _needed.c.id)
    .where(edges.c.task_id == tasks.c.id)
    .scalar_subquery()
)
_OF_TASK = [tasks.c[name] for name in ("id", "job_id", "kind", "model", "shape", "ended_at")]
_OF_JOB = [jobs.c[name] for name in ("owner", "priority", "band", "deadline", "start_after")]
_OF_TRY = [attempts.c[name] for name in ("members", "run_seconds", "load_seconds")]
_TYPE = case((attempts.c.device_type != "", attempts.c.device_type), else_=devices.c.kind)
_ITS_DEVICE = and_(
    devices.c.worker_id == attempts.c.worker_id, devices.c.id == attempts.c.device_id
)


@dataclass(slots=True)
class _Took:
    """Of one shape, by type of device: seconds, seconds of loads, GiB."""

    seconds: dict[str, float] = field(default_factory=dict)
    load_seconds: dict[str, float] = field(default_factory=dict)
    gib: dict[str, float] = field(default_factory=dict)


def read_recorded(database: Database, since: float, after: str | None, limit: int) -> RecordedTasks:
    """Tasks that ended at `since` (unix seconds) or later, after the one that the cursor names.
    Raises InvalidInput for a cursor that is none."""
    with database.read() as connection:
        rows = _rows(connection, since, after, limit + 1)
        more, rows = len(rows) > limit, rows[:limit]
        took = _took(connection, {str(row["shape"]) for row in rows})
    found = [_recorded(row, took[row["shape"]]) for row in rows]
    known = [one for one in found if one is not None]
    return RecordedTasks(
        data=known,
        left_out=len(found) - len(known),
        has_more=more,
        next_cursor=f"{rows[-1]['ended_at']!r} {rows[-1]['id']}" if more else None,
    )


def _rows(
    connection: Connection, since: float, after: str | None, limit: int
) -> Sequence[RowMapping]:
    query = (
        select(
            *(*_OF_TASK, *_OF_JOB, *_OF_TRY, tasks.c.created_at),
            *(_TYPE.label("type"), _NEEDS_DONE_AT.label("ready_at")),
        )
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .join(attempts, attempts.c.id == tasks.c.attempt_id)
        .outerjoin(devices, _ITS_DEVICE)
        .where(tasks.c.state == TaskState.DONE, tasks.c.ended_at >= since)
        .order_by(tasks.c.ended_at, tasks.c.id)
        .limit(limit)
    )
    if after is not None:
        at, task = _cursor(after)
        later = and_(tasks.c.ended_at == at, tasks.c.id > task)
        query = query.where(or_(tasks.c.ended_at > at, later))
    return connection.execute(query).mappings().all()


def _cursor(text: str) -> tuple[float, str]:
    at, _, task = text.partition(" ")
    try:
        return float(at), task
    except ValueError:
        remedy = "Give the next_cursor of the page before, or leave it out."
        said = "is no cursor of this list"
        raise InvalidInput([Problem("after", said, text[:80], remedy=remedy)]) from None


def _took(connection: Connection, shapes: set[str]) -> dict[str, _Took]:
    """Means over the finished attempts of these shapes that ran alone and from their beginning."""
    cold = case((attempts.c.warm.is_(False), attempts.c.load_seconds))
    query = (
        select(
            tasks.c.shape,
            _TYPE.label("type"),
            func.avg(attempts.c.run_seconds),
            func.avg(cold),
            func.max(func.coalesce(attempts.c.predicted_gib, attempts.c.peak_gib, 0.0)),
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .outerjoin(devices, _ITS_DEVICE)
        .where(attempts.c.state == AttemptState.DONE, attempts.c.run_seconds.is_not(None))
        .where(tasks.c.shape.in_(shapes), tasks.c.preemptions == 0)
        .where(_TYPE.is_not(None), cast(attempts.c.members, Text) == "[]")
        .group_by(tasks.c.shape, _TYPE)
    )
    found: dict[str, _Took] = defaultdict(_Took)
    for shape, kind, seconds, load, gib in connection.execute(query):
        found[shape].seconds[kind] = _rounded(max(seconds, _LEAST_SECONDS))
        found[shape].load_seconds[kind] = _rounded(load or 0.0)
        found[shape].gib[kind] = gib
    return found


def _recorded(row: RowMapping, took: _Took) -> RecordedTask | None:
    """None where nobody knows what it takes."""
    gang = 1 + len(row["members"])
    if gang > 1 and row["type"] and row["run_seconds"] is not None:
        kind, seconds = row["type"], max(row["run_seconds"], _LEAST_SECONDS)
        took = _Took({kind: _rounded(seconds)}, {kind: _rounded(row["load_seconds"] or 0.0)})
    if not took.seconds:
        return None
    times = (row["created_at"], row["ready_at"] or 0.0, row["start_after"] or 0.0)
    return RecordedTask(
        id=row["id"],
        job=row["job_id"],
        at=min(max(times), row["ended_at"]),
        memory_gib=round(min(took.gib.values(), default=0.0), 3),
        seconds=took.seconds,
        load_seconds=took.load_seconds,
        gang=gang,
        **_as_stored(row),
    )


def _as_stored(row: RowMapping) -> dict[str, Any]:
    names = ("owner", "kind", "model", "priority", "band", "deadline", "ended_at")
    return {name: row[name] for name in names}


def _rounded(seconds: float) -> float:
    """Three places behind the point are finer than any measurement."""
    return round(float(seconds), 3)
