"""The queue of a played farm, and what becomes of a job whose turn somebody changes."""

from __future__ import annotations

from typing import Any

from reelyard.queue_views import QueuedJob, QueueList
from reelyard.resources import JobView
from reelyard.states import FINAL_JOB_STATES, Band, JobState

_BANDS = list(Band)


def in_line(jobs: list[JobView], limit: int) -> QueueList:
    """Those with waiting work, as the API orders them."""
    waiting = [
        job for job in jobs if job.state not in FINAL_JOB_STATES and job.tasks.get("waiting")
    ]
    line, before = list[QueuedJob](), 0
    for place, job in enumerate(sorted(waiting, key=_order), start=1):
        takes = not _is_stopped(job)
        line.append(
            QueuedJob(
                **job.model_dump(include=set(QueuedJob.model_fields)),
                position=place if takes else None,
                tasks_before=before if takes else None,
                waiting=job.tasks["waiting"],
                running=job.tasks.get("running", 0) + job.tasks.get("assigned", 0),
                done=job.tasks.get("done", 0),
                because=next((t.because for t in job.task_list if t.because), ""),
            )
        )
        before += job.tasks["waiting"]
    return QueueList(data=line[:limit], has_more=len(line) > limit)


def steered(job: JobView, word: str, because: str) -> dict[str, Any]:
    """What changes of a job."""
    changes: dict[str, dict[str, Any]] = {
        "hold": {"held_because": because or "by anna"},
        "release": {"held_because": None},
        "pause": {"state": JobState.PAUSED},
        "resume": {"state": JobState.RUNNING},
        "jump": {"rank": job.rank - 1.0},
        "behind": {"rank": job.rank + 1.0},
    }
    return changes[word]


def _order(job: JobView) -> tuple[object, ...]:
    return (_is_stopped(job), _BANDS.index(job.band), job.rank, -job.priority, job.created_at)


def _is_stopped(job: JobView) -> bool:
    is_held = job.held_because is not None or job.state is JobState.PAUSED
    return is_held or (job.start_after is not None and job.started_at is None)
