"""The few states that are stored, and the bands of jobs. Blocked, ready and backing off are
derived, never stored.

What may follow what is decided by the tables in `coordinator.core.lifecycle`.
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """What a person asked for."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """One schedulable unit of a job."""

    WAITING = "waiting"
    ASSIGNED = "assigned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """One try at a task on one device."""

    SENT = "sent"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


class WorkerState(StrEnum):
    """The process that offers a node's devices."""

    ONLINE = "online"
    DRAINING = "draining"
    ASLEEP = "asleep"
    OFFLINE = "offline"


class TaskKind(StrEnum):
    """What the code of a step can do."""

    VOICE = "voice"
    VIDEO = "video"
    COMPOSE = "compose"


class Band(StrEnum):
    """How urgent a job is: a band is served before the next. Deadline-critical is no band: the
    scheduler finds out by itself."""

    INTERACTIVE = "interactive"  # somebody waits in front of it
    NORMAL = "normal"
    BATCH = "batch"  # what nobody waits for: it takes what the others leave


FINAL_JOB_STATES = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
FINAL_TASK_STATES = frozenset({TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED})
FINAL_ATTEMPT_STATES = frozenset(
    {AttemptState.DONE, AttemptState.FAILED, AttemptState.LOST, AttemptState.CANCELLED}
)
