"""Jobs and their task graphs: written at once, read for completion and unfolding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, insert, select, update

from coordinator.core.inputs import FIRST_SHOT, Made
from coordinator.core.split import NewTask
from coordinator.store.bulk import among, insert_rows
from coordinator.store.tables import edges, jobs, tasks
from reelyard.states import JobState, TaskKind, TaskState
from reelyard.storyboard import Storyboard
from reelyard.task import Result, Work
from reelyard.terms import USUAL, Terms

_WORK: TypeAdapter[Work] = TypeAdapter(Work)
_RESULT: TypeAdapter[Result] = TypeAdapter(Result)
_TASKS = select(
    *(
        tasks.c[name]
        for name in ("id", "kind", "scene", "role", "label", "work", "model", "continues")
    )
).where(among(tasks.c.id))
_OF_WHAT_IS_MADE = [tasks.c[name] for name in ("id", "scene", "role", "continues", "result")]
_MADE = (
    select(edges.c.task_id.label("for_task"), *_OF_WHAT_IS_MADE)
    .join(edges, edges.c.needs == tasks.c.id)
    .where(among(edges.c.task_id), tasks.c.result.is_not(None))
)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that is to be."""

    id: str
    storyboard: Storyboard
    source: str
    owner: str
    priority: int
    key: str | None
    body_hash: str
    terms: Terms = USUAL


def insert_job(connection: Connection, job: NewJob, now: float) -> None:
    """The job's row; its tasks come by `insert_tasks`."""
    connection.execute(
        insert(jobs).values(
            id=job.id,
            title=job.storyboard.title,
            state=JobState.QUEUED,
            owner=job.owner,
            priority=job.priority,
            scenes=len(job.storyboard.scenes),
            storyboard=job.storyboard.model_dump(mode="json", by_alias=True),
            source=job.source,
            created_at=now,
            warnings=[],
            idempotency_key=job.key,
            body_hash=job.body_hash,
            band=job.terms.band,
            deadline=job.terms.deadline,
            start_after=job.terms.start_after,
            held_because=job.terms.hold,
            pools=list(job.terms.pools),
            tags=list(job.terms.tags),
        )
    )


def job_of_key(connection: Connection, owner: str, key: str) -> RowMapping | None:
    """The job that was submitted under this key, if any: id and body_hash."""
    query = select(jobs.c.id, jobs.c.body_hash).where(
        jobs.c.owner == owner, jobs.c.idempotency_key == key
    )
    return connection.execute(query).mappings().one_or_none()


def insert_tasks(connection: Connection, job_id: str, made: Sequence[NewTask], now: float) -> None:
    """Rows and edges of new tasks; what they need must be there or among them."""
    insert_rows(connection, tasks, [_row(job_id, task, now) for task in made])
    pairs = [{"task_id": task.id, "needs": need} for task in made for need in task.needs]
    insert_rows(connection, edges, pairs)


def add_needs(connection: Connection, task_id: str, needs: Sequence[str]) -> None:
    """The task waits for these too."""
    insert_rows(connection, edges, [{"task_id": task_id, "needs": need} for need in needs])


def set_work(connection: Connection, task: NewTask) -> None:
    """A task's work has become known."""
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(work=task.work.model_dump(mode="json"), shape=task.shape)
    )


def read_tasks(connection: Connection, task_ids: Iterable[str]) -> dict[str, NewTask]:
    """Tasks as the core knows them (without their needs), by id."""
    rows = connection.execute(_TASKS, {"ids": list(task_ids)}).mappings()
    return {row["id"]: _as_new(row) for row in rows}


def free_shot_of(connection: Connection, job_id: str, scene: int) -> NewTask | None:
    """The scene's shot that waits for its narration to give it a length."""
    query = select(tasks).where(
        tasks.c.job_id == job_id,
        tasks.c.scene == scene,
        tasks.c.role == FIRST_SHOT,
        tasks.c.state == TaskState.WAITING,
    )
    row = connection.execute(query).mappings().one_or_none()
    task = _as_new(row) if row else None
    return task if task and getattr(task.work, "frames", 0) is None else None


def waiting_on(connection: Connection, task_id: str) -> tuple[str, ...]:
    """Ids of the tasks that wait for this one."""
    query = select(edges.c.task_id).where(edges.c.needs == task_id)
    return tuple(connection.execute(query).scalars())


def made_by_needs(connection: Connection, task_ids: Iterable[str]) -> Mapping[str, Sequence[Made]]:
    """What the needs of these tasks have made, in film order; nothing for a task without any."""
    found: dict[str, list[RowMapping]] = defaultdict(list)
    if wanted := list(task_ids):
        for row in connection.execute(_MADE, {"ids": wanted}).mappings():
            found[row["for_task"]].append(row)
    return {id: [_made(row) for row in sorted(rows, key=_film_order)] for id, rows in found.items()}


def storyboard_of(connection: Connection, job_id: str) -> dict[str, Any]:
    """As it was stored."""
    query = select(jobs.c.storyboard).where(jobs.c.id == job_id)
    return dict(connection.execute(query).scalar_one())


def warn(connection: Connection, job_id: str, sentence: str) -> bool:
    """One more warning of the job. False when it was there already."""
    known = connection.execute(select(jobs.c.warnings).where(jobs.c.id == job_id)).scalar_one()
    if sentence in known:
        return False
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(warnings=[*known, sentence]))
    return True


def _made(row: RowMapping) -> Made:
    return Made(
        task_id=row["id"],
        scene=row["scene"],
        role=row["role"],
        continues=row["continues"],
        result=_RESULT.validate_python(row["result"]),
    )


def _film_order(row: RowMapping) -> tuple[int, int, str]:
    return (row["scene"] if row["scene"] is not None else -1, len(row["role"]), row["role"])


def _row(job_id: str, task: NewTask, now: float) -> dict[str, Any]:
    return {
        "id": task.id,
        "job_id": job_id,
        "kind": task.kind,
        "scene": task.scene,
        "role": task.role,
        "label": task.label,
        "state": TaskState.WAITING,
        "work": task.work.model_dump(mode="json"),
        "model": task.model,
        "shape": task.shape,
        "continues": task.continues,
        "created_at": now,
        "not_before": 0.0,
        "because": "",
        "attempt_count": 0,
        "phase": "",
        "step": 0,
        "steps": 0,
        "notes": [],
    }


def _as_new(row: RowMapping) -> NewTask:
    return NewTask(
        id=row["id"],
        kind=TaskKind(row["kind"]),
        scene=row["scene"],
        role=row["role"],
        label=row["label"],
        work=_WORK.validate_python(row["work"]),
        model=row["model"],
        continues=row["continues"],
    )
