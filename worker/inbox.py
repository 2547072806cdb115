"""Orders from the coordinator: taken at once, then read and passed on to the supervisor, in their
order, by a thread of their own. Whoever brings them never waits for a lane.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from pydantic import ValidationError

from reelyard import __version__
from reelyard.failure import Failure, FailureKind
from reelyard.messages import (
    Acknowledge,
    CancelAttempt,
    Fetch,
    Introduce,
    Preempt,
    Preload,
    RunTask,
    Unload,
    read_order,
)
from reelyard.wire import unbundle
from worker.outbox import Outbox
from worker.supervise import Supervisor

log = logging.getLogger(__name__)


class Inbox:
    """What comes over Celery lands here."""

    def __init__(
        self,
        supervisor: Supervisor,
        outbox: Outbox,
        introduce: Callable[[], None],
        refuse: Callable[[str, str], None],
        boot_id: str,
    ) -> None:
        self._supervisor, self._outbox = supervisor, outbox
        self._introduce, self._refuse, self._boot_id = introduce, refuse, boot_id
        self._arrived: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin to read; what has come before waits until then."""
        self._thread.start()

    def receive(self, argument: object) -> None:
        """An order or several, as they came."""
        self._arrived.put(argument)

    def _run(self) -> None:
        while True:
            for payload in unbundle(self._arrived.get()):
                try:
                    self._read(payload)
                except Exception:
                    log.exception("an order was lost")

    def _read(self, payload: object) -> None:
        """A task that cannot be read is given back, any other nonsense is dropped."""
        try:
            order = read_order(payload)
        except ValidationError as wrong:
            log.error("an order could not be read: %s", wrong)
            self._refuse_unread(payload)
            return
        match order:
            case RunTask():
                self._take(order)
            case CancelAttempt():
                self._cancel(order)
            case Preempt():
                log.info("attempt %s makes room: %s", order.attempt_id, order.because)
                self._supervisor.preempt(order.attempt_id, order.grace_seconds)
            case Preload():
                self._supervisor.preload(order)
            case Unload():
                self._supervisor.unload(order)
            case Fetch():
                self._supervisor.fetch(order.model)
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
            self._refuse(order.attempt_id, f"This worker has no device {order.device_id}.")

    def _refuse_unread(self, payload: object) -> None:
        """The coordinator may be newer than this worker: it has to hear so."""
        attempt_id = payload.get("attempt_id") if isinstance(payload, dict) else None
        if isinstance(payload, dict) and payload.get("type") == "run_task" and attempt_id:
            said = f"This worker (Reelyard {__version__}) cannot read the task. Update it."
            self._refuse(str(attempt_id), said)

    def _cancel(self, order: CancelAttempt) -> None:
        reason = Failure(kind=FailureKind.CANCELLED, sentence=f"It was stopped: {order.because}.")
        self._supervisor.cancel(order.attempt_id, order.grace_seconds, reason)
