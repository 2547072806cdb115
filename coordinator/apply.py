"""Makes decisions real: attempt, lease, event and message in one transaction.

Whether a decision is good is not asked here; whether it comes too late is, by guarded updates.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError

from coordinator.core.decisions import Assign, Decision
from coordinator.core.inputs import complete
from coordinator.core.lifecycle import AttemptEvent, JobEvent, TaskEvent
from coordinator.core.recover import GiveUp, Lose, Retry
from coordinator.store import attempts, graph, roster
from coordinator.store.ledger import Ledger
from reelyard.ids import attempt_id
from reelyard.messages import CancelAttempt, RunTask
from reelyard.states import TaskKind
from reelyard.wire import CONTROL_TASK, RUN_TASK, control_queue, node_queue

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final[Mapping[TaskKind, float]] = {
    TaskKind.VOICE: 900.0,
    TaskKind.VIDEO: 12 * 3600.0,
    TaskKind.COMPOSE: 2 * 3600.0,
}


def apply_decisions(ledger: Ledger, decisions: Iterable[Decision], lease_seconds: float) -> int:
    """How many tasks were sent to a device; the others learn why they wait."""
    sent, reasons = 0, defaultdict[str, list[str]](list)
    for decision in decisions:
        if isinstance(decision, Assign):
            sent += _try_to_assign(ledger, decision, lease_seconds)
        elif is_news(decision):
            reasons[decision.because].append(decision.task.id)
    for because, task_ids in reasons.items():
        attempts.say_why(ledger.connection, task_ids, because)
    return sent


def is_news(decision: Decision) -> bool:
    """False when the task waits for the reason that it was told before."""
    return isinstance(decision, Assign) or decision.because != decision.task.because


def lose(ledger: Ledger, lost: Lose) -> bool:
    """The attempt is over without an answer. False when it came too late."""
    attempt = lost.attempt
    if not ledger.attempt(
        attempt.id,
        AttemptEvent.LOSE,
        ended_at=ledger.now,
        failure_kind="lost",
        failure=lost.because,
    ):
        return False
    ledger.tell(
        "attempt.lost",
        f"A try was lost: {lost.because}.",
        job_id=attempts.job_of(ledger.connection, attempt.id),
        task_id=attempt.task_id,
        attempt_id=attempt.id,
        worker_id=attempt.worker_id,
    )
    return True


def follow(ledger: Ledger, task_id: str, attempt: str, next_step: Retry | GiveUp) -> None:
    """What becomes of a task whose present attempt has ended badly."""
    if isinstance(next_step, GiveUp):
        give_up(ledger, task_id, attempt, next_step.because)
        return
    values = {"not_before": next_step.not_before, "because": next_step.because}
    cleared = {"phase": "", "step": 0, "steps": 0, "started_at": None}
    if ledger.task(task_id, TaskEvent.RETRY, attempt, **values, **cleared):
        job_id, label = attempts.task_name(ledger.connection, task_id)
        ledger.tell(
            "task.retry",
            f"{label} waits for another try: {next_step.because}",
            job_id=job_id,
            task_id=task_id,
            attempt_id=attempt,
        )


def give_up(ledger: Ledger, task_id: str, attempt: str | None, because: str) -> None:
    """The task can never be done, and so neither can its job."""
    if not ledger.task(task_id, TaskEvent.GIVE_UP, attempt, ended_at=ledger.now, because=because):
        return
    job_id, label = attempts.task_name(ledger.connection, task_id)
    ledger.tell("task.failed", f"{label} failed: {because}", job_id=job_id, task_id=task_id)
    end_job(ledger, job_id, JobEvent.FAIL, f"{label}: {because}")


def end_job(ledger: Ledger, job_id: str, event: JobEvent, because: str) -> bool:
    """FAIL or CANCEL: the job is over, and all that it still has under way. False: too late."""
    failed = event is JobEvent.FAIL
    if not ledger.job(job_id, event, ended_at=ledger.now, failure=because):
        return False
    for task_id in attempts.unfinished_tasks(ledger.connection, job_id):
        cancel_task(ledger, job_id, task_id, because)
    verb = "failed" if failed else "was cancelled"
    ledger.tell(
        "job.failed" if failed else "job.cancelled", f"The job {verb}: {because}", job_id=job_id
    )
    return True


def cancel_task(ledger: Ledger, job_id: str, task_id: str, because: str) -> None:
    """The task is not wanted any more; a worker that has it is told to stop."""
    if not ledger.task(task_id, TaskEvent.CANCEL, ended_at=ledger.now, because=because):
        return
    ledger.tell("task.cancelled", f"Cancelled: {because}", job_id=job_id, task_id=task_id)
    for attempt, worker_id in attempts.open_of(ledger.connection, task_id):
        stop_attempt(ledger, attempt, worker_id, because)


def stop_attempt(ledger: Ledger, attempt: str, worker_id: str, because: str) -> None:
    """The attempt is not wanted any more."""
    if ledger.attempt(attempt, AttemptEvent.CANCEL, ended_at=ledger.now, failure=because):
        tell_to_stop(ledger, attempt, worker_id, because)


def tell_to_stop(ledger: Ledger, attempt: str, worker_id: str, because: str) -> None:
    """A message to the worker; its attempt may be over by then, which is fine."""
    order = CancelAttempt(attempt_id=attempt, because=because)
    ledger.post(control_queue(worker_id), CONTROL_TASK, order.model_dump(mode="json"))


def _try_to_assign(ledger: Ledger, decision: Assign, lease_seconds: float) -> bool:
    """A task that cannot be put into a message fails by itself and holds up nobody."""
    try:
        with ledger.connection.begin_nested():
            return _assign(ledger, decision, lease_seconds)
    except DBAPIError:
        raise
    except Exception as wrong:
        log.exception("%s cannot be sent", decision.task.id)
        give_up(ledger, decision.task.id, None, f"it cannot be sent: {wrong!r}"[:500])
        return False


def _assign(ledger: Ledger, decision: Assign, lease_seconds: float) -> bool:
    task, device = decision.task, decision.device
    number = task.attempt_count + 1
    attempt = attempt_id(task.id, number)
    if not ledger.task(task.id, TaskEvent.ASSIGN, because=decision.because):
        return False
    boot_id = roster.boot_of(ledger.connection, device.worker_id)
    attempts.open_attempt(
        ledger.connection,
        decision,
        attempt,
        number,
        boot_id,
        ledger.now,
        ledger.now + lease_seconds,
    )
    if ledger.job(task.job_id, JobEvent.START, started_at=ledger.now):
        ledger.tell("job.started", "The first task was placed.", job_id=task.job_id)
    ledger.tell(
        "task.assigned",
        f"{task.label} goes to {device.title}: {decision.because}.",
        job_id=task.job_id,
        task_id=task.id,
        attempt_id=attempt,
        worker_id=device.worker_id,
        device_id=device.id,
        plan=decision.plan.sentence(),
        predicted_gib=decision.predicted_gib,
    )
    _post_task(ledger, decision, attempt, boot_id)
    return True


def _post_task(ledger: Ledger, decision: Assign, attempt: str, boot_id: str) -> None:
    task, device = decision.task, decision.device
    continues, needs = graph.inputs_of(ledger.connection, task.id)
    order = RunTask(
        attempt_id=attempt,
        task_id=task.id,
        job_id=task.job_id,
        device_id=device.id,
        work=complete(task.work, continues, needs),
        plan=decision.plan,
        predicted_gib=decision.predicted_gib,
        boot_id=boot_id,
        timeout_seconds=TIMEOUT_SECONDS[task.kind],
    )
    ledger.post(
        node_queue(device.worker_id), RUN_TASK, order.model_dump(mode="json"), attempt_id=attempt
    )
