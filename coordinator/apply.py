"""Makes decisions real: attempt, lease, event and message in one transaction.

Whether a decision is good is not asked here; whether it comes too late is, by guarded updates.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError

from coordinator.core.decisions import Assign, Decision, Fetch, Hold, Preempt, Preload, Unload
from coordinator.core.inputs import Made, complete
from coordinator.core.lifecycle import AttemptEvent, JobEvent, TaskEvent
from coordinator.core.recover import GiveUp, Lose, Retry
from coordinator.core.snapshot import Waiting
from coordinator.store import attempts, graph, roster
from coordinator.store.ledger import Ledger, Posted, Told
from reelyard import messages
from reelyard.messages import CancelAttempt, RunTask
from reelyard.states import TaskKind
from reelyard.task import Checkpoint
from reelyard.wire import CONTROL_TASK, RUN_TASK, control_queue, node_queue

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final[Mapping[TaskKind, float]] = {
    TaskKind.VOICE: 900.0,
    TaskKind.VIDEO: 12 * 3600.0,
    TaskKind.COMPOSE: 2 * 3600.0,
}


def apply_decisions(ledger: Ledger, decisions: Iterable[Decision], lease_seconds: float) -> int:
    """How many tasks were sent to a device; the others learn why they wait."""
    chosen, reasons = list[Assign](), defaultdict[str, list[str]](list)
    for decision in decisions:
        if isinstance(decision, Assign):
            chosen.append(decision)
        elif isinstance(decision, Preempt):
            _preempt(ledger, decision)
        elif not isinstance(decision, Hold):
            _tell_worker(ledger, decision)
        elif is_news(decision):
            reasons[decision.because].append(decision.task.id)
    sent = _try_to_assign(ledger, chosen, lease_seconds) if chosen else 0
    attempts.say_why(ledger.connection, reasons)
    return sent


def is_news(decision: Decision) -> bool:
    """False when the task waits for the reason that it was told before."""
    return not isinstance(decision, Hold) or decision.because != decision.task.because


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
    _cancel_tasks(ledger, job_id, attempts.unfinished_tasks(ledger.connection, job_id), because)
    verb = "failed" if failed else "was cancelled"
    ledger.tell(
        "job.failed" if failed else "job.cancelled", f"The job {verb}: {because}", job_id=job_id
    )
    return True


def stop_attempts(ledger: Ledger, found: Iterable[tuple[str, str]], because: str) -> None:
    """These attempts, each with its worker, are not wanted any more."""
    workers = dict(found)
    changes = {id: {"ended_at": ledger.now, "failure": because} for id in workers}
    for attempt in sorted(ledger.attempts(AttemptEvent.CANCEL, changes)):
        tell_to_stop(ledger, attempt, workers[attempt], because)


def tell_to_stop(ledger: Ledger, attempt: str, worker_id: str, because: str) -> None:
    """A message to the worker; its attempt may be over by then, which is fine."""
    order = CancelAttempt(attempt_id=attempt, because=because)
    ledger.post(control_queue(worker_id), CONTROL_TASK, order.model_dump(mode="json"))


def _cancel_tasks(ledger: Ledger, job_id: str, task_ids: Sequence[str], because: str) -> None:
    """They are not wanted any more; workers that have some of them are told to stop."""
    changes = {id: {"ended_at": ledger.now, "because": because} for id in task_ids}
    gone = ledger.tasks(TaskEvent.CANCEL, changes)
    said = f"Cancelled: {because}"
    ledger.tell_all(
        Told("task.cancelled", said, job_id=job_id, task_id=id) for id in task_ids if id in gone
    )
    stop_attempts(ledger, attempts.open_of(ledger.connection, gone), because)


def _preempt(ledger: Ledger, decision: Preempt) -> None:
    """The worker is asked; what becomes of the task follows from its answer."""
    order = messages.Preempt(attempt_id=decision.attempt_id, because=decision.because)
    queue = control_queue(decision.worker_id)
    ledger.post(queue, CONTROL_TASK, order.model_dump(mode="json"))


def _tell_worker(ledger: Ledger, decision: Preload | Unload | Fetch) -> None:
    """What should be in memory. A worker that cannot follow leaves it be: nothing depends on it."""
    device, model = decision.device, decision.model
    order: messages.Preload | messages.Unload | messages.Fetch
    match decision:
        case Preload(fit=fit):
            order = messages.Preload(
                device_id=device.id, model=model, plan=fit.plan, predicted_gib=fit.weights_gib
            )
        case Unload():
            order = messages.Unload(device_id=device.id, model=model)
        case Fetch():
            order = messages.Fetch(model=model)
    queue = control_queue(device.worker_id)
    ledger.post(queue, CONTROL_TASK, order.model_dump(mode="json"))
    if not isinstance(decision, Fetch):
        verb = "is loaded ahead" if isinstance(decision, Preload) else "leaves the memory"
        said = f"{model} {verb} on {device.title}: {decision.because}."
        ledger.tell(f"model.{order.type}", said, worker_id=device.worker_id)


def _try_to_assign(ledger: Ledger, chosen: Sequence[Assign], lease_seconds: float) -> int:
    """All at once. A task that cannot be put into a message fails by itself and holds up nobody:
    where one of them stumbles, each is tried alone."""
    try:
        with ledger.connection.begin_nested():
            return _assign(ledger, chosen, lease_seconds)
    except DBAPIError:
        raise
    except Exception as wrong:
        if len(chosen) > 1:
            return sum(_try_to_assign(ledger, [one], lease_seconds) for one in chosen)
        task_id = chosen[0].task.id
        log.exception("%s cannot be sent", task_id)
        give_up(ledger, task_id, None, f"it cannot be sent: {wrong!r}"[:500])
        return 0


def _assign(ledger: Ledger, chosen: Sequence[Assign], lease_seconds: float) -> int:
    tries = [attempts.Try(decision) for decision in chosen]
    # 1. Who comes too late is left out of all that follows.
    changes = {one.task.id: _as_present(one) for one in tries}
    moved = ledger.tasks(TaskEvent.ASSIGN, changes)
    placed = [one for one in tries if one.task.id in moved]
    # 2. The tries, with a lease each.
    boots = roster.boots_of(ledger.connection, (one.worker_id for one in placed))
    until = ledger.now + lease_seconds
    attempts.open_attempts(ledger.connection, placed, boots, ledger.now, until)
    # 3. The story.
    _start_jobs(ledger, {one.task.job_id for one in placed})
    ledger.tell_all(_assigned(one) for one in placed)
    # 4. The messages.
    ledger.post_all(_orders(ledger, placed, boots))
    return len(placed)


def _as_present(one: attempts.Try) -> dict[str, object]:
    because = one.decision.because
    return {"because": because, "attempt_id": one.id, "attempt_count": one.number}


def _start_jobs(ledger: Ledger, job_ids: Iterable[str]) -> None:
    said = "The first task was placed."
    ledger.tell_all(Told("job.started", said, job_id=id) for id in ledger.start_jobs(job_ids))


def _assigned(one: attempts.Try) -> Told:
    decision, task, device = one.decision, one.task, one.decision.device
    plan, gib = decision.plan.sentence(), decision.predicted_gib
    return Told(
        "task.assigned",
        f"{task.label} goes to {device.title}: {decision.because}.",
        job_id=task.job_id,
        task_id=task.id,
        attempt_id=one.id,
        worker_id=device.worker_id,
        data={"device_id": device.id, "plan": plan, "predicted_gib": gib},
    )


def _orders(
    ledger: Ledger, placed: Sequence[attempts.Try], boots: Mapping[str, str]
) -> list[Posted]:
    wanting = [one.task.id for one in placed if _wants_what_was_made(one.task)]
    made = graph.made_by_needs(ledger.connection, wanting)
    again = [one.task.id for one in placed if one.task.attempt_count > 0]
    left = attempts.places(ledger.connection, again)
    return [
        _order(one, made.get(one.task.id, ()), boots[one.worker_id], left.get(one.task.id))
        for one in placed
    ]


def _wants_what_was_made(task: Waiting) -> bool:
    """See `coordinator.core.inputs.complete`: any other work is whole already."""
    return task.continues or task.kind is TaskKind.COMPOSE


def _order(
    one: attempts.Try, made: Sequence[Made], boot_id: str, checkpoint: Checkpoint | None
) -> Posted:
    task, decision = one.task, one.decision
    order = RunTask(
        attempt_id=one.id,
        task_id=task.id,
        job_id=task.job_id,
        device_id=decision.device.id,
        work=complete(task.work, task.continues, made),
        plan=decision.plan,
        predicted_gib=decision.predicted_gib,
        lane=decision.lane,
        checkpoint=checkpoint,
        power_cap=decision.fit.power_cap,
        boot_id=boot_id,
        timeout_seconds=TIMEOUT_SECONDS[task.kind],
    )
    queue, payload = node_queue(one.worker_id), order.model_dump(mode="json")
    return Posted(queue, RUN_TASK, payload, attempt_id=one.id)
