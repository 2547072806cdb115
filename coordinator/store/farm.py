"""The farm at one moment, for the core: what waits, which devices there are, what is under way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, select

from coordinator.core.recover import KnownWorker, OpenAttempt
from coordinator.core.snapshot import Device, Snapshot, Waiting
from coordinator.store.lessons import read_lessons
from coordinator.store.tables import attempts, devices, edges, jobs, tasks, workers
from reelyard.catalog import Catalog
from reelyard.catalog.identify import device_type
from reelyard.failure import FailureKind
from reelyard.states import AttemptState, Band, JobState, TaskKind, TaskState, WorkerState
from reelyard.task import Work

_WORK: TypeAdapter[Work] = TypeAdapter(Work)
_LOOKED_AT = [
    tasks.c[name]
    for name in (
        *("id", "job_id", "kind", "scene", "label", "model", "shape", "work"),
        *("not_before", "attempt_count", "because", "continues"),
    )
]
_OF_ITS_JOB = [
    jobs.c[name] for name in ("priority", "held_because", "start_after", "band", "rank", "deadline")
]
OPEN_ATTEMPT = (AttemptState.SENT, AttemptState.RUNNING)
OPEN_JOB = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


def read_snapshot(connection: Connection, now: float, catalog: Catalog) -> Snapshot:
    """Everything the scheduler looks at, from one transaction that sees one moment: were a job to
    come in between two queries, its film would seem to need nothing."""
    waiting, unreadable = read_waiting(connection)
    return Snapshot(
        now=now,
        waiting=tuple(waiting),
        devices=tuple(read_devices(connection, catalog)),
        catalog=catalog,
        lessons=read_lessons(connection),
        unreadable=tuple(unreadable),
    )


def read_waiting(connection: Connection) -> tuple[list[Waiting], list[tuple[str, str]]]:
    """Tasks that wait, of jobs that are not over; and those that make no sense to us, with why."""
    query = (
        select(
            *_LOOKED_AT,
            *_OF_ITS_JOB,
            jobs.c.created_at.label("queued_at"),
            jobs.c.state.label("js"),
        )
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(tasks.c.state == TaskState.WAITING, jobs.c.state.in_(OPEN_JOB))
    )
    open_needs, short_of = _open_needs(connection), _short_of(connection)
    found, unreadable = list[Waiting](), list[tuple[str, str]]()
    for row in connection.execute(query).mappings():
        try:
            task = _waiting(row, open_needs.get(row["id"], ()), short_of.get(row["id"], ()))
        except ValueError as wrong:  # pydantic's ValidationError is one
            unreadable.append((row["id"], str(wrong)))
        else:
            found.append(task)
    return found, unreadable


def read_devices(connection: Connection, catalog: Catalog) -> list[Device]:
    """Every device of every known worker, and what each is busy with."""
    busy, types = _busy(connection), Types(catalog)
    query = select(
        devices,
        workers.c.node,
        workers.c.state.label("worker_state"),
        workers.c.models,
        workers.c.voices,
        workers.c.ram_gib,
        workers.c.read_gb_s,
        workers.c.tags,
        workers.c.storage,
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
            type=types.of(row),
            unified=row["unified"],
            ram_gib=row["ram_gib"],
            read_gb_s=row["read_gb_s"],
            tags=frozenset(row["tags"]),
            storage=row["storage"],
        )
        for row in connection.execute(query).mappings()
    ]


@dataclass(slots=True)
class Types:
    """Which type each device is. A worker that knows a smaller catalog than the farm may not have
    said: then the name and the memory that it reports decide."""

    catalog: Catalog
    known: dict[tuple[str, float], str] = field(default_factory=dict)

    def of(self, row: RowMapping) -> str:
        """The id; empty for none."""
        if row["type"] in self.catalog.devices:
            return str(row["type"])
        if row["kind"] == "cpu":
            return ""
        key = (row["name"], row["memory_gib"])
        if key not in self.known:
            found = device_type(*key, self.catalog.devices)
            self.known[key] = found.id if found else ""
        return self.known[key]


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


def _waiting(row: RowMapping, needs: tuple[str, ...], short_of: tuple[float, ...]) -> Waiting:
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
        short_of=short_of,
        because=row["because"],
        continues=row["continues"],
        held_because=row["held_because"],
        start_after=row["start_after"],
        band=Band(row["band"]),
        rank=row["rank"],
        deadline=row["deadline"],
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


def _short_of(connection: Connection) -> Mapping[str, tuple[float, ...]]:
    """Predictions of earlier tries that ran out of memory, in GiB."""
    query = (
        select(attempts.c.task_id, attempts.c.predicted_gib)
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(
            tasks.c.state == TaskState.WAITING,
            attempts.c.failure_kind == FailureKind.OUT_OF_MEMORY,
        )
        .order_by(attempts.c.task_id, attempts.c.predicted_gib)
    )
    found: dict[str, list[float]] = defaultdict(list)
    for task_id, gib in connection.execute(query):
        found[task_id].append(gib or 0.0)
    return {task_id: tuple(values) for task_id, values in found.items()}


def _busy(connection: Connection) -> Mapping[tuple[str, str], str]:
    query = (
        select(
            attempts.c.worker_id, attempts.c.device_id, tasks.c.label, tasks.c.step, tasks.c.steps
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.state.in_(OPEN_ATTEMPT))
    )
    return {(row.worker_id, row.device_id): row.label for row in connection.execute(query)}
