"""A job's turn, as people change it: guarded updates of its row. Decides nothing, tells nobody.

Every change asks for a job that is not over; who comes too late gets None or False.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select, update

from coordinator.store.farm import OPEN_JOB
from coordinator.store.tables import jobs

_SHOWN = [
    jobs.c[name]
    for name in (
        *("id", "state", "priority", "band", "rank", "deadline", "start_after"),
        *("held_because", "pools", "tags", "started_at"),
    )
]


def turn_of(connection: Connection, job_id: str) -> dict[str, Any] | None:
    """How it stands, locked until the transaction ends; None when the job is over or not there."""
    query = select(*_SHOWN).where(jobs.c.id == job_id, jobs.c.state.in_(OPEN_JOB))
    row = connection.execute(query.with_for_update()).mappings().one_or_none()
    return None if row is None else dict(row)


def state_of(connection: Connection, job_id: str) -> str:
    """The job's state, for a sentence about why it is too late."""
    return str(connection.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar_one())


def set_turn(connection: Connection, job_id: str, **values: Any) -> bool:
    """These columns, if the job is not over."""
    change = update(jobs).where(jobs.c.id == job_id, jobs.c.state.in_(OPEN_JOB))
    return connection.execute(change.values(**values)).rowcount == 1


def ranks(connection: Connection, band: str, without: str) -> tuple[float, float] | None:
    """The smallest and the largest rank of the band's other jobs that are not over; None when
    there is no other."""
    query = select(func.min(jobs.c.rank), func.max(jobs.c.rank)).where(
        jobs.c.band == band, jobs.c.state.in_(OPEN_JOB), jobs.c.id != without
    )
    first, last = connection.execute(query).one()
    return None if first is None else (float(first), float(last))
