"""The farm at a glance: workers, models, what waits and why, what was finished. Reads only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from coordinator.store.database import Database
from coordinator.store.tables import devices, jobs, tasks, workers
from coordinator.store.view_shapes import moment, worker_view
from reelyard.catalog import Catalog
from reelyard.errors import NotFound
from reelyard.predict.matrix import default_shape, parameters, weights_gib
from reelyard.resources import (
    AttentionItem,
    ModelList,
    ModelView,
    OverviewView,
    ThroughputPoint,
    WorkerList,
    WorkerView,
)
from reelyard.states import FINAL_JOB_STATES, JobState, TaskKind, TaskState, WorkerState

_DAY_SECONDS = 86_400.0
_BUCKETS = 60
_MOST_ITEMS = 10
_ORDER = {state: place for place, state in enumerate(WorkerState)}

_REASONS = (
    ("its job is held", "its job is held"),  # first: the reason is a person's own words
    ("waits for ", "waits for another task"),
    ("its job is paused", "its job is paused"),
    ("starts at ", "starts later"),
    ("power costs ", "a lower price is waited for"),
    ("tries again in", "tries again soon"),
    ("nobody can ever run", "nobody can run it"),
    ("no worker has joined", "no worker has joined"),
    (" is busy with ", "devices are busy"),
    ("are busy", "devices are busy"),
    ("is in the memory of", "a model is held elsewhere"),
    ("would end it sooner", "a better device is waited for"),
    ("reserved for it", "devices are reserved"),
    ("are closed", "devices are closed"),
    (" close in ", "devices close too soon"),
    ("running, as many as are allowed", "its owner's cap is reached"),
    ("are in use", "a limit is reached"),
    ("together are not free", "devices are busy"),
    ("have not the room now", "devices are busy"),
    ("nobody may run this", "house rules forbid it"),
    ("its worker is ", "workers are away"),
)
"""What the scheduler's sentences begin with or hold, and what kind of reason that is."""

_NOT_YET, _OTHER = "not looked at yet", "something else"
REASON_KINDS = frozenset({_NOT_YET, _OTHER, *(kind for _, kind in _REASONS)})


def reason_kind(because: str) -> str:
    """The kind of reason behind a scheduler's sentence, for counting."""
    if not because:
        return _NOT_YET
    return next((kind for part, kind in _REASONS if part in because), _OTHER)


class FarmViews:
    """Workers, models and the overview."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def workers(self) -> WorkerList:
        """Every worker that was ever seen, online first."""
        with self._database.read() as connection:
            return WorkerList(data=_workers(connection))

    def worker(self, worker_id: str) -> WorkerView:
        """One worker. Raises NotFound."""
        for worker in self.workers().data:
            if worker.id == worker_id:
                return worker
        raise NotFound(
            f"There is no worker {worker_id[:100]!r}.", "`reelyard workers` shows who has joined."
        )

    def models(self, catalog: Catalog) -> ModelList:
        """What the catalog has, and which workers have it."""
        query = select(workers.c.id, workers.c.models, workers.c.voices)
        where: dict[str, list[str]] = defaultdict(list)
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(workers.c.id)):
                for name in {*row.models, *row.voices}:
                    where[name].append(row.id)
        return ModelList(data=[*_videos(catalog, where), *_voices(catalog, where)])

    def overview(self, now: float, minutes: int) -> OverviewView:
        """Counts, memory, what was finished in the last `minutes`, what needs a person."""
        midnight = now - now % _DAY_SECONDS
        with self._database.read() as connection:
            seen = _workers(connection)
            owned = [d for w in seen if w.state != WorkerState.OFFLINE for d in w.devices]
            watts = [device.power_w for device in owned if device.power_w is not None]
            waiting = _waiting(connection)
            return OverviewView(
                at=moment(now),
                jobs=_counts(connection, jobs.c.state),
                tasks=_counts(connection, tasks.c.state),
                waiting_because=dict(Counter(reason_kind(row["because"]) for row in waiting)),
                workers=dict(Counter(worker.state.value for worker in seen)),
                memory_used_gib=round(sum(d.memory_gib - d.free_gib for d in owned), 2),
                memory_total_gib=round(sum(d.memory_gib for d in owned), 2),
                power_w=sum(watts) if watts else None,
                video_seconds_today=_film_seconds(connection, midnight),
                films_today=_ended(connection, JobState.DONE, midnight),
                failed_today=_ended(connection, JobState.FAILED, midnight),
                throughput=_throughput(connection, now, minutes),
                attention=_attention(connection, seen, waiting, now),
            )


def _workers(connection: Connection) -> list[WorkerView]:
    owned: dict[str, list[RowMapping]] = defaultdict(list)
    for device in connection.execute(select(devices).order_by(devices.c.id)).mappings():
        owned[device["worker_id"]].append(device)
    rows = connection.execute(select(workers)).mappings()
    found = [worker_view(row, owned[row["id"]]) for row in rows]
    return sorted(found, key=lambda worker: (_ORDER[worker.state], worker.id))


def _videos(catalog: Catalog, where: dict[str, list[str]]) -> list[ModelView]:
    return [
        ModelView(
            id=model.id,
            kind="video",
            name=model.name,
            licence=model.licence,
            available_on=where.get(model.id, []),
            width=model.width,
            height=model.height,
            fps=model.fps,
            frame_step=model.frame_step,
            max_frames=model.longest_clip,
            frames=default_shape(model).frames,
            steps=model.steps,
            parameters_billion=round(parameters(model, catalog) / 1e9, 3),
            weights_gib=round(weights_gib(model, catalog), 3),
            about=model.about,
        )
        for model in catalog.models.values()
    ]


def _voices(catalog: Catalog, where: dict[str, list[str]]) -> list[ModelView]:
    return [
        ModelView(
            id=voice.id,
            kind="voice",
            name=voice.name,
            licence=voice.licence,
            available_on=where.get(voice.id, []),
            language=voice.language,
            about=voice.about,
        )
        for voice in catalog.voices.values()
    ]


def _counts(connection: Connection, column: Any) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column))
    return {row[0]: row[1] for row in rows}


def _waiting(connection: Connection) -> Sequence[RowMapping]:
    query = (
        select(tasks.c.id, tasks.c.job_id, tasks.c.label, tasks.c.because)
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(tasks.c.state == TaskState.WAITING.value)
        .where(jobs.c.state.not_in([state.value for state in FINAL_JOB_STATES]))
    )
    return connection.execute(query).mappings().all()


def _ended(connection: Connection, state: JobState, since: float) -> int:
    query = select(func.count()).where(jobs.c.state == state.value, jobs.c.ended_at >= since)
    return int(connection.execute(query).scalar_one())


def _film_seconds(connection: Connection, since: float) -> float:
    query = select(jobs.c.film).where(jobs.c.ended_at >= since, jobs.c.film.is_not(None))
    films = connection.execute(query).scalars()
    return round(sum(float(film["seconds"]) for film in films if film), 3)


def _throughput(connection: Connection, now: float, minutes: int) -> list[ThroughputPoint]:
    width = max(60.0, minutes * 60.0 / _BUCKETS)
    end = now - now % width + width
    count = max(1, round(minutes * 60.0 / width))
    start = end - count * width
    points = [
        ThroughputPoint(at=moment(start + i * width), tasks=0, video_seconds=0.0, voice_seconds=0.0)
        for i in range(count)
    ]
    for row in connection.execute(_finished_since(start)).mappings():
        point = points[min(int((row["ended_at"] - start) // width), count - 1)]
        point.tasks += 1
        if row["kind"] == TaskKind.VIDEO and row["fps"]:
            point.video_seconds = round(point.video_seconds + row["frames"] / row["fps"], 3)
        if row["kind"] == TaskKind.VOICE and row["rate"]:
            point.voice_seconds = round(point.voice_seconds + row["samples"] / row["rate"], 3)
    return points


def _finished_since(start: float) -> Any:
    return select(
        tasks.c.kind,
        tasks.c.ended_at,
        tasks.c.result["frames"].as_integer().label("frames"),
        tasks.c.result["samples"].as_integer().label("samples"),
        tasks.c.result["sample_rate"].as_integer().label("rate"),
        tasks.c.work["fps"].as_integer().label("fps"),
    ).where(tasks.c.ended_at >= start, tasks.c.state == TaskState.DONE.value)


def _attention(
    connection: Connection, seen: Sequence[WorkerView], waiting: Sequence[RowMapping], now: float
) -> list[AttentionItem]:
    stuck = {
        row["job_id"]: AttentionItem(
            kind="nobody_can_run",
            sentence=f"{row['label']}: {row['because']}",
            job_id=row["job_id"],
            task_id=row["id"],
        )
        for row in waiting
        if reason_kind(row["because"]) == "nobody can run it"
    }
    lost = [
        AttentionItem(
            kind="worker_lost",
            sentence=f"Worker {worker.id} is offline; it was last seen {_ago(worker, now)} ago.",
            worker_id=worker.id,
        )
        for worker in seen
        if worker.state is WorkerState.OFFLINE and now - worker.last_seen.timestamp() < _DAY_SECONDS
    ]
    return [*list(stuck.values())[:_MOST_ITEMS], *lost[:_MOST_ITEMS], *_failed(connection, now)]


def _failed(connection: Connection, now: float) -> list[AttentionItem]:
    query = (
        select(jobs.c.id, jobs.c.title, jobs.c.failure)
        .where(jobs.c.state == JobState.FAILED.value, jobs.c.ended_at >= now - _DAY_SECONDS)
        .order_by(jobs.c.ended_at.desc())
        .limit(_MOST_ITEMS)
    )
    return [
        AttentionItem(
            kind="job_failed", sentence=f"{row.title}: {row.failure or 'failed'}", job_id=row.id
        )
        for row in connection.execute(query)
    ]


def _ago(worker: WorkerView, now: float) -> str:
    seconds = max(0.0, now - worker.last_seen.timestamp())
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
