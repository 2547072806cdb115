"""From rows to what the API shows: one function per shape. Asks the database nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from reelyard.artifact import Artifact
from reelyard.plan import Plan
from reelyard.resources import (
    AttemptView,
    DeviceView,
    EventView,
    FilmView,
    JobSummary,
    TaskView,
    WorkerView,
)
from reelyard.states import TaskKind, TaskState
from reelyard.task import FilmResult, Result, VideoResult, VoiceResult, artifacts_of

_RESULT: TypeAdapter[VoiceResult | VideoResult | FilmResult] = TypeAdapter(Result)

_WEIGHT = {TaskKind.VOICE: 1.0, TaskKind.VIDEO: 8.0, TaskKind.COMPOSE: 1.0}
"""A picture takes far longer than a line or the cut."""

_PHASES = {
    "load": (0.0, 0.05),
    "encode": (0.05, 0.1),
    "denoise": (0.1, 0.85),
    "decode": (0.85, 0.95),
    "speak": (0.05, 0.9),
    "mux": (0.05, 0.95),
    "store": (0.95, 1.0),
}
"""From where to where each phase moves a task's progress."""


def moment(at: float) -> datetime:
    """Seconds since 1970 as a date, UTC."""
    return datetime.fromtimestamp(at, UTC)


def moment_or_none(at: float | None) -> datetime | None:
    """The same, for what has not happened yet."""
    return None if at is None else moment(at)


def task_progress(state: str, phase: str, step: int, steps: int) -> float:
    """0 to 1. Only a running task is somewhere in between."""
    if state == TaskState.DONE:
        return 1.0
    if state != TaskState.RUNNING:
        return 0.0
    start, end = _PHASES.get(phase, (0.0, 1.0))
    return round(start + (end - start) * min(step, steps) / steps, 3) if steps > 0 else start


def job_progress(parts: Iterable[tuple[str, float, float]]) -> float:
    """0 to 1 over (kind, how many, done of these), weighted by what each kind costs."""
    whole = done = 0.0
    for kind, count, finished in parts:
        weight = _WEIGHT[TaskKind(kind)]
        whole += weight * count
        done += weight * finished
    return round(done / whole, 3) if whole else 0.0


def result_of(row: RowMapping) -> VoiceResult | VideoResult | FilmResult | None:
    """What the task made, when it is done."""
    return None if row["result"] is None else _RESULT.validate_python(row["result"])


def job_summary(
    row: RowMapping, counts: dict[str, int], progress: float, thumbnail: Artifact | None
) -> JobSummary:
    """A line of the job list."""
    film = row["film"] or {}
    return JobSummary(
        id=row["id"],
        title=row["title"],
        state=row["state"],
        owner=row["owner"],
        priority=row["priority"],
        scenes=row["scenes"],
        created_at=moment(row["created_at"]),
        started_at=moment_or_none(row["started_at"]),
        ended_at=moment_or_none(row["ended_at"]),
        progress=progress,
        tasks=counts,
        film_seconds=film.get("seconds"),
        thumbnail=film.get("poster") or thumbnail,
        failure=row["failure"],
        warnings=row["warnings"],
        band=row["band"],
        deadline=moment_or_none(row["deadline"]),
        start_after=moment_or_none(row["start_after"]),
        held_because=row["held_because"],
        pools=row["pools"],
        tags=row["tags"],
        rank=row["rank"],
    )


def film_view(film: dict[str, Any] | None) -> FilmView | None:
    """The finished film, when there is one."""
    return None if film is None else FilmView.model_validate(film)


def task_view(row: RowMapping, needs: list[str], attempts: Sequence[RowMapping]) -> TaskView:
    """A task with its tries and what it made."""
    result = result_of(row)
    newest = attempts[-1] if attempts else None
    placed = newest if newest is not None and row["state"] != TaskState.WAITING else None
    return TaskView(
        id=row["id"],
        job_id=row["job_id"],
        kind=row["kind"],
        scene=row["scene"],
        role=row["role"],
        label=row["label"],
        state=row["state"],
        because=row["because"] or (placed["because"] if placed is not None else ""),
        model=row["model"],
        needs=needs,
        phase=row["phase"],
        step=row["step"],
        steps=row["steps"],
        progress=task_progress(row["state"], row["phase"], row["step"], row["steps"]),
        worker_id=placed["worker_id"] if placed is not None else None,
        device_id=placed["device_id"] if placed is not None else None,
        created_at=moment(row["created_at"]),
        started_at=moment_or_none(row["started_at"]),
        ended_at=moment_or_none(row["ended_at"]),
        seconds=_seconds(row),
        frames=getattr(result, "frames", None) or row["work"].get("frames"),
        attempts=[attempt_view(attempt) for attempt in attempts],
        artifacts=list(artifacts_of(result)) if result else [],
        thumbnail=result.thumbnail if isinstance(result, VideoResult) else None,
        notes=row["notes"],
    )


def attempt_view(row: RowMapping) -> AttemptView:
    """One try."""
    return AttemptView.model_validate(
        {
            **row,
            "plan": Plan.model_validate(row["plan"] or {}).sentence(),
            "created_at": moment(row["created_at"]),
            "started_at": moment_or_none(row["started_at"]),
            "ended_at": moment_or_none(row["ended_at"]),
        }
    )


def event_view(row: RowMapping) -> EventView:
    """Something that happened."""
    return EventView.model_validate({**row, "at": moment(row["at"])})


def worker_view(row: RowMapping, devices: Sequence[RowMapping]) -> WorkerView:
    """A worker with its devices."""
    return WorkerView.model_validate(
        {
            **row,
            "last_seen": moment(row["last_seen"]),
            "devices": [DeviceView.model_validate(dict(device)) for device in devices],
        }
    )


def _seconds(row: RowMapping) -> float | None:
    if row["started_at"] is None or row["ended_at"] is None:
        return None
    return round(float(row["ended_at"] - row["started_at"]), 3)
