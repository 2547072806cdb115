"""What becomes of tries that workers say have ended: delivered ones many at a time, failed ones one
by one. The first delivery of a task counts, be it of a lost attempt; any other comes too late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from sqlalchemy import RowMapping

from coordinator.apply import follow, stop_attempts
from coordinator.core.learning import Expected, credible, expected, is_empty, ran_out, seen
from coordinator.core.lifecycle import AttemptEvent, TaskEvent
from coordinator.core.recover import Patience, after_failure
from coordinator.core.split import NewTask
from coordinator.finish import follow_up
from coordinator.store import attempts, graph, lessons, roster
from coordinator.store.ledger import Ledger, Told
from reelyard.catalog import Catalog
from reelyard.failure import FailureKind
from reelyard.messages import Failed, Finished, Measured, Preempted
from reelyard.plan import Plan
from reelyard.predict.forecast import UNKNOWN_HOST, Host
from reelyard.predict.lessons import Key, Seen
from reelyard.task import Checkpoint, VideoWork

_MOST_LAWS = 2000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A report that came in time, the try that it is about, and its task."""

    report: Finished
    row: RowMapping
    task: NewTask
    host: Host


@dataclass(slots=True)
class Laws:
    """What the law says of plans that ran: asked once for runs that are alike, then remembered."""

    catalog: Catalog
    known: dict[tuple[object, ...], Expected | None] = field(default_factory=dict)

    def of(self, task: NewTask, row: RowMapping, measured: Measured, host: Host) -> Expected | None:
        """None where nothing can be learned."""
        work = task.work
        if not isinstance(work, VideoWork):
            return None
        plan, device = measured.plan or _plan(row), row["device_type"]
        cap = measured.power_cap
        asked = (work.model, work.width, work.height, work.frames, work.steps, work.guidance > 1)
        key = (*asked, work.start_image is None, task.continues, plan, device, host, cap)
        if key not in self.known:
            if len(self.known) >= _MOST_LAWS:
                self.known.clear()
            law = expected(work, task.continues, plan, device, host, self.catalog, cap)
            self.known[key] = law
        return self.known[key]


def take_finished(
    ledger: Ledger, reports: Sequence[Finished], laws: Laws, begun: Set[str]
) -> set[str]:
    """Deliveries, together. In the same transaction: lessons, and what follows from each. `begun`:
    attempts of which it was not yet written that they had begun. Which ones came in time."""
    delivered = _deliver(ledger, reports)
    again = [one.task.id for one in delivered if one.row["tries"] > 1]
    stop_attempts(ledger, attempts.open_of(ledger.connection, again), "another try was faster")
    ledger.tell_all(line for delivery in delivered for line in _told(delivery, begun))
    _teach(ledger, delivered, laws)
    for one in delivered:
        follow_up(ledger, one.row["job_id"], one.task, one.report.result, laws.catalog)
    return {one.report.attempt_id for one in delivered}


def take_failed(ledger: Ledger, report: Failed, laws: Laws, patience: Patience) -> None:
    """A try that came to nothing: what was learned of it, and what its task does next."""
    row = attempts.read_attempt(ledger.connection, report.attempt_id)
    if row is None:
        return
    failure = report.failure.model_copy(update={"sentence": storable(report.failure.sentence)})
    values = attempts.measured_values(report.measured) | {
        "failure_kind": failure.kind,
        "failure": failure.sentence,
        "failure_detail": storable(failure.detail),
    }
    if not ledger.attempt(report.attempt_id, AttemptEvent.FAIL, ended_at=ledger.now, **values):
        return
    if failure.kind is FailureKind.OUT_OF_MEMORY:
        _learn_from_running_out(ledger, row, report.measured, laws)
    gib = row["predicted_gib"] or 0.0
    step = after_failure(failure, attempts.tries(row), gib, ledger.now, patience)
    follow(ledger, row["task_id"], report.attempt_id, step)


def take_preempted(ledger: Ledger, report: Preempted) -> None:
    """A try that made room, as it was asked to: its task waits again, and goes on from there."""
    row = attempts.read_attempt(ledger.connection, report.attempt_id)
    if row is None:
        return
    said = _where(report.checkpoint)
    values = attempts.measured_values(report.measured)
    how = {"failure_kind": "preempted", "failure": f"It made room and {said}."}
    if not ledger.attempt(
        report.attempt_id, AttemptEvent.CANCEL, ended_at=ledger.now, **values, **how
    ):
        return
    waits = {"because": f"it made room and {said}", "started_at": None}
    cleared = {"phase": "", "step": 0, "steps": 0}
    if ledger.task(row["task_id"], TaskEvent.RETRY, report.attempt_id, **waits, **cleared):
        attempts.keep_place(ledger.connection, row["task_id"], report.checkpoint)
        _, label = attempts.task_name(ledger.connection, row["task_id"])
        ledger.tell_all([told_of(row, "task.preempted", f"{label} made room and {said}.")])


def _where(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "begins anew"
    return f"goes on after step {checkpoint.step} of {checkpoint.steps}"


def storable(text: str) -> str:
    """What a traceback quotes may hold characters that no database takes."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def told_of(row: RowMapping, type: str, sentence: str) -> Told:
    """A line of the story about a try."""
    return Told(type, sentence, row["job_id"], row["task_id"], row["id"], row["worker_id"])


def started_told(row: RowMapping, label: str) -> Told:
    """That the try has begun."""
    return told_of(row, "task.started", f"{label} runs on {row['worker_id']}.")


def _deliver(ledger: Ledger, reports: Sequence[Finished]) -> list[Delivery]:
    connection, first = ledger.connection, dict[str, Finished]()
    rows = attempts.read_attempts(connection, (report.attempt_id for report in reports))
    for report in reports:
        if row := rows.get(report.attempt_id):
            first.setdefault(row["task_id"], report)
    began = {r.attempt_id: _began(rows[r.attempt_id], r, ledger.now) for r in first.values()}
    made = {id: _made(r, began[r.attempt_id], ledger.now) for id, r in first.items()}
    done = ledger.tasks(TaskEvent.FINISH, made)
    first = {task_id: report for task_id, report in first.items() if task_id in done}
    ledger.attempts(
        AttemptEvent.FINISH,
        {
            report.attempt_id: {
                "started_at": began[report.attempt_id],
                "ended_at": ledger.now,
                "power_cap": report.measured.power_cap,  # what was in force, not what was asked
                **attempts.measured_values(report.measured),
            }
            for report in first.values()
        },
    )
    tasks = graph.read_tasks(connection, first)
    hosts = roster.hosts_of(connection, (rows[r.attempt_id]["worker_id"] for r in first.values()))
    return [
        Delivery(report, row, tasks[task_id], hosts.get(row["worker_id"], UNKNOWN_HOST))
        for task_id, report in first.items()
        if (row := rows[report.attempt_id])
    ]


def _began(row: RowMapping, report: Finished, now: float) -> float:
    """When the try began; where nobody has written it, as long ago as it took."""
    if row["started_at"] is not None:
        return float(row["started_at"])
    took = report.measured.load_seconds + report.measured.run_seconds
    return min(now, max(float(row["created_at"]), now - took))


def _made(report: Finished, began: float, now: float) -> dict[str, object]:
    return {
        "started_at": began,
        "ended_at": now,
        "result": report.result.model_dump(mode="json"),
        "notes": list(report.result.notes),
        "because": "",
    }


def _told(delivery: Delivery, begun: Set[str]) -> Iterable[Told]:
    row, task, measured = delivery.row, delivery.task, delivery.report.measured
    if row["id"] in begun:
        yield started_told(row, task.label)
    yield told_of(row, "task.done", f"{task.label} is done after {measured.run_seconds:.1f} s.")
    if not measured.warm and measured.load_seconds > 0:
        loaded = f"{task.model} was loaded in {measured.load_seconds:.1f} s."
        yield told_of(row, "model.loaded", loaded)


def _teach(ledger: Ledger, delivered: Sequence[Delivery], laws: Laws) -> None:
    """Kept with the reports, or not at all."""
    runs, odd = defaultdict[Key, list[Seen]](list), list[Told]()
    for one in delivered:
        law = laws.of(one.task, one.row, one.report.measured, one.host)
        if law is not None:
            odd += _sort_out(runs, one.row, law, seen(one.report.measured, law.way))
    _keep(ledger, runs, odd)


def _learn_from_running_out(
    ledger: Ledger, row: RowMapping, measured: Measured, laws: Laws
) -> None:
    task = graph.read_tasks(ledger.connection, [row["task_id"]])[row["task_id"]]
    hosts = roster.hosts_of(ledger.connection, [row["worker_id"]])
    law = laws.of(task, row, measured, hosts.get(row["worker_id"], UNKNOWN_HOST))
    if law is None:
        return
    promised = (row["predicted_gib"] or 0.0) if law.way.plan == _plan(row) else law.way.bound_gib
    runs = defaultdict[Key, list[Seen]](list)
    odd = _sort_out(runs, row, law, ran_out(promised, law.way))
    _keep(ledger, runs, odd)


def _sort_out(
    runs: dict[Key, list[Seen]], row: RowMapping, law: Expected, found: Seen
) -> list[Told]:
    """What can be believed is put to the runs; what cannot be true is told of and left out."""
    believed, odd = credible(found)
    if not is_empty(believed):
        runs[law.key].append(believed)
    where = f"{law.key.model} ({law.key.plan}) on a {law.key.device}"
    said = f"Not learned from {where}: {', '.join(odd)}."
    return [told_of(row, "prediction.odd", said)] if odd else []


def _keep(ledger: Ledger, runs: Mapping[Key, Sequence[Seen]], odd: Iterable[Told]) -> None:
    ledger.tell_all(odd)
    for key, found in runs.items():
        lessons.teach_runs(ledger.connection, key, found, ledger.now)


def _plan(row: RowMapping) -> Plan:
    return Plan.model_validate(row["plan"] or {})
