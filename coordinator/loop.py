"""The loop: take reports, recover, schedule, apply, dispatch. One thread owns all of it.

It decides nothing itself: decisions come from `coordinator.core`.
"""

from __future__ import annotations

import logging
import queue
import threading

from sqlalchemy.exc import DBAPIError

from coordinator.apply import apply_decisions, follow, lose
from coordinator.core.recover import Lose, Patience, after_loss, recover, silent
from coordinator.core.schedule import schedule
from coordinator.dispatch import Dispatcher
from coordinator.leader import Leader
from coordinator.reports import ReportTaker
from coordinator.store import attempts, farm, mail, roster
from coordinator.store.database import Database
from coordinator.store.ledger import Ledger
from reelyard.catalog import Catalog
from reelyard.clock import Clock

log = logging.getLogger(__name__)
_BATCH = 200
_AWAY_SECONDS = 1.0


class Loop:
    """Runs in its own thread; `ring` and `hand_in` may be called from any."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        taker: ReportTaker,
        leader: Leader,
        catalog: Catalog,
        patience: Patience,
        clock: Clock,
        tick_seconds: float,
    ) -> None:
        self._database, self._dispatcher, self._taker = database, dispatcher, taker
        self._leader, self._catalog, self._patience = leader, catalog, patience
        self._clock, self._tick_seconds = clock, tick_seconds
        self._inbox: queue.SimpleQueue[object | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    def hand_in(self, payload: object) -> None:
        """A worker's report, as it came."""
        self._inbox.put(payload)

    def ring(self) -> None:
        """There is something new in the database."""
        self._inbox.put(None)

    def start(self) -> None:
        """Begin to run."""
        self._thread.start()

    def stop(self, seconds: float = 3.0) -> None:
        """End after the present turn."""
        self._stopping.set()
        self.ring()
        self._thread.join(seconds)

    def turn(self, payloads: list[object]) -> None:
        """One turn: reports in, decisions out, messages sent."""
        if payloads:
            self._take(payloads)
        if self._leader.leads():
            self._tick()
        self._dispatcher.send()

    def _run(self) -> None:
        left: list[object] = []
        while not self._stopping.is_set():
            left += self._gather() if not left else []
            try:
                self.turn(left)
                left = []
            except DBAPIError as away:
                log.error("the database does not answer, trying again: %s", away.orig)
                self._clock.sleep(_AWAY_SECONDS)
            except Exception:
                log.exception("a turn of the loop failed; its %d reports are dropped", len(left))
                left = []
                self._clock.sleep(_AWAY_SECONDS)
        self._resign()

    def _gather(self) -> list[object]:
        """Whatever has come; waits up to a tick for the first."""
        found: list[object] = []
        try:
            first = self._inbox.get(timeout=self._tick_seconds)
            found += [] if first is None else [first]
            while len(found) < _BATCH:
                item = self._inbox.get_nowait()
                found += [] if item is None else [item]
        except queue.Empty:
            pass
        return found

    def _take(self, payloads: list[object]) -> None:
        with self._database.write() as connection:
            ledger = Ledger(connection, self._clock.now())
            for wrong in self._taker.take(ledger, payloads):
                log.error("a report could not be read: %s", wrong)

    def _tick(self) -> None:
        with self._database.write() as connection:
            ledger = Ledger(connection, self._clock.now())
            # 1. What was lost?
            self._recover(ledger)
            # 2. What should run where, and why does the rest wait?
            decisions = schedule(farm.read_snapshot(connection, ledger.now, self._catalog))
            # 3. Make it so.
            apply_decisions(ledger, decisions, self._taker.lease_seconds)

    def _recover(self, ledger: Ledger) -> None:
        connection, now = ledger.connection, ledger.now
        for worker in silent(farm.read_workers(connection).values(), now, self._patience):
            if roster.sign_off(connection, worker.id):
                quiet = f"Worker {worker.id} fell silent {now - worker.last_seen:.0f} s ago."
                ledger.tell("worker.offline", quiet, worker_id=worker.id)
        found = recover(
            farm.read_open_attempts(connection),
            farm.read_workers(connection),
            now,
            self._patience,
        )
        for item in found:
            if isinstance(item, Lose):
                self._lose(ledger, item)
            else:
                mail.send_again(connection, item.attempt.id, now)

    def _lose(self, ledger: Ledger, lost: Lose) -> None:
        if lose(ledger, lost):
            row = attempts.read_attempt(ledger.connection, lost.attempt.id)
            assert row is not None
            step = after_loss(lost.because, row["number"], ledger.now, self._patience)
            follow(ledger, lost.attempt.task_id, lost.attempt.id, step)

    def _resign(self) -> None:
        try:
            self._leader.resign()
        except DBAPIError as away:
            log.warning("the lease was not given back: %s", away.orig)
