"""The farm in numbers, for monitoring: counts, ages and sums over whole tables. Reads only.

What is called a total never falls: it counts rows that are never deleted, in states or with marks
that they never lose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, and_, case, func, select

from coordinator.store.database import Database
from coordinator.store.tables import attempts, devices, jobs, lessons, tasks, workers
from coordinator.store.view_farm import reason_kind
from reelyard.failure import FailureKind
from reelyard.states import (
    FINAL_JOB_STATES,
    AttemptState,
    JobState,
    TaskKind,
    TaskState,
    WorkerState,
)

Counts = dict[tuple[str, ...], float]
"""A number for each combination of labels."""

_TRACKED = 3
_STATES = tuple(state.value for state in TaskState)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long things took, or by how much they were mispredicted: how many were at most each of
    the bounds, and all together."""

    at_most: tuple[int, ...]
    count: int
    total: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything at one moment. The comments name the labels."""

    jobs: Counts  # state
    tasks: Counts  # state, kind
    waiting: Counts  # reason
    oldest_waiting: Counts  # reason
    workers: Counts  # state
    silence: Counts  # worker
    memory: Counts  # worker, device, part (GiB)
    utilisation: Counts  # worker, device
    temperature: Counts  # worker, device
    power: Counts  # worker, device
    task_seconds: dict[tuple[str, str], Spread]  # kind, model
    loads: Counts  # model
    load_seconds: Counts  # model
    attempts: Counts  # kind, outcome, failure
    video_seconds: Counts  # model
    voice_seconds: float
    film_seconds: float
    memory_ratio: dict[tuple[str, str], Spread]  # model, device type
    seconds_ratio: dict[tuple[str, str], Spread]  # model, device type
    out_of_memory: Counts  # model, device type
    lessons: Counts  # device type


def read_measures(
    database: Database, now: float, bounds: Sequence[float], ratios: Sequence[float]
) -> Measures:
    """All of it from one transaction. `bounds` of seconds, `ratios` of measured over predicted."""
    with database.read() as connection:
        waiting, oldest = _waiting(connection, now)
        loads, load_seconds = _loads(connection)
        states, silence = _workers(connection, now)
        return Measures(
            jobs=_jobs(connection),
            tasks=_tasks(connection),
            waiting=waiting,
            oldest_waiting=oldest,
            workers=states,
            silence=silence,
            **_devices(connection),
            task_seconds=_task_seconds(connection, bounds),
            loads=loads,
            load_seconds=load_seconds,
            attempts=_attempts(connection),
            video_seconds=_video_seconds(connection),
            voice_seconds=_voice_seconds(connection),
            film_seconds=_film_seconds(connection),
            memory_ratio=_ratios(
                connection, attempts.c.peak_gib, attempts.c.predicted_peak_gib, ratios
            ),
            seconds_ratio=_ratios(
                connection, attempts.c.run_seconds, attempts.c.predicted_seconds, ratios
            ),
            out_of_memory=_out_of_memory(connection),
            lessons=_lessons(connection),
        )


def _jobs(connection: Connection) -> Counts:
    found = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state))
    none: Counts = {(state.value,): 0 for state in JobState}
    return none | {(state,): count for state, count in found}


def _tasks(connection: Connection) -> Counts:
    query = select(tasks.c.state, tasks.c.kind, func.count()).group_by(tasks.c.state, tasks.c.kind)
    none: Counts = {(state.value, kind.value): 0 for state in TaskState for kind in TaskKind}
    return none | {(state, kind): count for state, kind, count in connection.execute(query)}


def _waiting(connection: Connection, now: float) -> tuple[Counts, Counts]:
    query = (
        select(tasks.c.because, func.count(), func.min(tasks.c.created_at))
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(tasks.c.state == TaskState.WAITING, jobs.c.state.not_in(FINAL_JOB_STATES))
        .group_by(tasks.c.because)
    )
    counts: Counts = {}
    oldest: Counts = {}
    for because, count, since in connection.execute(query):
        reason = (reason_kind(because),)
        counts[reason] = counts.get(reason, 0) + count
        oldest[reason] = max(oldest.get(reason, 0.0), now - since)
    return counts, oldest


def _workers(connection: Connection, now: float) -> tuple[Counts, Counts]:
    states: Counts = {(state.value,): 0 for state in WorkerState}
    silence: Counts = {}
    rows = connection.execute(select(workers.c.id, workers.c.state, workers.c.last_seen))
    for worker, state, last_seen in rows:
        states[(state,)] += 1
        silence[(worker,)] = max(0.0, now - last_seen)
    return states, silence


def _devices(connection: Connection) -> dict[str, Counts]:
    """Of workers that are here: what an absent one said last is not a measurement."""
    query = (
        select(devices)
        .join(workers, workers.c.id == devices.c.worker_id)
        .where(workers.c.state != WorkerState.OFFLINE)
    )
    found: dict[str, Counts] = {"memory": {}, "utilisation": {}, "temperature": {}, "power": {}}
    for row in connection.execute(query).mappings():
        device = (row["worker_id"], row["id"])
        resident = sum(float(model["gib"]) for model in row["resident"])
        found["memory"] |= {
            (*device, "total"): row["memory_gib"],
            (*device, "free"): row["free_gib"],
            (*device, "resident"): resident,
            (*device, "foreign"): row["foreign_gib"],
        }
        for name, column in _GAUGES:
            if row[column] is not None:
                found[name][device] = row[column]
    return found


_GAUGES = (("utilisation", "utilisation"), ("temperature", "temperature_c"), ("power", "power_w"))


def _task_seconds(connection: Connection, bounds: Sequence[float]) -> dict[tuple[str, str], Spread]:
    took = attempts.c.run_seconds
    query = (
        select(
            tasks.c.kind,
            tasks.c.model,
            func.count(),
            func.sum(took),
            *(func.sum(case((took <= bound, 1), else_=0)) for bound in bounds),
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.state == AttemptState.DONE, took.is_not(None))
        .group_by(tasks.c.kind, tasks.c.model)
    )
    return {
        (kind, model): Spread(tuple(int(n) for n in at_most), count, float(total))
        for kind, model, count, total, *at_most in connection.execute(query)
    }


def _loads(connection: Connection) -> tuple[Counts, Counts]:
    query = (
        select(tasks.c.model, func.count(), func.sum(attempts.c.load_seconds))
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.warm.is_(False), attempts.c.load_seconds > 0)
        .group_by(tasks.c.model)
    )
    rows = connection.execute(query).all()
    return (
        {(model,): count for model, count, _ in rows},
        {(model,): float(seconds) for model, _, seconds in rows},
    )


def _attempts(connection: Connection) -> Counts:
    """A lost attempt that delivers after all is counted as both: neither figure falls."""
    lost = attempts.c.failure_kind == FailureKind.LOST
    failed = and_(attempts.c.state == AttemptState.FAILED, attempts.c.failure_kind.is_not(None))
    found: Counts = {}
    for outcome, which in (
        ("done", attempts.c.state == AttemptState.DONE),
        ("cancelled", attempts.c.state == AttemptState.CANCELLED),
        ("failed", failed),
        ("lost", lost),
    ):
        failure = attempts.c.failure_kind if outcome == "failed" else func.coalesce(None, "")
        query = (
            select(tasks.c.kind, failure.label("failure"), func.count())
            .join(tasks, tasks.c.id == attempts.c.task_id)
            .where(which)
            .group_by(tasks.c.kind, *([attempts.c.failure_kind] if outcome == "failed" else []))
        )
        for kind, kind_of_failure, count in connection.execute(query):
            found[kind, outcome, kind_of_failure] = count
    return found


def _ratios(
    connection: Connection, took: Column[Any], predicted: Column[Any], bounds: Sequence[float]
) -> dict[tuple[str, str], Spread]:
    """Measured over predicted, of tries that succeeded and where both are known."""
    ratio = took / predicted
    query = (
        select(
            tasks.c.model,
            attempts.c.device_type,
            func.count(),
            func.sum(ratio),
            *(func.sum(case((ratio <= bound, 1), else_=0)) for bound in bounds),
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.state == AttemptState.DONE, attempts.c.device_type != "")
        .where(took > 0, predicted > 0)
        .group_by(tasks.c.model, attempts.c.device_type)
    )
    return {
        (model, device): Spread(tuple(int(n) for n in at_most), count, float(total))
        for model, device, count, total, *at_most in connection.execute(query)
    }


def _out_of_memory(connection: Connection) -> Counts:
    query = (
        select(tasks.c.model, attempts.c.device_type, func.count())
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.failure_kind == FailureKind.OUT_OF_MEMORY)
        .group_by(tasks.c.model, attempts.c.device_type)
    )
    return {(model, device): count for model, device, count in connection.execute(query)}


def _lessons(connection: Connection) -> Counts:
    query = select(lessons.c.device, func.count()).group_by(lessons.c.device)
    return {(device,): count for device, count in connection.execute(query)}


def _video_seconds(connection: Connection) -> Counts:
    frames, fps = tasks.c.result["frames"].as_float(), tasks.c.work["fps"].as_float()
    query = (
        select(tasks.c.model, func.sum(frames / fps))
        .where(tasks.c.kind == TaskKind.VIDEO, tasks.c.state == TaskState.DONE)
        .group_by(tasks.c.model)
    )
    return {(model,): float(seconds or 0.0) for model, seconds in connection.execute(query)}


def _voice_seconds(connection: Connection) -> float:
    samples = tasks.c.result["samples"].as_float()
    rate = tasks.c.result["sample_rate"].as_float()
    query = select(func.sum(samples / rate)).where(
        tasks.c.kind == TaskKind.VOICE, tasks.c.state == TaskState.DONE
    )
    return float(connection.execute(query).scalar() or 0.0)


def _film_seconds(connection: Connection) -> float:
    query = select(func.sum(jobs.c.film["seconds"].as_float())).where(jobs.c.state == JobState.DONE)
    return float(connection.execute(query).scalar() or 0.0)
