"""What to do when a try did not end well, or when nothing was heard of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reelyard.failure import PERMANENT, Failure, FailureKind
from reelyard.predict.lessons import OUT_OF_MEMORY_MARGIN
from reelyard.states import AttemptState, WorkerState

BACK_OFF_SECONDS = (0.0, 2.0, 5.0, 15.0)


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A try that was sent and has not ended. `heard_at`: of the last lease renewal."""

    id: str
    task_id: str
    state: AttemptState
    worker_id: str
    boot_id: str
    sent_at: float
    lease_until: float


@dataclass(frozen=True, slots=True)
class KnownWorker:
    """Which boot of a worker is alive, and when it last spoke."""

    id: str
    boot_id: str
    state: WorkerState
    last_seen: float


@dataclass(frozen=True, slots=True)
class Lose:
    """Give the attempt up: nobody will hear of it in time."""

    attempt: OpenAttempt
    because: str


@dataclass(frozen=True, slots=True)
class Resend:
    """Put the attempt's message on its queue again; a worker drops what it has seen."""

    attempt: OpenAttempt


@dataclass(frozen=True, slots=True)
class Retry:
    """The task waits again."""

    not_before: float
    because: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No try would help, or there were enough."""

    because: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, from the settings."""

    silence_seconds: float
    resend_seconds: float
    max_attempts: int


def silent(
    workers: Iterable[KnownWorker], now: float, patience: Patience, since: float = 0.0
) -> list[KnownWorker]:
    """Workers that count as gone. `since`: from when on the coordinator has been listening; what
    was said before, while it or its database was away, it cannot know."""
    return [
        worker
        for worker in workers
        if worker.state is not WorkerState.OFFLINE
        and now - max(_past(worker.last_seen, now), since) > patience.silence_seconds
    ]


def _past(moment: float, now: float) -> float:
    """Where the clock was put back, what was heard "later" than now says nothing."""
    return moment if moment <= now else 0.0


def recover(
    attempts: Iterable[OpenAttempt],
    workers: Mapping[str, KnownWorker],
    now: float,
    patience: Patience,
    since: float = 0.0,
) -> list[Lose | Resend]:
    """What became of every open attempt that is not simply under way. A lease that ran out while
    nobody listened (see `silent`) gets one more spell of silence."""
    found: list[Lose | Resend] = []
    listened = now - since > patience.silence_seconds
    for attempt in attempts:
        worker = workers.get(attempt.worker_id)
        if because := lost_because(attempt, worker, now if listened else attempt.lease_until):
            found.append(Lose(attempt, because))
        elif attempt.state is AttemptState.SENT and now - attempt.sent_at > patience.resend_seconds:
            found.append(Resend(attempt))
    return found


def lost_because(attempt: OpenAttempt, worker: KnownWorker | None, now: float) -> str:
    """Why the attempt is lost; empty when it is not."""
    if worker is None:
        return f"worker {attempt.worker_id} is not known any more"
    if worker.boot_id != attempt.boot_id:
        return f"worker {worker.id} was started anew"
    if worker.state is WorkerState.OFFLINE:
        return f"worker {worker.id} fell silent"
    if now > attempt.lease_until:
        return f"worker {worker.id} did not speak of it for too long"
    return ""


def after_failure(
    failure: Failure, number: int, predicted_gib: float, now: float, patience: Patience
) -> Retry | GiveUp:
    """What follows from the failure of try `number` (from 1)."""
    if failure.kind in PERMANENT:
        return GiveUp(failure.sentence)
    if number >= patience.max_attempts:
        return GiveUp(f"{failure.sentence} (after {number} tries)")
    pause = BACK_OFF_SECONDS[min(number - 1, len(BACK_OFF_SECONDS) - 1)]
    if failure.kind is FailureKind.OUT_OF_MEMORY:
        more = predicted_gib * OUT_OF_MEMORY_MARGIN
        said = f"{failure.sentence} Tried again with {more:.1f} GiB or in a leaner way."
        return Retry(now + pause, said)
    return Retry(now + pause, failure.sentence)


def after_loss(because: str, number: int, now: float, patience: Patience) -> Retry | GiveUp:
    """A lost attempt is nobody's fault, but not for ever."""
    lost = Failure(kind=FailureKind.LOST, sentence=because)
    return after_failure(lost, number, 0.0, now, patience)
