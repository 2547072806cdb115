"""One writing transaction's pen: guarded changes, events that tell of them, messages to send.

A change is `UPDATE ... WHERE id AND state AND attempt`; it answers False when it came too late, and
then nothing else of it may be written. What a state may become is in `coordinator.core.lifecycle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, update

from coordinator.core.lifecycle import (
    ATTEMPT,
    JOB,
    TASK,
    AttemptEvent,
    JobEvent,
    TaskEvent,
    outcome,
)
from coordinator.store.tables import attempts, events, jobs, outbox, tasks


@dataclass(frozen=True, slots=True)
class Ledger:
    """Writes into one open transaction, at one moment (seconds since 1970)."""

    connection: Connection
    now: float

    def job(self, job_id: str, event: JobEvent, **values: Any) -> bool:
        """True when the job's state allowed it."""
        befores, after = outcome(JOB, event)
        change = (
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.state.in_(befores))
            .values(state=after, **values)
        )
        return self.connection.execute(change).rowcount == 1

    def task(
        self, task_id: str, event: TaskEvent, attempt_id: str | None = None, **values: Any
    ) -> bool:
        """True when the task's state, and its present attempt if one is named, allowed it."""
        befores, after = outcome(TASK, event)
        change = update(tasks).where(tasks.c.id == task_id, tasks.c.state.in_(befores))
        if attempt_id is not None:
            change = change.where(tasks.c.attempt_id == attempt_id)
        return self.connection.execute(change.values(state=after, **values)).rowcount == 1

    def attempt(self, attempt_id: str, event: AttemptEvent, **values: Any) -> bool:
        """True when the attempt's state allowed it."""
        befores, after = outcome(ATTEMPT, event)
        change = (
            update(attempts)
            .where(attempts.c.id == attempt_id, attempts.c.state.in_(befores))
            .values(state=after, **values)
        )
        return self.connection.execute(change).rowcount == 1

    def tell(
        self,
        type: str,
        sentence: str,
        *,
        job_id: str | None = None,
        task_id: str | None = None,
        attempt_id: str | None = None,
        worker_id: str | None = None,
        **data: Any,
    ) -> None:
        """One line of the story: `sentence` for people, `data` for programs."""
        self.connection.execute(
            insert(events).values(
                at=self.now,
                type=type,
                job_id=job_id,
                task_id=task_id,
                attempt_id=attempt_id,
                worker_id=worker_id,
                sentence=sentence,
                data=data,
            )
        )

    def post(
        self, queue: str, task: str, payload: dict[str, Any], attempt_id: str | None = None
    ) -> None:
        """A message that is sent after the commit, and kept until it is."""
        self.connection.execute(
            insert(outbox).values(
                queue=queue,
                task=task,
                payload=payload,
                attempt_id=attempt_id,
                created_at=self.now,
            )
        )
