"""How a state looks: shape, letter, word and tone, so that colour is never the only sign."""

from __future__ import annotations

from dataclasses import dataclass

from reelyard.states import JobState, TaskState, WorkerState


@dataclass(frozen=True, slots=True)
class Mark:
    """`shape` is a symbol of the icon sheet, `tone` a colour of the token system."""

    letter: str
    shape: str
    word: str
    tone: str


_MARKS = {
    "queued": Mark("Q", "dot", "queued", "wait"),
    "waiting": Mark("W", "dot", "waiting", "wait"),
    "assigned": Mark("A", "ring", "assigned", "soon"),
    "running": Mark("R", "play", "running", "run"),
    "paused": Mark("P", "bars", "paused", "wait"),
    "done": Mark("D", "check", "done", "good"),
    "failed": Mark("F", "cross", "failed", "bad"),
    "cancelled": Mark("C", "slash", "cancelled", "off"),
    "sent": Mark("S", "ring", "sent", "soon"),
    "lost": Mark("L", "cross", "lost", "bad"),
    "online": Mark("O", "check", "online", "good"),
    "draining": Mark("D", "bars", "draining", "soon"),
    "asleep": Mark("Z", "dot", "asleep", "wait"),
    "offline": Mark("X", "cross", "offline", "bad"),
}
_UNKNOWN = Mark("?", "dot", "unknown", "off")

TASK_ORDER = tuple(
    state.value
    for state in (
        TaskState.DONE,
        TaskState.RUNNING,
        TaskState.ASSIGNED,
        TaskState.WAITING,
        TaskState.FAILED,
        TaskState.CANCELLED,
    )
)
JOB_ORDER = tuple(
    state.value
    for state in (
        JobState.RUNNING,
        JobState.QUEUED,
        JobState.PAUSED,
        JobState.DONE,
        JobState.FAILED,
        JobState.CANCELLED,
    )
)
WORKER_ORDER = tuple(state.value for state in WorkerState)


def mark(state: str) -> Mark:
    """The mark of any state of a job, task, attempt or worker."""
    return _MARKS.get(str(state), _UNKNOWN)
