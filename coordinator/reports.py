"""Takes what workers say into the database: many reports of a kind at a time.

A report may come twice, late, or about an attempt that is over: guarded updates make that harmless.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from pydantic import ValidationError

from coordinator.apply import tell_to_stop
from coordinator.core.recover import Patience
from coordinator.endings import (
    Laws,
    started_told,
    take_failed,
    take_finished,
    take_preempted,
)
from coordinator.store import attempts, roster
from coordinator.store.database import AWAY
from coordinator.store.ledger import Ledger, Told
from reelyard.catalog import Catalog
from reelyard.messages import (
    DURABLE_REPORTS,
    Acknowledge,
    Failed,
    Finished,
    Goodbye,
    Heartbeat,
    Hello,
    Introduce,
    Preempted,
    Progress,
    Report,
    Started,
    read_report,
)
from reelyard.states import TaskState
from reelyard.wire import CONTROL_TASK, control_queue, node_queue

log = logging.getLogger(__name__)
_TOLD_EVERY_SECONDS = 1.0
_KEPT_TOLD = 1000
_TURN: Final[Mapping[str, int]] = {
    "started": 1,
    "progress": 2,
    "finished": 3,
    "failed": 4,
    "preempted": 5,
}
"""In which order the reports of a batch are taken, those of workers about themselves first: what
the worker told in this order of one attempt is never turned round."""


@dataclass(slots=True)
class ReportTaker:
    """Applies reports; remembers only when it last told of a task's progress."""

    catalog: Catalog
    patience: Patience
    lease_seconds: float
    told: dict[str, float] = field(default_factory=dict)
    laws: Laws = field(init=False)

    def __post_init__(self) -> None:
        self.laws = Laws(self.catalog)

    def take(
        self, ledger: Ledger, payloads: Sequence[object], with_care: bool = False
    ) -> list[str]:
        """Applies a batch; durable reports are acknowledged. Answers what was wrong with others.

        With care, a report that cannot be applied loses only itself. Without, which costs less, it
        raises whatever it stumbles over; as does, either way, a database that does not answer: one
        of AWAY. Then nothing of the transaction may stay.
        """
        reports, problems = _readable(payloads)
        wrong: set[str] = set()
        for batch in _batches(reports):
            if not with_care:
                self._apply(ledger, batch)
                continue
            for report, problem in self._try_to_apply(ledger, batch):
                wrong.add(report.report_id)
                problems.append(problem)
        _acknowledge(ledger, [report for report in reports if report.report_id not in wrong])
        return problems

    def _try_to_apply(self, ledger: Ledger, batch: Sequence[Report]) -> list[tuple[Report, str]]:
        """All of it; where one of them stumbles, each alone. Those that cannot be applied."""
        try:
            with ledger.connection.begin_nested():
                self._apply(ledger, batch)
        except AWAY:
            raise
        except Exception as wrong:
            if len(batch) > 1:
                return [found for one in batch for found in self._try_to_apply(ledger, [one])]
            report = batch[0]
            log.exception("a report cannot be applied")
            said = f"a {report.type} of {report.worker_id} cannot be applied: {wrong!r}"[:500]
            return [(report, said)]
        return []

    def _apply(self, ledger: Ledger, batch: Sequence[Report]) -> None:
        """Reports of one turn."""
        started = [r.attempt_id for r in batch if isinstance(r, Started)]
        if finished := [r for r in batch if isinstance(r, Finished)]:
            came = take_finished(ledger, finished, self.laws, frozenset(started))
            self._started(ledger, frozenset(started) - came)
        elif started:
            self._started(ledger, started)
        elif progress := [r for r in batch if isinstance(r, Progress)]:
            self._progress(ledger, progress)
        else:
            for report in batch:
                self._apply_alone(ledger, report)

    def _apply_alone(self, ledger: Ledger, report: Report) -> None:
        match report:
            case Hello():
                self._hello(ledger, report)
            case Heartbeat():
                self._heartbeat(ledger, report)
            case Failed():
                take_failed(ledger, report, self.laws, self.patience)
            case Preempted():
                take_preempted(ledger, report)
            case Goodbye():
                self._goodbye(ledger, report)

    def _hello(self, ledger: Ledger, report: Hello) -> None:
        how = roster.enrol(ledger.connection, report, ledger.now)
        ledger.touch("worker", [report.worker_id])
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
        ledger.touch("worker", [worker_id])
        roster.renew(connection, worker_id, report.attempts, ledger.now + self.lease_seconds)
        for attempt in roster.not_wanted(connection, worker_id, report.attempts):
            tell_to_stop(ledger, attempt, worker_id, "it is not wanted any more")

    def _started(self, ledger: Ledger, attempt_ids: Iterable[str]) -> None:
        """An attempt that is its task's present one takes the task along."""
        begun = {row["id"]: row for row in ledger.start_attempts(attempt_ids)}
        if begun:
            runs = ledger.start_tasks({row["task_id"]: id for id, row in begun.items()})
            ledger.tell_all(started_told(begun[task["attempt_id"]], task["label"]) for task in runs)

    def _progress(self, ledger: Ledger, reports: Sequence[Progress]) -> None:
        """Of each attempt, the last counts."""
        last = {report.attempt_id: report for report in reports}
        rows = attempts.read_attempts(ledger.connection, last)
        tasks = attempts.how_they_stand(ledger.connection, (r["task_id"] for r in rows.values()))
        running = {
            task.id: last[task.attempt_id]
            for task in tasks.values()
            if task.state is TaskState.RUNNING and task.attempt_id in last
        }
        attempts.note_progress(ledger.connection, running)
        ledger.tell_all(
            _progress_told(tasks[id], report)
            for id, report in running.items()
            if self._is_time_to_tell(id, ledger.now)
        )
        known = {report.attempt_id for report in running.values()}
        self._started(ledger, last.keys() - known)  # their "started" may have been lost

    def _is_time_to_tell(self, task_id: str, now: float) -> bool:
        if 0 <= now - self.told.get(task_id, 0.0) < _TOLD_EVERY_SECONDS:
            return False
        if len(self.told) > _KEPT_TOLD:
            self.told.clear()
        self.told[task_id] = now
        return True

    def _goodbye(self, ledger: Ledger, report: Goodbye) -> None:
        if roster.sign_off(ledger.connection, report.worker_id, report.boot_id):
            ledger.touch("worker", [report.worker_id])
            ledger.tell(
                "worker.offline",
                f"Worker {report.worker_id} signed off.",
                worker_id=report.worker_id,
            )


def _readable(payloads: Iterable[object]) -> tuple[list[Report], list[str]]:
    """What could be read, and what was wrong with the rest."""
    reports, problems = list[Report](), list[str]()
    for payload in payloads:
        try:
            reports.append(read_report(payload))
        except ValidationError as wrong:
            problems.append(f"a report cannot be read: {wrong}"[:500])
    return reports, problems


def _batches(reports: Sequence[Report]) -> Iterator[list[Report]]:
    """In the order in which they are taken. Of what has begun and ended meanwhile both are written
    at once, unless it had something to say in between."""
    went_on = {report.attempt_id for report in reports if isinstance(report, Progress)}
    ended = {report.attempt_id for report in reports if isinstance(report, Finished)} - went_on

    def turn(report: Report) -> int:
        is_over = isinstance(report, Started) and report.attempt_id in ended
        return _TURN["finished"] if is_over else _TURN.get(report.type, 0)

    for _, batch in groupby(sorted(reports, key=turn), key=turn):
        yield sorted(batch, key=lambda report: report.type != "started")


def _acknowledge(ledger: Ledger, reports: Iterable[Report]) -> None:
    """On the queue of tasks, so that they travel with what this turn sends anyway."""
    received: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        if report.type in DURABLE_REPORTS:
            received[report.worker_id].append(report.report_id)
    for worker_id, ids in received.items():
        order = Acknowledge(report_ids=tuple(ids))
        ledger.post(node_queue(worker_id), CONTROL_TASK, order.model_dump(mode="json"))


def _progress_told(task: attempts.Standing, report: Progress) -> Told:
    of = f" {report.step}/{report.steps}" if report.steps else ""
    return Told(
        "task.progress",
        f"{task.label}: {report.phase}{of}",
        job_id=task.job_id,
        task_id=task.id,
        attempt_id=report.attempt_id,
        worker_id=report.worker_id,
        data={"phase": report.phase, "step": report.step, "steps": report.steps},
    )
