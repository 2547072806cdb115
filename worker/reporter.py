"""Says things in the worker's name: what lanes tell becomes reports for the outbox."""

from __future__ import annotations

import logging

from reelyard import ids
from reelyard.clock import Clock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import (
    Failed,
    Finished,
    Measured,
    Preempted,
    Progress,
    RunTask,
    Started,
)
from reelyard.task import Checkpoint, Result
from worker.outbox import Outbox

log = logging.getLogger(__name__)


class Reporter:
    """Says things in the worker's name; what lanes tell becomes reports."""

    def __init__(self, worker_id: str, boot_id: str, outbox: Outbox, clock: Clock) -> None:
        self.worker_id, self.boot_id = worker_id, boot_id
        self._outbox, self._clock = outbox, clock

    def head(self) -> dict[str, object]:
        """What every report begins with."""
        return {
            "report_id": ids.new("report", 16),
            "worker_id": self.worker_id,
            "boot_id": self.boot_id,
            "at": self._clock.now(),
        }

    def started(self, order: RunTask) -> None:
        """See Teller."""
        self._outbox.tell(Started.model_validate({**self.head(), "attempt_id": order.attempt_id}))

    def progress(self, order: RunTask, phase: str, step: int, steps: int) -> None:
        """See Teller."""
        where = {"attempt_id": order.attempt_id, "phase": phase, "step": step, "steps": steps}
        self._outbox.tell(Progress.model_validate({**self.head(), **where}))

    def finished(self, order: RunTask, result: Result, measured: Measured) -> None:
        """See Teller."""
        told = {"attempt_id": order.attempt_id, "result": result, "measured": measured}
        self._outbox.tell(Finished.model_validate({**self.head(), **told}))

    def failed(self, order: RunTask, failure: Failure, measured: Measured) -> None:
        """See Teller."""
        told = {"attempt_id": order.attempt_id, "failure": failure, "measured": measured}
        self._outbox.tell(Failed.model_validate({**self.head(), **told}))

    def preempted(self, order: RunTask, checkpoint: Checkpoint | None, measured: Measured) -> None:
        """See Teller."""
        told = {"attempt_id": order.attempt_id, "checkpoint": checkpoint, "measured": measured}
        self._outbox.tell(Preempted.model_validate({**self.head(), **told}))

    def refuse(self, attempt_id: str, sentence: str) -> None:
        """An attempt that no lane can take."""
        log.error("attempt %s: %s", attempt_id, sentence)
        failure = Failure(kind=FailureKind.UNKNOWN, sentence=sentence)
        told = {"attempt_id": attempt_id, "failure": failure}
        self._outbox.tell(Failed.model_validate({**self.head(), **told}))
