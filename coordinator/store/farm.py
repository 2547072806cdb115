"""The farm at one moment, for the core: what waits, which devices there are, what is under way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, select

from coordinator.core.snapshot import Device, Snapshot, UnderWay, Waiting
from coordinator.store.accounts import read_ahead
from coordinator.store.bulk import among
from coordinator.store.lessons import read_lessons
from coordinator.store.rules import read_rules
from coordinator.store.tables import attempts, devices, edges, jobs, tasks, workers
from reelyard.catalog import Catalog
from reelyard.catalog.identify import device_type
from reelyard.errors import InvalidInput
from reelyard.failure import FailureKind
from reelyard.rules.document import Rules, no_rules
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
    jobs.c[name]
    for name in (
        *("priority", "held_because", "start_after", "band", "rank", "deadline", "owner"),
        *("pools", "tags"),
    )
] + [jobs.c.created_at.label("queued_at"), jobs.c.state.label("js")]
OPEN_ATTEMPT = (AttemptState.SENT, AttemptState.RUNNING)
OPEN_JOB = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)
_TASKS = select(*_LOOKED_AT, *_OF_ITS_JOB, tasks.c.state).join(jobs, jobs.c.id == tasks.c.job_id)
_ALL_THAT_WAIT = _TASKS.where(tasks.c.state == TaskState.WAITING, jobs.c.state.in_(OPEN_JOB))
_THESE = _TASKS.where(among(tasks.c.id))
_UNDER_WAY = (
    select(
        *_LOOKED_AT,
        *_OF_ITS_JOB,
        attempts.c.id.label("attempt"),
        *(attempts.c[name] for name in ("worker_id", "device_id", "lane", "members")),
        attempts.c.created_at.label("since"),
        attempts.c.ends_at,
        attempts.c.predicted_gib,
    )
    .join(jobs, jobs.c.id == tasks.c.job_id)
    .join(attempts, attempts.c.id == tasks.c.attempt_id)
    .where(attempts.c.state.in_(OPEN_ATTEMPT))
)
_THESE_UNDER_WAY = _UNDER_WAY.where(among(tasks.c.id))
_OPEN_NEEDS = (
    select(edges.c.task_id, tasks.c.label)
    .join(tasks, tasks.c.id == edges.c.needs)
    .where(tasks.c.state != TaskState.DONE)
    .order_by(tasks.c.scene, tasks.c.role.desc())
)
_OPEN_NEEDS_OF = _OPEN_NEEDS.where(among(edges.c.task_id))
_BUSY = (
    select(attempts.c.worker_id, attempts.c.device_id, tasks.c.label)
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .where(attempts.c.state.in_(OPEN_ATTEMPT))
    .order_by(attempts.c.created_at.desc(), attempts.c.id)
)


def read_snapshot(connection: Connection, now: float, catalog: Catalog) -> Snapshot:
    """Everything the scheduler looks at, from one transaction that sees one moment: were a job to
    come in between two queries, its film would seem to need nothing."""
    waiting, unreadable = read_waiting(connection)
    under_way, lost = read_under_way(connection)
    return Snapshot(
        now=now,
        waiting=tuple(waiting),
        devices=tuple(read_devices(connection, catalog)),
        catalog=catalog,
        lessons=read_lessons(connection),
        unreadable=(*unreadable, *lost),
        under_way=tuple(under_way),
        rules=rules_or_none(connection),
        ahead=read_ahead(connection),
    )


def rules_or_none(connection: Connection) -> Rules:
    """The house rules; none where a later version has put in what this one cannot read."""
    try:
        return read_rules(connection)[1]
    except InvalidInput:
        return no_rules()


def read_waiting(
    connection: Connection, ids: frozenset[str] | None = None
) -> tuple[list[Waiting], list[tuple[str, str]]]:
    """Tasks that wait, of jobs that are not over; and those that make no sense to us, with why. Of
    `ids` where they are given."""
    query = _ALL_THAT_WAIT if ids is None else _THESE
    read = connection.execute(query, {} if ids is None else {"ids": ids})
    rows = [row for row in read.mappings() if _waits(row)]
    these = None if ids is None else [row["id"] for row in rows]
    open_needs, short_of = _open_needs(connection, these), _short_of(connection, rows)
    found, unreadable = list[Waiting](), list[tuple[str, str]]()
    for row in rows:
        try:
            task = _waiting(row, open_needs.get(row["id"], ()), short_of.get(row["id"], ()))
        except ValueError as wrong:  # pydantic's ValidationError is one
            unreadable.append((row["id"], str(wrong)))
        else:
            found.append(task)
    return found, unreadable


def read_under_way(
    connection: Connection, ids: frozenset[str] | None = None
) -> tuple[list[UnderWay], list[tuple[str, str]]]:
    """Tasks with an open try, and those that make no sense to us, with why. Of `ids` where they are
    given."""
    query = _UNDER_WAY if ids is None else _THESE_UNDER_WAY
    read = connection.execute(query, {} if ids is None else {"ids": ids})
    found, unreadable = list[UnderWay](), list[tuple[str, str]]()
    for row in read.mappings():
        try:
            found.append(_under_way(row))
        except ValueError as wrong:
            unreadable.append((row["id"], str(wrong)))
    return found, unreadable


def _waits(row: RowMapping) -> bool:
    return row["state"] == TaskState.WAITING and row["js"] in OPEN_JOB


def _under_way(row: RowMapping) -> UnderWay:
    return UnderWay(
        task=_waiting(row, (), ()),
        attempt_id=row["attempt"],
        worker_id=row["worker_id"],
        device_id=row["device_id"],
        since=row["since"],
        ends_at=row["ends_at"],
        lane=row["lane"],
        members=tuple((worker, device) for worker, device in row["members"]),
        gib=row["predicted_gib"] or 0.0,
    )


def read_devices(
    connection: Connection, catalog: Catalog, only: frozenset[str] | None = None
) -> list[Device]:
    """Every device of every known worker, or of these, and what each is busy with."""
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
        workers.c.hello["checkpoints"].label("checkpoints"),
    ).join(workers, workers.c.id == devices.c.worker_id)
    if only is not None:
        query = query.where(devices.c.worker_id.in_(only))
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
            checkpoints=frozenset(row["checkpoints"] or ()),
            busy=busy.get((row["worker_id"], row["id"]), ""),
            type=types.of(row),
            unified=row["unified"],
            ram_gib=row["ram_gib"],
            read_gb_s=row["read_gb_s"],
            tags=frozenset(row["tags"]),
            storage=row["storage"],
            resident_gib=tuple((item["model"], item["gib"]) for item in row["resident"]),
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
        owner=row["owner"],
        pools=tuple(row["pools"]),
        tags=tuple(row["tags"]),
    )


def _open_needs(connection: Connection, ids: Sequence[str] | None) -> Mapping[str, tuple[str, ...]]:
    """Labels of unfinished needs, by the task that waits for them, in film order."""
    if ids is not None and not ids:
        return {}
    query = _OPEN_NEEDS if ids is None else _OPEN_NEEDS_OF
    found: dict[str, list[str]] = defaultdict(list)
    for task_id, label in connection.execute(query, {} if ids is None else {"ids": ids}):
        found[task_id].append(label)
    return {task_id: tuple(labels) for task_id, labels in found.items()}


def _short_of(
    connection: Connection, rows: Iterable[RowMapping]
) -> Mapping[str, tuple[float, ...]]:
    """Predictions of earlier tries of these that ran out of memory, in GiB."""
    tried = {row["id"]: row["job_id"] for row in rows if row["attempt_count"]}
    if not tried:
        return {}
    query = (
        select(attempts.c.task_id, attempts.c.predicted_gib)
        .where(
            attempts.c.job_id.in_(set(tried.values())),
            attempts.c.failure_kind == FailureKind.OUT_OF_MEMORY,
        )
        .order_by(attempts.c.task_id, attempts.c.predicted_gib)
    )
    found: dict[str, list[float]] = defaultdict(list)
    for task_id, gib in connection.execute(query):
        found[task_id].append(gib or 0.0)
    return {task_id: tuple(found[task_id]) for task_id in tried if task_id in found}


def _busy(connection: Connection) -> Mapping[tuple[str, str], str]:
    """Labels by worker and device: of what runs, rather than of what is queued behind it."""
    return {(row.worker_id, row.device_id): row.label for row in connection.execute(_BUSY)}
