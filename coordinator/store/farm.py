"""The farm at one moment, for the core: what waits, which devices there are, what is under way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, func, select

from coordinator.core.recover import OUT_OF_MEMORY_MARGIN, KnownWorker, OpenAttempt
from coordinator.core.snapshot import Device, Snapshot, Waiting
from coordinator.store.tables import attempts, devices, edges, jobs, tasks, workers
from reelyard.catalog import Catalog
from reelyard.failure import FailureKind
from reelyard.states import AttemptState, JobState, TaskKind, TaskState, WorkerState
from reelyard.task import Work

_WORK: TypeAdapter[Work] = TypeAdapter(Work)
OPEN_ATTEMPT = (AttemptState.SENT, AttemptState.RUNNING)
OPEN_JOB = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


def read_snapshot(connection: Connection, now: float, catalog: Catalog) -> Snapshot:
    """Everything the scheduler looks at, from one transaction."""
    return Snapshot(
        now=now,
        waiting=tuple(read_waiting(connection)),
        devices=tuple(read_devices(connection)),
        catalog=catalog,
    )


def read_waiting(connection: Connection) -> list[Waiting]:
    """Tasks that wait, of jobs that are not over."""
    query = (
        select(
            tasks, jobs.c.priority, jobs.c.created_at.label("queued_at"), jobs.c.state.label("js")
        )
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(tasks.c.state == TaskState.WAITING, jobs.c.state.in_(OPEN_JOB))
    )
    open_needs, floors = _open_needs(connection), _memory_floors(connection)
    return [
        _waiting(row, open_needs.get(row["id"], ()), floors.get(row["id"], 0.0))
        for row in connection.execute(query).mappings()
    ]


def read_devices(connection: Connection) -> list[Device]:
    """Every device of every known worker, and what each is busy with."""
    busy = _busy(connection)
    query = select(
        devices,
        workers.c.node,
        workers.c.state.label("worker_state"),
        workers.c.models,
        workers.c.voices,
    ).join(workers, workers.c.id == devices.c.worker_id)
    return [
        Device(
            worker_id=row["worker_id"],
            id=row["id"],
            kind=row["kind"],
            name=row["name"],
            node=row["node"],
            state=WorkerState(row["worker_state"]),
            memory_gib=row["memory_gib"],
            foreign_gib=row["foreign_gib"],
            resident=frozenset(item["model"] for item in row["resident"]),
            models=frozenset(row["models"]),
            voices=frozenset(row["voices"]),
            busy=busy.get((row["worker_id"], row["id"]), ""),
        )
        for row in connection.execute(query).mappings()
    ]


def read_open_attempts(connection: Connection) -> list[OpenAttempt]:
    """Tries that were sent and have not ended."""
    query = select(attempts).where(attempts.c.state.in_(OPEN_ATTEMPT)).order_by(attempts.c.id)
    return [
        OpenAttempt(
            id=row["id"],
            task_id=row["task_id"],
            state=AttemptState(row["state"]),
            worker_id=row["worker_id"],
            boot_id=row["boot_id"],
            sent_at=row["sent_at"],
            lease_until=row["lease_until"],
        )
        for row in connection.execute(query).mappings()
    ]


def read_workers(connection: Connection) -> dict[str, KnownWorker]:
    """Every worker that was ever seen, by id."""
    query = select(workers.c.id, workers.c.boot_id, workers.c.state, workers.c.last_seen)
    return {
        row.id: KnownWorker(row.id, row.boot_id, WorkerState(row.state), row.last_seen)
        for row in connection.execute(query)
    }


def _waiting(row: RowMapping, needs: tuple[str, ...], floor_gib: float) -> Waiting:
    return Waiting(
        id=row["id"],
        job_id=row["job_id"],
        kind=TaskKind(row["kind"]),
        scene=row["scene"],
        label=row["label"],
        model=row["model"],
        shape=row["shape"],
        work=_WORK.validate_python(row["work"]),
        priority=row["priority"],
        queued_at=row["queued_at"],
        not_before=row["not_before"],
        paused=row["js"] == JobState.PAUSED,
        open_needs=needs,
        attempt_count=row["attempt_count"],
        memory_floor_gib=floor_gib,
        because=row["because"],
    )


def _open_needs(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    """Labels of unfinished needs, by the task that waits for them, in film order."""
    waits, need = tasks.alias("waits"), tasks.alias("need")
    query = (
        select(edges.c.task_id, need.c.label)
        .join(need, need.c.id == edges.c.needs)
        .join(waits, waits.c.id == edges.c.task_id)
        .where(waits.c.state == TaskState.WAITING, need.c.state != TaskState.DONE)
        .order_by(need.c.scene, need.c.role.desc())
    )
    found: dict[str, list[str]] = defaultdict(list)
    for task_id, label in connection.execute(query):
        found[task_id].append(label)
    return {task_id: tuple(labels) for task_id, labels in found.items()}


def _memory_floors(connection: Connection) -> Mapping[str, float]:
    """What earlier tries that ran out of memory have taught, in GiB."""
    query = (
        select(attempts.c.task_id, func.max(attempts.c.predicted_gib))
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(
            tasks.c.state == TaskState.WAITING,
            attempts.c.failure_kind == FailureKind.OUT_OF_MEMORY,
        )
        .group_by(attempts.c.task_id)
    )
    return {
        task_id: (gib or 0.0) * OUT_OF_MEMORY_MARGIN for task_id, gib in connection.execute(query)
    }


def _busy(connection: Connection) -> Mapping[tuple[str, str], str]:
    query = (
        select(
            attempts.c.worker_id, attempts.c.device_id, tasks.c.label, tasks.c.step, tasks.c.steps
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.state.in_(OPEN_ATTEMPT))
    )
    return {(row.worker_id, row.device_id): row.label for row in connection.execute(query)}
