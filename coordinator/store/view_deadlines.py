"""Jobs with a deadline, and what their tasks wait for: read for whoever foresees. Reads only."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, func, select

from coordinator.core.risk import Due
from coordinator.core.unfolded import Needs
from coordinator.store.farm import OPEN_JOB
from coordinator.store.tables import edges, events, jobs, tasks
from reelyard.states import TaskState


def read_due(connection: Connection) -> list[Due]:
    """Of jobs that are not over."""
    query = select(jobs.c.id, jobs.c.title, jobs.c.owner, jobs.c.deadline).where(
        jobs.c.state.in_(OPEN_JOB), jobs.c.deadline.is_not(None)
    )
    return [Due(row.id, row.title, row.owner, row.deadline) for row in connection.execute(query)]


def read_needs(connection: Connection) -> Needs:
    """By waiting task the tasks that it waits for and that are not done."""
    needed = tasks.alias()
    query = (
        select(edges.c.task_id, edges.c.needs)
        .join(tasks, tasks.c.id == edges.c.task_id)
        .join(needed, needed.c.id == edges.c.needs)
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(
            tasks.c.state == TaskState.WAITING,
            needed.c.state != TaskState.DONE,
            jobs.c.state.in_(OPEN_JOB),
        )
        .order_by(edges.c.task_id, edges.c.needs)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for task_id, needs in connection.execute(query):
        found[task_id].append(needs)
    return {task_id: tuple(needs) for task_id, needs in found.items()}


def last_change(connection: Connection) -> int:
    """The number of the newest event that people make, or that devices come and go by: what tasks
    tell of themselves was foreseen."""
    query = (
        select(events.c.seq)
        .where(events.c.type.not_like("task.%"))
        .order_by(events.c.seq.desc())
        .limit(1)
    )
    return int(connection.execute(query).scalar() or 0)


def open_tasks(connection: Connection) -> int:
    """How many tasks wait, of jobs that are not over."""
    query = (
        select(func.count())
        .select_from(tasks.join(jobs, jobs.c.id == tasks.c.job_id))
        .where(tasks.c.state == TaskState.WAITING, jobs.c.state.in_(OPEN_JOB))
    )
    return int(connection.execute(query).scalar_one())
