"""Jobs, tasks and their story as people read them. Reads only, and never once per row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    and_,
    cast,
    func,
    or_,
    select,
)

from coordinator.store.database import Database
from coordinator.store.tables import attempts, edges, jobs, tasks
from coordinator.store.view_shapes import (
    film_view,
    job_progress,
    job_summary,
    task_progress,
    task_view,
)
from reelyard.artifact import Artifact
from reelyard.errors import InvalidInput, NotFound, Problem
from reelyard.ids import is_id
from reelyard.resources import FilmView, JobList, JobSummary, JobView, TaskView
from reelyard.states import JobState, TaskKind, TaskState

_SUMMARY = [column for column in jobs.c if column.name not in {"storyboard", "source"}]
_CANDIDATES = 5


class Views:
    """What there is and how it stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def jobs(
        self, states: Sequence[JobState], limit: int, after: str | None, words: str
    ) -> JobList:
        """A page of jobs, newest first; `after` is the last id of the page before.

        Raises InvalidInput when `after` names no job.
        """
        with self._database.read() as connection:
            rows = connection.execute(_page(connection, states, limit + 1, after, words))
            found = list(rows.mappings())
            page = found[:limit]
            summaries = _summaries(connection, page)
        more = len(found) > limit
        return JobList(
            data=summaries, has_more=more, next_cursor=summaries[-1].id if more else None
        )

    def job(self, job_id: str) -> JobView:
        """A job with all that belongs to it. Raises NotFound."""
        with self._database.read() as connection:
            row = _job_row(connection, job_id)
            summary = _summaries(connection, [row])[0]
            return JobView(
                **summary.model_dump(),
                storyboard=row["storyboard"],
                task_list=_task_views(connection, tasks.c.job_id == row["id"]),
                film=film_view(row["film"]),
            )

    def summary(self, job_id: str) -> JobSummary:
        """A job in one line. Raises NotFound."""
        with self._database.read() as connection:
            return _summaries(connection, [_job_row(connection, job_id)])[0]

    def job_id(self, text: str) -> str:
        """The whole id from its beginning (`job-` may be left out). Raises NotFound."""
        with self._database.read() as connection:
            return _full_id(connection, text)

    def film(self, job_id: str) -> tuple[str, FilmView]:
        """Title and film of a finished job. Raises NotFound."""
        with self._database.read() as connection:
            row = _job_row(connection, job_id)
        film = film_view(row["film"])
        if film is None:
            raise NotFound(
                f"Job {row['id']} has no film: it is {row['state']}.",
                f"Watch it with `reelyard watch {row['id']}`.",
            )
        return str(row["title"]), film

    def task(self, task_id: str) -> TaskView:
        """A task with its tries. Raises NotFound."""
        with self._database.read() as connection:
            found = _task_views(connection, tasks.c.id == task_id) if is_id(task_id) else []
        if not found:
            raise NotFound(
                f"There is no task {task_id[:100]!r}.", "`reelyard show JOB` lists a job's tasks."
            )
        return found[0]

    def artifact(self, sha256: str) -> Artifact | None:
        """The artifact of this content as the task that made it described it."""
        made = select(tasks.c.result).where(
            tasks.c.result.is_not(None),
            cast(tasks.c.result, Text).contains(sha256, autoescape=True),
        )
        with self._database.read() as connection:
            for result in connection.execute(made.limit(1)).scalars():
                return _within(result, sha256)
        return None


def _page(
    connection: Connection, states: Sequence[JobState], limit: int, after: str | None, words: str
) -> Select[Any]:
    query = select(*_SUMMARY).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
    if states:
        query = query.where(jobs.c.state.in_([state.value for state in states]))
    if words:
        query = query.where(
            or_(
                jobs.c.title.icontains(words, autoescape=True),
                jobs.c.id.startswith(words, autoescape=True),
            )
        )
    if after is not None:
        query = query.where(_older_than(connection, after))
    return query


def _older_than(connection: Connection, after: str) -> ColumnElement[bool]:
    known = select(jobs.c.created_at).where(jobs.c.id == after)
    at = connection.execute(known).scalar() if is_id(after) else None
    if at is None:
        raise InvalidInput(
            [
                Problem(
                    field="after",
                    message="names no job of this farm",
                    value=after[:80],
                    remedy="Give the next_cursor of the page before, or leave it out.",
                )
            ]
        )
    return or_(jobs.c.created_at < at, and_(jobs.c.created_at == at, jobs.c.id < after))


def _full_id(connection: Connection, text: str) -> str:
    starts = [text, f"job-{text}"]
    query = select(jobs.c.id).where(
        or_(*(jobs.c.id.startswith(start, autoescape=True) for start in starts))
    )
    found: list[str] = []
    if is_id(text):
        found = list(connection.execute(query.limit(_CANDIDATES)).scalars())
    if text in found:
        return text
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(
            f"{text!r} is the beginning of several jobs: {', '.join(sorted(found))}.",
            "Give more letters of the one you mean.",
        )
    raise NotFound(f"There is no job {text[:100]!r}.")


def _job_row(connection: Connection, job_id: str) -> RowMapping:
    query = select(jobs).where(jobs.c.id == _full_id(connection, job_id))
    return connection.execute(query).mappings().one()


def _summaries(connection: Connection, rows: Sequence[RowMapping]) -> list[JobSummary]:
    """Three queries for any number of jobs: counts, running tasks, newest pictures."""
    ids = [row["id"] for row in rows]
    counts = _counts(connection, ids)
    running = _running(connection, ids)
    pictures = _thumbnails(connection, [row["id"] for row in rows if row["film"] is None])
    summaries = []
    for row in rows:
        mine = counts[row["id"]]
        by_state: dict[str, int] = defaultdict(int)
        for (_, state), count in mine.items():
            by_state[state] += count
        parts = [
            (kind, count, count if state == TaskState.DONE else running[row["id"], kind, state])
            for (kind, state), count in mine.items()
        ]
        summaries.append(
            job_summary(row, dict(by_state), job_progress(parts), pictures.get(row["id"]))
        )
    return summaries


def _counts(connection: Connection, ids: list[str]) -> dict[str, dict[tuple[str, str], int]]:
    query = (
        select(tasks.c.job_id, tasks.c.kind, tasks.c.state, func.count())
        .where(tasks.c.job_id.in_(ids))
        .group_by(tasks.c.job_id, tasks.c.kind, tasks.c.state)
    )
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for job_id, kind, state, count in connection.execute(query):
        found[job_id][kind, state] = count
    return found


def _running(connection: Connection, ids: list[str]) -> dict[tuple[str, str, str], float]:
    query = select(
        tasks.c.job_id, tasks.c.kind, tasks.c.state, tasks.c.phase, tasks.c.step, tasks.c.steps
    ).where(tasks.c.job_id.in_(ids), tasks.c.state == TaskState.RUNNING.value)
    found: dict[tuple[str, str, str], float] = defaultdict(float)
    for job_id, kind, state, phase, step, steps in connection.execute(query):
        found[job_id, kind, state] += task_progress(state, phase, step, steps)
    return found


def _thumbnails(connection: Connection, ids: list[str]) -> dict[str, Artifact]:
    shots = (tasks.c.job_id.in_(ids), tasks.c.kind == TaskKind.VIDEO.value)
    done = (*shots, tasks.c.state == TaskState.DONE.value)
    newest = (
        select(tasks.c.job_id, func.max(tasks.c.ended_at).label("at"))
        .where(*done)
        .group_by(tasks.c.job_id)
        .subquery()
    )
    query = (
        select(tasks.c.job_id, tasks.c.result)
        .join(newest, and_(tasks.c.job_id == newest.c.job_id, tasks.c.ended_at == newest.c.at))
        .where(*done)
    )
    return {
        job_id: Artifact.model_validate(result["thumbnail"])
        for job_id, result in connection.execute(query)
    }


def _task_views(connection: Connection, which: ColumnElement[bool]) -> list[TaskView]:
    found = list(connection.execute(select(tasks).where(which)).mappings())
    needs: dict[str, list[str]] = defaultdict(list)
    wanted = select(edges).join(tasks, tasks.c.id == edges.c.task_id).where(which)
    for edge in connection.execute(wanted.order_by(edges.c.needs)).mappings():
        needs[edge["task_id"]].append(edge["needs"])
    tries: dict[str, list[RowMapping]] = defaultdict(list)
    tried = select(attempts).join(tasks, tasks.c.id == attempts.c.task_id).where(which)
    for attempt in connection.execute(tried.order_by(attempts.c.number)).mappings():
        tries[attempt["task_id"]].append(attempt)
    return [task_view(row, needs[row["id"]], tries[row["id"]]) for row in sorted(found, key=_order)]


def _order(row: RowMapping) -> tuple[float, int, str]:
    """As the film runs: scene by scene, the line before the picture, the cut last."""
    scene = float("inf") if row["scene"] is None else row["scene"]
    return scene, len(row["role"]) if row["kind"] == TaskKind.VIDEO else 0, row["role"]


def _within(result: object, sha256: str) -> Artifact | None:
    """The artifact of this hash, wherever it stands in a result."""
    if isinstance(result, dict):
        if result.get("sha256") == sha256:
            return Artifact.model_validate(result)
        return _first(_within(part, sha256) for part in result.values())
    if isinstance(result, list):
        return _first(_within(part, sha256) for part in result)
    return None


def _first(found: Iterable[Artifact | None]) -> Artifact | None:
    return next((artifact for artifact in found if artifact is not None), None)
