"""Tries at tasks: opened, looked up, and the small facts of a task that go with them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, insert, select, update

from coordinator.core.decisions import Assign
from coordinator.store.farm import OPEN_ATTEMPT
from coordinator.store.tables import attempts, tasks
from reelyard.messages import Measured, Progress
from reelyard.states import FINAL_TASK_STATES, AttemptState, TaskState

_AT_ONCE = 1000


def open_attempt(
    connection: Connection,
    decision: Assign,
    attempt_id: str,
    number: int,
    boot_id: str,
    now: float,
    lease_until: float,
) -> None:
    """A try that is about to be sent; from now on it is the task's present one."""
    task, device = decision.task, decision.device
    connection.execute(
        insert(attempts).values(
            id=attempt_id,
            task_id=task.id,
            job_id=task.job_id,
            number=number,
            state=AttemptState.SENT,
            worker_id=device.worker_id,
            device_id=device.id,
            boot_id=boot_id,
            because=decision.because,
            plan=decision.plan.model_dump(mode="json"),
            created_at=now,
            sent_at=now,
            lease_until=lease_until,
            predicted_gib=decision.predicted_gib,
            predicted_peak_gib=decision.fit.metered_gib,
            predicted_seconds=decision.fit.seconds,
            predicted_load_seconds=decision.fit.load_seconds,
            device_type=device.catalog_type,
        )
    )
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(attempt_id=attempt_id, attempt_count=number)
    )


def read_attempt(connection: Connection, attempt_id: str) -> RowMapping | None:
    """The row, or None for an attempt that never was."""
    query = select(attempts).where(attempts.c.id == attempt_id)
    return connection.execute(query).mappings().one_or_none()


def measured_values(measured: Measured) -> dict[str, object]:
    """What a try really took, as columns."""
    return {
        "load_seconds": measured.load_seconds,
        "run_seconds": measured.run_seconds,
        "peak_gib": measured.peak_gib,
        "warm": measured.warm,
    }


def open_of(connection: Connection, task_id: str) -> list[tuple[str, str]]:
    """Open attempts of a task with their workers."""
    query = select(attempts.c.id, attempts.c.worker_id).where(
        attempts.c.task_id == task_id, attempts.c.state.in_(OPEN_ATTEMPT)
    )
    return [(row.id, row.worker_id) for row in connection.execute(query)]


def unfinished_tasks(connection: Connection, job_id: str) -> list[str]:
    """Tasks of the job that have not ended."""
    query = select(tasks.c.id).where(
        tasks.c.job_id == job_id, tasks.c.state.not_in(FINAL_TASK_STATES)
    )
    return list(connection.execute(query).scalars())


def job_of(connection: Connection, attempt_id: str) -> str:
    """The job that the attempt belongs to."""
    query = select(attempts.c.job_id).where(attempts.c.id == attempt_id)
    return str(connection.execute(query).scalar_one())


def task_name(connection: Connection, task_id: str) -> tuple[str, str]:
    """Job id and label."""
    row = connection.execute(select(tasks.c.job_id, tasks.c.label).where(tasks.c.id == task_id))
    job_id, label = row.one()
    return str(job_id), str(label)


def say_why(connection: Connection, task_ids: Sequence[str], because: str) -> None:
    """Why these tasks wait; only while they do. Thousands may wait for the same reason."""
    for start in range(0, len(task_ids), _AT_ONCE):
        connection.execute(
            update(tasks)
            .where(tasks.c.id.in_(task_ids[start : start + _AT_ONCE]))
            .where(tasks.c.state == TaskState.WAITING)
            .values(because=because)
        )


def note_progress(connection: Connection, report: Progress) -> RowMapping | None:
    """Where the attempt is. None when it is not its task's present one any more."""
    changed = (
        update(tasks)
        .where(tasks.c.attempt_id == report.attempt_id, tasks.c.state == TaskState.RUNNING)
        .values(phase=report.phase, step=report.step, steps=report.steps)
        .returning(tasks.c.id, tasks.c.job_id, tasks.c.label)
    )
    return connection.execute(changed).mappings().one_or_none()
