"""What may happen to a job, a task, an attempt and a worker, and what each becomes.

These tables are the whole truth: the store refuses any change that is not in them, and
`docs/states.md` is drawn from them by `python -m coordinator.core.lifecycle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from reelyard.errors import IllegalTransition
from reelyard.states import AttemptState, JobState, TaskState, WorkerState


class JobEvent(StrEnum):
    """What may happen to a job."""

    START = "start"  # its first task was placed
    FINISH = "finish"  # the film is there
    FAIL = "fail"  # a task can never be done
    CANCEL = "cancel"  # a person changed their mind
    PAUSE = "pause"  # nothing new is started
    RESUME = "resume"


class TaskEvent(StrEnum):
    """What may happen to a task."""

    ASSIGN = "assign"  # the scheduler picked a device
    START = "start"  # the worker said it began
    FINISH = "finish"  # the worker delivered the output
    RETRY = "retry"  # the attempt failed or was lost; tries remain
    GIVE_UP = "give up"  # no try would help
    CANCEL = "cancel"  # a person changed their mind, or the job failed


class AttemptEvent(StrEnum):
    """What may happen to one try."""

    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    LOSE = "lose"  # its lease ran out, or its worker was started anew
    CANCEL = "cancel"


class WorkerEvent(StrEnum):
    """What may happen to a worker."""

    APPEAR = "appear"  # it spoke
    FALL_SILENT = "fall silent"
    DRAIN = "drain"
    UNDRAIN = "undrain"
    SLEEP = "sleep"
    WAKE = "wake"


JOB: Final[Mapping[tuple[JobState, JobEvent], JobState]] = {
    (JobState.QUEUED, JobEvent.START): JobState.RUNNING,
    (JobState.QUEUED, JobEvent.PAUSE): JobState.PAUSED,
    (JobState.QUEUED, JobEvent.FAIL): JobState.FAILED,
    (JobState.QUEUED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, JobEvent.FINISH): JobState.DONE,
    (JobState.RUNNING, JobEvent.FAIL): JobState.FAILED,
    (JobState.RUNNING, JobEvent.PAUSE): JobState.PAUSED,
    (JobState.RUNNING, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.PAUSED, JobEvent.RESUME): JobState.RUNNING,
    (JobState.PAUSED, JobEvent.FINISH): JobState.DONE,
    (JobState.PAUSED, JobEvent.FAIL): JobState.FAILED,
    (JobState.PAUSED, JobEvent.CANCEL): JobState.CANCELLED,
}

TASK: Final[Mapping[tuple[TaskState, TaskEvent], TaskState]] = {
    (TaskState.WAITING, TaskEvent.ASSIGN): TaskState.ASSIGNED,
    (TaskState.WAITING, TaskEvent.FINISH): TaskState.DONE,  # a lost attempt delivered after all
    (TaskState.WAITING, TaskEvent.GIVE_UP): TaskState.FAILED,
    (TaskState.WAITING, TaskEvent.CANCEL): TaskState.CANCELLED,
    (TaskState.ASSIGNED, TaskEvent.START): TaskState.RUNNING,
    (TaskState.ASSIGNED, TaskEvent.FINISH): TaskState.DONE,  # its "started" was lost on the way
    (TaskState.ASSIGNED, TaskEvent.RETRY): TaskState.WAITING,
    (TaskState.ASSIGNED, TaskEvent.GIVE_UP): TaskState.FAILED,
    (TaskState.ASSIGNED, TaskEvent.CANCEL): TaskState.CANCELLED,
    (TaskState.RUNNING, TaskEvent.FINISH): TaskState.DONE,
    (TaskState.RUNNING, TaskEvent.RETRY): TaskState.WAITING,
    (TaskState.RUNNING, TaskEvent.GIVE_UP): TaskState.FAILED,
    (TaskState.RUNNING, TaskEvent.CANCEL): TaskState.CANCELLED,
}

ATTEMPT: Final[Mapping[tuple[AttemptState, AttemptEvent], AttemptState]] = {
    (AttemptState.SENT, AttemptEvent.START): AttemptState.RUNNING,
    (AttemptState.SENT, AttemptEvent.FINISH): AttemptState.DONE,
    (AttemptState.SENT, AttemptEvent.FAIL): AttemptState.FAILED,
    (AttemptState.SENT, AttemptEvent.LOSE): AttemptState.LOST,
    (AttemptState.SENT, AttemptEvent.CANCEL): AttemptState.CANCELLED,
    (AttemptState.RUNNING, AttemptEvent.FINISH): AttemptState.DONE,
    (AttemptState.RUNNING, AttemptEvent.FAIL): AttemptState.FAILED,
    (AttemptState.RUNNING, AttemptEvent.LOSE): AttemptState.LOST,
    (AttemptState.RUNNING, AttemptEvent.CANCEL): AttemptState.CANCELLED,
    (AttemptState.LOST, AttemptEvent.FINISH): AttemptState.DONE,  # late, and nobody was faster
}

WORKER: Final[Mapping[tuple[WorkerState, WorkerEvent], WorkerState]] = {
    (WorkerState.ONLINE, WorkerEvent.APPEAR): WorkerState.ONLINE,
    (WorkerState.ONLINE, WorkerEvent.FALL_SILENT): WorkerState.OFFLINE,
    (WorkerState.ONLINE, WorkerEvent.DRAIN): WorkerState.DRAINING,
    (WorkerState.ONLINE, WorkerEvent.SLEEP): WorkerState.ASLEEP,
    (WorkerState.DRAINING, WorkerEvent.APPEAR): WorkerState.DRAINING,
    (WorkerState.DRAINING, WorkerEvent.UNDRAIN): WorkerState.ONLINE,
    (WorkerState.DRAINING, WorkerEvent.FALL_SILENT): WorkerState.OFFLINE,
    (WorkerState.ASLEEP, WorkerEvent.WAKE): WorkerState.ONLINE,
    (WorkerState.ASLEEP, WorkerEvent.APPEAR): WorkerState.ASLEEP,
    (WorkerState.ASLEEP, WorkerEvent.FALL_SILENT): WorkerState.OFFLINE,
    (WorkerState.OFFLINE, WorkerEvent.APPEAR): WorkerState.ONLINE,
}

_State = TypeVar("_State", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)


def advance(table: Mapping[tuple[_State, _Event], _State], state: _State, event: _Event) -> _State:
    """What the state becomes. Raises IllegalTransition for a pair that is not in the table."""
    try:
        return table[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def outcome(
    table: Mapping[tuple[_State, _Event], _State], event: _Event
) -> tuple[tuple[_State, ...], _State]:
    """What a guarded update asks for: the states in which the event may happen, and what follows.

    Raises IllegalTransition when what follows depends on the state.
    """
    befores = tuple(state for state, happened in table if happened == event)
    afters = {table[state, event] for state in befores}
    if len(afters) != 1:
        raise IllegalTransition("/".join(befores), event)
    return befores, afters.pop()


def draw() -> str:
    """docs/states.md: one diagram per life cycle."""
    parts = [
        "# States\n",
        "Drawn from the tables in `coordinator/core/lifecycle.py` by "
        "`python -m coordinator.core.lifecycle`.\nBlocked, ready, held and backing off are "
        "derived, never stored.\n",
    ]
    for name, first, edges in (
        ("Job", JobState.QUEUED, _edges(JOB)),
        ("Task", TaskState.WAITING, _edges(TASK)),
        ("Attempt", AttemptState.SENT, _edges(ATTEMPT)),
        ("Worker", WorkerState.ONLINE, _edges(WORKER)),
    ):
        lines = "\n".join(f"  {was} --> {becomes}: {event}" for was, event, becomes in edges)
        parts.append(f"## {name}\n\n```mermaid\nstateDiagram-v2\n  [*] --> {first}\n{lines}\n```\n")
    return "\n".join(parts)


def _edges(table: Mapping[tuple[_State, _Event], _State]) -> list[tuple[str, str, str]]:
    return [(was.value, event.value, becomes.value) for (was, event), becomes in table.items()]


if __name__ == "__main__":
    print(draw(), end="")
