"""Which jobs are ahead of which, and how many one person has under way. Reads only."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select

from coordinator.store.database import Database
from coordinator.store.farm import OPEN_JOB
from coordinator.store.tables import jobs


class Queue:
    """The order in which jobs have their turn."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def position(self, job_id: str) -> int:
        """Its place, from 1, among the jobs that are not over; 0 when it is over."""
        mine = select(jobs.c.priority, jobs.c.created_at, jobs.c.state).where(jobs.c.id == job_id)
        with self._database.read() as connection:
            job = connection.execute(mine).one_or_none()
            if job is None or job.state not in OPEN_JOB:
                return 0
            ahead = select(func.count()).where(
                jobs.c.state.in_(OPEN_JOB),
                or_(
                    jobs.c.priority > job.priority,
                    and_(
                        jobs.c.priority == job.priority,
                        or_(
                            jobs.c.created_at < job.created_at,
                            and_(jobs.c.created_at == job.created_at, jobs.c.id < job_id),
                        ),
                    ),
                ),
            )
            return 1 + int(connection.execute(ahead).scalar_one())

    def open_jobs(self, owner: str) -> int:
        """How many jobs of this owner are not over."""
        query = select(func.count()).where(jobs.c.owner == owner, jobs.c.state.in_(OPEN_JOB))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())
