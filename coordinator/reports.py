"""Takes what workers say into the database: one function per kind of report.

A report may come twice, late, or about an attempt that is over: guarded updates make that harmless.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from sqlalchemy import RowMapping

from coordinator.apply import follow, stop_attempt, tell_to_stop
from coordinator.core.learning import Expected, credible, expected, is_empty, ran_out, seen
from coordinator.core.lifecycle import AttemptEvent, TaskEvent
from coordinator.core.recover import Patience, after_failure
from coordinator.finish import follow_up
from coordinator.store import attempts, graph, lessons, roster
from coordinator.store.database import AWAY
from coordinator.store.ledger import Ledger
from reelyard.catalog import Catalog
from reelyard.failure import FailureKind
from reelyard.messages import (
    DURABLE_REPORTS,
    Acknowledge,
    Failed,
    Finished,
    Goodbye,
    Heartbeat,
    Hello,
    Introduce,
    Measured,
    Progress,
    Report,
    Started,
    read_report,
)
from reelyard.plan import Plan
from reelyard.predict.lessons import Seen
from reelyard.task import VideoWork
from reelyard.wire import CONTROL_TASK, control_queue

log = logging.getLogger(__name__)
_TOLD_EVERY_SECONDS = 1.0
_KEPT_TOLD = 1000


@dataclass(slots=True)
class ReportTaker:
    """Applies reports; remembers only when it last told of a task's progress."""

    catalog: Catalog
    patience: Patience
    lease_seconds: float
    told: dict[str, float] = field(default_factory=dict)

    def take(self, ledger: Ledger, payloads: Sequence[object]) -> list[str]:
        """Applies a batch; durable reports are acknowledged. Answers what was wrong with others.

        A report that cannot be applied loses only itself. Raises one of AWAY when the database does
        not answer: then nothing of the batch has happened.
        """
        received: dict[str, list[str]] = defaultdict(list)
        problems = []
        for payload in payloads:
            try:
                report = read_report(payload)
            except ValidationError as wrong:
                problems.append(f"a report cannot be read: {wrong}"[:500])
                continue
            if problem := self._try_to_apply(ledger, report):
                problems.append(problem)
            elif report.type in DURABLE_REPORTS:
                received[report.worker_id].append(report.report_id)
        for worker_id, ids in received.items():
            order = Acknowledge(report_ids=tuple(ids))
            ledger.post(control_queue(worker_id), CONTROL_TASK, order.model_dump(mode="json"))
        return problems

    def _try_to_apply(self, ledger: Ledger, report: Report) -> str:
        try:
            with ledger.connection.begin_nested():
                self.apply(ledger, report)
        except AWAY:
            raise
        except Exception as wrong:
            log.exception("a report cannot be applied")
            return f"a {report.type} of {report.worker_id} cannot be applied: {wrong!r}"[:500]
        return ""

    def apply(self, ledger: Ledger, report: Report) -> None:
        """One report."""
        match report:
            case Hello():
                self._hello(ledger, report)
            case Heartbeat():
                self._heartbeat(ledger, report)
            case Started():
                self._started(ledger, report)
            case Progress():
                self._progress(ledger, report)
            case Finished():
                self._finished(ledger, report)
            case Failed():
                self._failed(ledger, report)
            case Goodbye():
                self._goodbye(ledger, report)

    def _hello(self, ledger: Ledger, report: Hello) -> None:
        how = roster.enrol(ledger.connection, report, ledger.now)
        if how == "known":
            return
        devices = ", ".join(f"{d.name} ({d.memory_gib:.1f} GiB)" for d in report.devices)
        ledger.tell(
            "worker.online" if how == "new" else "worker.back",
            f"Worker {report.worker_id} {'joined' if how == 'new' else 'is back'}: {devices}.",
            worker_id=report.worker_id,
        )

    def _heartbeat(self, ledger: Ledger, report: Heartbeat) -> None:
        connection, worker_id = ledger.connection, report.worker_id
        known = roster.hear(connection, worker_id, report.boot_id, report.devices, ledger.now)
        if not known:
            order = Introduce().model_dump(mode="json")
            ledger.post(control_queue(worker_id), CONTROL_TASK, order)
            return
        roster.renew(connection, worker_id, report.attempts, ledger.now + self.lease_seconds)
        for attempt in roster.not_wanted(connection, worker_id, report.attempts):
            tell_to_stop(ledger, attempt, worker_id, "it is not wanted any more")

    def _started(self, ledger: Ledger, report: Started | Progress) -> None:
        row = attempts.read_attempt(ledger.connection, report.attempt_id)
        if row is None or not ledger.attempt(
            report.attempt_id, AttemptEvent.START, started_at=ledger.now
        ):
            return
        if ledger.task(
            row["task_id"], TaskEvent.START, report.attempt_id, started_at=ledger.now, because=""
        ):
            _, label = attempts.task_name(ledger.connection, row["task_id"])
            _tell(ledger, "task.started", f"{label} runs on {row['worker_id']}.", row)

    def _progress(self, ledger: Ledger, report: Progress) -> None:
        row = attempts.note_progress(ledger.connection, report)
        if row is None:  # its "started" may have been lost on the way
            self._started(ledger, report)
            return
        last = self.told.get(row["id"], 0.0)
        if 0 <= ledger.now - last < _TOLD_EVERY_SECONDS:
            return
        if len(self.told) > _KEPT_TOLD:
            self.told.clear()
        self.told[row["id"]] = ledger.now
        of = f" {report.step}/{report.steps}" if report.steps else ""
        ledger.tell(
            "task.progress",
            f"{row['label']}: {report.phase}{of}",
            job_id=row["job_id"],
            task_id=row["id"],
            attempt_id=report.attempt_id,
            worker_id=report.worker_id,
            phase=report.phase,
            step=report.step,
            steps=report.steps,
        )

    def _finished(self, ledger: Ledger, report: Finished) -> None:
        row = attempts.read_attempt(ledger.connection, report.attempt_id)
        if row is None or not self._deliver(ledger, row, report):
            return
        measured = attempts.measured_values(report.measured)
        ledger.attempt(report.attempt_id, AttemptEvent.FINISH, ended_at=ledger.now, **measured)
        for other, worker_id in attempts.open_of(ledger.connection, row["task_id"]):
            stop_attempt(ledger, other, worker_id, "another try was faster")
        found = graph.read_task(ledger.connection, row["task_id"])
        assert found is not None
        seconds = report.measured.run_seconds
        _tell(ledger, "task.done", f"{found[1].label} is done after {seconds:.1f} s.", row)
        if not report.measured.warm and report.measured.load_seconds > 0:
            loaded = f"{found[1].model} was loaded in {report.measured.load_seconds:.1f} s."
            _tell(ledger, "model.loaded", loaded, row)
        if (law := self._law(ledger, row, report.measured)) is not None:
            _learn(ledger, row, law, seen(report.measured, law.way))
        follow_up(ledger, row["job_id"], found[1], report.result, self.catalog)

    def _deliver(self, ledger: Ledger, row: RowMapping, report: Finished) -> bool:
        """The first delivery of a task counts, be it of a lost attempt; any other is too late."""
        return ledger.task(
            row["task_id"],
            TaskEvent.FINISH,
            ended_at=ledger.now,
            result=report.result.model_dump(mode="json"),
            notes=list(report.result.notes),
            because="",
        )

    def _failed(self, ledger: Ledger, report: Failed) -> None:
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
        gib = row["predicted_gib"] or 0.0
        law = self._law(ledger, row, report.measured)
        if failure.kind is FailureKind.OUT_OF_MEMORY and law is not None:
            promised = gib if law.way.plan == _plan(row) else law.way.bound_gib
            _learn(ledger, row, law, ran_out(promised, law.way))
        step = after_failure(failure, row["number"], gib, ledger.now, self.patience)
        follow(ledger, row["task_id"], report.attempt_id, step)

    def _law(self, ledger: Ledger, row: RowMapping, measured: Measured) -> Expected | None:
        """What the law says of the plan that ran. None where nothing can be learned."""
        found = graph.read_task(ledger.connection, row["task_id"])
        if found is None or not isinstance(found[1].work, VideoWork):
            return None
        work, continues = found[1].work, found[1].continues
        host = roster.host_of(ledger.connection, row["worker_id"])
        plan = measured.plan or _plan(row)
        return expected(work, continues, plan, row["device_type"], host, self.catalog)

    def _goodbye(self, ledger: Ledger, report: Goodbye) -> None:
        if roster.sign_off(ledger.connection, report.worker_id, report.boot_id):
            ledger.tell(
                "worker.offline",
                f"Worker {report.worker_id} signed off.",
                worker_id=report.worker_id,
            )


def _learn(ledger: Ledger, row: RowMapping, law: Expected, seen: Seen) -> None:
    """Kept with the report, or not at all. What cannot be true is told of and left out."""
    believed, odd = credible(seen)
    if odd:
        where = f"{law.key.model} ({law.key.plan}) on a {law.key.device}"
        _tell(ledger, "prediction.odd", f"Not learned from {where}: {', '.join(odd)}.", row)
    if not is_empty(believed):
        lessons.teach(ledger.connection, law.key, believed, ledger.now)


def _plan(row: RowMapping) -> Plan:
    return Plan.model_validate(row["plan"] or {})


def storable(text: str) -> str:
    """What a traceback quotes may hold characters that no database takes."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _tell(ledger: Ledger, type: str, sentence: str, row: RowMapping) -> None:
    ledger.tell(
        type,
        sentence,
        job_id=row["job_id"],
        task_id=row["task_id"],
        attempt_id=row["id"],
        worker_id=row["worker_id"],
    )
