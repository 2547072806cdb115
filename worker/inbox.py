"""Orders from the coordinator: read, passed on to the supervisor, done. Returns at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pydantic import ValidationError

from reelyard.failure import Failure, FailureKind
from reelyard.messages import Acknowledge, CancelAttempt, Introduce, RunTask, read_order
from worker.outbox import Outbox
from worker.supervise import Supervisor

log = logging.getLogger(__name__)


class Inbox:
    """What comes over Celery lands here, from several threads."""

    def __init__(
        self,
        supervisor: Supervisor,
        outbox: Outbox,
        introduce: Callable[[], None],
        boot_id: str,
    ) -> None:
        self._supervisor, self._outbox = supervisor, outbox
        self._introduce, self._boot_id = introduce, boot_id

    def receive(self, payload: object) -> None:
        """One order. What cannot be read is logged and dropped: the coordinator sends again."""
        try:
            order = read_order(payload)
        except ValidationError as wrong:
            log.error("an order could not be read: %s", wrong)
            return
        match order:
            case RunTask():
                self._take(order)
            case CancelAttempt():
                self._cancel(order)
            case Acknowledge():
                self._outbox.forget(order.report_ids)
            case Introduce():
                self._introduce()

    def _take(self, order: RunTask) -> None:
        if order.boot_id and order.boot_id != self._boot_id:
            log.warning("attempt %s was meant for an earlier boot", order.attempt_id)
            return
        try:
            self._supervisor.take(order)
        except KeyError:
            log.error("attempt %s: no device %s here", order.attempt_id, order.device_id)

    def _cancel(self, order: CancelAttempt) -> None:
        reason = Failure(kind=FailureKind.CANCELLED, sentence=f"It was stopped: {order.because}.")
        self._supervisor.cancel(order.attempt_id, order.grace_seconds, reason)
