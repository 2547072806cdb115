"""Tries at tasks: opened, looked up, and the small facts of a task that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Update, bindparam, null, select, update

from coordinator.core.decisions import Assign
from coordinator.core.snapshot import Waiting
from coordinator.store.bulk import among, insert_rows
from coordinator.store.farm import OPEN_ATTEMPT
from coordinator.store.tables import attempts, tasks
from reelyard.ids import attempt_id
from reelyard.messages import Measured, Progress
from reelyard.states import FINAL_TASK_STATES, AttemptState, TaskState
from reelyard.task import Checkpoint

_FEW = 8
_PLACES = select(tasks.c.id, tasks.c.checkpoint).where(among(tasks.c.id), tasks.c.preemptions > 0)
_REPORTED = select(
    tasks.c.preemptions,
    tasks.c.attempt_count.label("tries"),
    *(
        attempts.c[name]
        for name in (
            *("id", "task_id", "job_id", "number", "state", "worker_id"),
            *("plan", "device_type", "predicted_gib", "created_at", "started_at"),
        )
    ),
).where(among(attempts.c.id), tasks.c.id == attempts.c.task_id)
_OPEN_OF = (
    select(attempts.c.id, attempts.c.worker_id)
    .where(among(attempts.c.task_id), attempts.c.state.in_(OPEN_ATTEMPT))
    .order_by(attempts.c.id)
)
_STANDING = select(
    tasks.c.id, tasks.c.job_id, tasks.c.label, tasks.c.state, tasks.c.attempt_id
).where(among(tasks.c.id))


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt that is to be."""

    decision: Assign

    @property
    def task(self) -> Waiting:
        """What is tried."""
        return self.decision.task

    @property
    def number(self) -> int:
        """From 1."""
        return self.task.attempt_count + 1

    @property
    def id(self) -> str:
        """Its name."""
        return attempt_id(self.task.id, self.number)

    @property
    def worker_id(self) -> str:
        """Who runs it."""
        return self.decision.device.worker_id


@dataclass(frozen=True, slots=True)
class Standing:
    """A task as reports find it: which attempt is its present one, and how far it is."""

    id: str
    job_id: str
    label: str
    state: TaskState
    attempt_id: str | None


def open_attempts(
    connection: Connection,
    tries: Sequence[Try],
    boots: Mapping[str, str],
    now: float,
    lease_until: float,
) -> None:
    """Tries that are about to be sent; `boots` by worker. Their tasks know them already."""
    moment = {"created_at": now, "sent_at": now, "lease_until": lease_until}
    rows = [{**_row(one, now), "boot_id": boots[one.worker_id], **moment} for one in tries]
    insert_rows(connection, attempts, rows)


def read_attempts(connection: Connection, attempt_ids: Iterable[str]) -> dict[str, RowMapping]:
    """What reports ask of attempts, by id; those that never were are left out."""
    rows = connection.execute(_REPORTED, {"ids": sorted(set(attempt_ids))}).mappings()
    return {row["id"]: row for row in rows}


def read_attempt(connection: Connection, attempt_id: str) -> RowMapping | None:
    """The same of one; None for an attempt that never was."""
    return read_attempts(connection, [attempt_id]).get(attempt_id)


def tries(row: RowMapping) -> int:
    """How many tries at its task there were, this one included: one that made room was none."""
    return int(row["number"]) - int(row["preemptions"])


def keep_place(connection: Connection, task_id: str, checkpoint: Checkpoint | None) -> None:
    """Where the task, which has just made room, goes on; None: it begins anew."""
    kept = null() if checkpoint is None else checkpoint.model_dump(mode="json")
    change = update(tasks).where(tasks.c.id == task_id, tasks.c.state == TaskState.WAITING)
    connection.execute(change.values(checkpoint=kept, preemptions=tasks.c.preemptions + 1))


def places(connection: Connection, task_ids: Iterable[str]) -> dict[str, Checkpoint]:
    """Where these tasks go on, by task; those that begin at their beginning are left out."""
    ids = list(task_ids)
    rows = connection.execute(_PLACES, {"ids": ids}) if ids else ()
    return {
        row.id: Checkpoint.model_validate(row.checkpoint)
        for row in rows
        if row.checkpoint is not None
    }


def measured_values(measured: Measured) -> dict[str, object]:
    """What a try really took, as columns."""
    return {
        "load_seconds": measured.load_seconds,
        "run_seconds": measured.run_seconds,
        "peak_gib": measured.peak_gib,
        "warm": measured.warm,
    }


def open_of(connection: Connection, task_ids: Iterable[str]) -> list[tuple[str, str]]:
    """Open attempts of these tasks with their workers."""
    ids = list(task_ids)
    rows = connection.execute(_OPEN_OF, {"ids": ids}) if ids else ()
    return [(row.id, row.worker_id) for row in rows]


def unfinished_tasks(connection: Connection, job_id: str) -> list[str]:
    """Tasks of the job that have not ended."""
    query = (
        select(tasks.c.id)
        .where(tasks.c.job_id == job_id, tasks.c.state.not_in(FINAL_TASK_STATES))
        .order_by(tasks.c.id)
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


def how_they_stand(connection: Connection, task_ids: Iterable[str]) -> dict[str, Standing]:
    """By task."""
    rows = connection.execute(_STANDING, {"ids": sorted(set(task_ids))})
    return {
        row.id: Standing(row.id, row.job_id, row.label, TaskState(row.state), row.attempt_id)
        for row in rows
    }


def say_why(connection: Connection, reasons: Mapping[str, Sequence[str]]) -> None:
    """Why tasks wait, by reason; only while they do. Thousands may wait for the same one, and as
    many for one that is all their own."""
    few: list[dict[str, str]] = []
    for because, task_ids in reasons.items():
        if len(task_ids) <= _FEW:
            few += [{"of_id": task_id, "why": because} for task_id in task_ids]
            continue
        alike = _waits().where(among(tasks.c.id)).values(because=because)
        connection.execute(alike, {"ids": task_ids})
    if few:
        one = _waits().where(tasks.c.id == bindparam("of_id"))
        connection.execute(one.values(because=bindparam("why")), few)


def note_progress(connection: Connection, reports: Mapping[str, Progress]) -> None:
    """Where the present attempts of these tasks are; only while they run."""
    rows = [
        {
            "of_id": task_id,
            "of_attempt": report.attempt_id,
            "phase": report.phase,
            "step": report.step,
            "steps": report.steps,
        }
        for task_id, report in reports.items()
    ]
    if rows:
        change = update(tasks).where(
            tasks.c.id == bindparam("of_id"),
            tasks.c.attempt_id == bindparam("of_attempt"),
            tasks.c.state == TaskState.RUNNING,
        )
        connection.execute(change, rows)


def _waits() -> Update:
    return update(tasks).where(tasks.c.state == TaskState.WAITING)


def _row(one: Try, now: float) -> dict[str, object]:
    decision = one.decision
    return {
        "id": one.id,
        "task_id": decision.task.id,
        "job_id": decision.task.job_id,
        "number": one.number,
        "state": AttemptState.SENT,
        "worker_id": one.worker_id,
        "device_id": decision.device.id,
        "because": decision.because,
        "plan": decision.plan.model_dump(mode="json"),
        "predicted_gib": decision.predicted_gib,
        "predicted_peak_gib": decision.fit.metered_gib,
        "predicted_seconds": decision.fit.seconds,
        "predicted_load_seconds": decision.fit.load_seconds,
        "device_type": decision.device.catalog_type,
        "lane": decision.lane,
        "members": [list(member) for member in decision.members],
        "ends_at": now + decision.seconds,
        "power_cap": decision.fit.power_cap,
    }
