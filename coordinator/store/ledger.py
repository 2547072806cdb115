"""One writing transaction's pen: guarded changes, events that tell of them, messages to send.

A change is `UPDATE ... WHERE id AND state AND attempt`; it answers False when it came too late, and
then nothing else of it may be written. What a state may become is in `coordinator.core.lifecycle`.
Many changes of one kind are made at once (`tasks`, `start_tasks` and their like): each is guarded
all the same, and what comes back is those that were not too late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, update

from coordinator.core.lifecycle import (
    ATTEMPT,
    JOB,
    TASK,
    AttemptEvent,
    JobEvent,
    TaskEvent,
    outcome,
)
from coordinator.store.bulk import insert_rows
from coordinator.store.guarded import Values, change_alike, change_many
from coordinator.store.tables import attempts, events, jobs, outbox, tasks
from coordinator.store.touched import Kind, touch_all


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story: `sentence` for people, `data` for programs."""

    type: str
    sentence: str
    job_id: str | None = None
    task_id: str | None = None
    attempt_id: str | None = None
    worker_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Posted:
    """A message for a queue. `attempt_id`: of a task's, which may have to be sent again."""

    queue: str
    task: str
    payload: dict[str, Any]
    attempt_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Writes into one open transaction, at one moment (seconds since 1970).

    `touched` is what a scheduler that keeps the farm in memory has to look at again; what is rolled
    back may stay in it, which costs a look and no more.
    """

    connection: Connection
    now: float
    touched: set[tuple[Kind, str]] = field(default_factory=set)

    def job(self, job_id: str, event: JobEvent, **values: Any) -> bool:
        """True when the job's state allowed it."""
        befores, after = outcome(JOB, event)
        change = (
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.state.in_(befores))
            .values(state=after, **values)
        )
        return self._moved("job", job_id, self.connection.execute(change).rowcount == 1)

    def task(
        self, task_id: str, event: TaskEvent, attempt_id: str | None = None, **values: Any
    ) -> bool:
        """True when the task's state, and its present attempt if one is named, allowed it."""
        befores, after = outcome(TASK, event)
        change = update(tasks).where(tasks.c.id == task_id, tasks.c.state.in_(befores))
        if attempt_id is not None:
            change = change.where(tasks.c.attempt_id == attempt_id)
        changed = self.connection.execute(change.values(state=after, **values)).rowcount == 1
        return self._moved("task", task_id, changed)

    def attempt(self, attempt_id: str, event: AttemptEvent, **values: Any) -> bool:
        """True when the attempt's state allowed it."""
        befores, after = outcome(ATTEMPT, event)
        change = (
            update(attempts)
            .where(attempts.c.id == attempt_id, attempts.c.state.in_(befores))
            .values(state=after, **values)
        )
        return self.connection.execute(change).rowcount == 1

    def tasks(self, event: TaskEvent, changes: Mapping[str, Values]) -> set[str]:
        """Of these tasks, those whose state allowed it; values by id, the same columns in each."""
        befores, after = outcome(TASK, event)
        found = change_many(self.connection, tasks, befores, after, changes)
        self.touch("task", found)
        return found

    def attempts(self, event: AttemptEvent, changes: Mapping[str, Values]) -> set[str]:
        """The same for attempts."""
        befores, after = outcome(ATTEMPT, event)
        return change_many(self.connection, attempts, befores, after, changes)

    def start_jobs(self, job_ids: Iterable[str]) -> list[str]:
        """Of these jobs, those that had not started."""
        befores, after = outcome(JOB, JobEvent.START)
        values = {"started_at": self.now}
        rows = change_alike(self.connection, jobs, befores, after, job_ids, values, ["id"])
        started = sorted(str(row["id"]) for row in rows)
        self.touch("job", started)
        return started

    def start_attempts(self, attempt_ids: Iterable[str]) -> list[RowMapping]:
        """Of these attempts, those that may start: id, task_id, job_id and worker_id."""
        befores, after = outcome(ATTEMPT, AttemptEvent.START)
        values, told = {"started_at": self.now}, ("id", "task_id", "job_id", "worker_id")
        return change_alike(self.connection, attempts, befores, after, attempt_ids, values, told)

    def start_tasks(self, present: Mapping[str, str]) -> list[RowMapping]:
        """Of these tasks, those that may start, and whose present attempt is this one: id, label
        and attempt_id. To the scheduler they are under way since they were assigned."""
        befores, after = outcome(TASK, TaskEvent.START)
        values, told = {"started_at": self.now, "because": ""}, ("id", "label", "attempt_id")
        return change_alike(
            self.connection, tasks, befores, after, present, values, told, present.values()
        )

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
        """One line of the story; see `Told`."""
        self.tell_all([Told(type, sentence, job_id, task_id, attempt_id, worker_id, data)])

    def tell_all(self, lines: Iterable[Told]) -> None:
        """Several lines of the story, in this order."""
        insert_rows(self.connection, events, [_event(line, self.now) for line in lines])

    def post(
        self, queue: str, task: str, payload: dict[str, Any], attempt_id: str | None = None
    ) -> None:
        """A message that is sent after the commit, and kept until it is."""
        self.post_all([Posted(queue, task, payload, attempt_id)])

    def post_all(self, letters: Iterable[Posted]) -> None:
        """Several messages, in this order."""
        insert_rows(self.connection, outbox, [_letter(letter, self.now) for letter in letters])

    def touch(self, kind: Kind, refs: Iterable[str]) -> None:
        """The scheduler has to look at these again."""
        self.touched.update((kind, ref) for ref in refs)

    def flush_touched(self) -> None:
        """For a process that does not own the loop: tell the one that does, in this transaction."""
        touch_all(self.connection, sorted(self.touched))
        self.touched.clear()

    def _moved(self, kind: Kind, ref: str, changed: bool) -> bool:
        if changed:
            self.touched.add((kind, ref))
        return changed


def _event(line: Told, now: float) -> dict[str, Any]:
    return {
        "at": now,
        "type": line.type,
        "job_id": line.job_id,
        "task_id": line.task_id,
        "attempt_id": line.attempt_id,
        "worker_id": line.worker_id,
        "sentence": line.sentence,
        "data": dict(line.data),
    }


def _letter(letter: Posted, now: float) -> dict[str, Any]:
    return {
        "queue": letter.queue,
        "task": letter.task,
        "payload": letter.payload,
        "attempt_id": letter.attempt_id,
        "created_at": now,
    }
