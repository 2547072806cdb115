"""What the HTTP API answers about the queue: whose turn comes when. Times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from reelyard.states import Band, JobState


class QueuedJob(BaseModel):
    """A job with work that waits. `position` counts from 1 those that take their turn now, and
    `tasks_before` is what waits in front of it; both are null while it is held, paused, or starts
    later. `because` is what most of its waiting tasks are told."""

    model_config = ConfigDict(extra="ignore")

    position: int | None = None
    tasks_before: int | None = None
    id: str
    title: str
    state: JobState
    owner: str
    band: Band = Band.NORMAL
    priority: int
    rank: float = 0.0
    waiting: int
    running: int
    done: int
    because: str = ""
    created_at: datetime
    deadline: datetime | None = None
    start_after: datetime | None = None
    held_because: str | None = None
    pools: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)


class QueueList(BaseModel):
    """The queue from its front: first what takes its turn now, then what starts later, then what is
    held or paused."""

    model_config = ConfigDict(extra="ignore")

    data: list[QueuedJob]
    has_more: bool = False
