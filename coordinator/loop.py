"""The loop: take reports, recover, schedule, apply, dispatch. One thread owns all of it.

It decides nothing itself: decisions come from `coordinator.core`.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence, Set

from coordinator.apply import apply_decisions, give_up, is_news
from coordinator.core.decisions import Assign, Decision
from coordinator.core.recover import Patience
from coordinator.dispatch import Dispatcher
from coordinator.leader import Leader
from coordinator.reports import ReportTaker
from coordinator.scheduler import Found, Scheduler
from coordinator.store.accounts import keep_ahead
from coordinator.store.database import AWAY, Database
from coordinator.store.ledger import Ledger
from coordinator.store.touched import take_touched
from coordinator.watch import Watch
from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.wire import unbundle

log = logging.getLogger(__name__)
_BATCH = 200
_AWAY_SECONDS = 1.0
_KEEP_EVERY_SECONDS = 10.0
_CHANGE_NOTHING = frozenset({"started", "progress", "heartbeat"})
"""Reports after which nothing can run that could not run before: the next tick is soon enough."""


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
        ahead_seconds: float = 0.0,
    ) -> None:
        self._database, self._dispatcher, self._taker = database, dispatcher, taker
        self._leader, self._watch = leader, Watch(patience, clock, tick_seconds)
        self._clock, self._tick_seconds = clock, tick_seconds
        self._scheduler = Scheduler(database, catalog, clock, ahead_seconds)
        self._ticked_at = self._kept_at = 0.0
        self._inbox: queue.SimpleQueue[object | None] = queue.SimpleQueue()
        self._leads, self._kept = False, dict[str, float]()
        self._rung, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    def hand_in(self, argument: object) -> None:
        """A worker's report as it came, or several."""
        for payload in unbundle(argument):
            self._inbox.put({} if payload is None else payload)

    def ring(self) -> None:
        """There is something new in the database."""
        self._rung.set()
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
        """One turn: reports in, decisions out, messages sent. Empties the list once the reports are
        in the database, whatever becomes of the rest."""
        kinds = {str(one.get("type")) for one in payloads if isinstance(one, dict)}
        self._watch.listen(kinds)
        is_due = self._is_due(kinds)
        if payloads:
            self._take(payloads)
            payloads.clear()
        try:
            if is_due:
                self._lead()
        finally:  # acknowledgements and cancels do not wait for a scheduler that stumbles
            self._dispatcher.send()
        if self._inbox.empty():
            self._dispatcher.settle()
        self._watch.heard()

    def _lead(self) -> None:
        """A tick, where this coordinator leads. One that does not knows nothing for certain."""
        was, self._leads = self._leads, self._leader.leads()
        if not (was and self._leads):
            self._scheduler.forget()
        if self._leads:
            self._tick()

    def _is_due(self, kinds: Set[object]) -> bool:
        """Whether to look for what could run: not after each step that some task has made."""
        if not kinds or self._rung.is_set():
            return True
        waited = abs(self._clock.now() - self._ticked_at)
        return waited >= self._tick_seconds or not kinds <= _CHANGE_NOTHING

    def _run(self) -> None:
        reports: list[object] = []
        while not self._stopping.is_set():
            reports = reports or self._gather()
            try:
                self.turn(reports)
            except AWAY as away:
                log.error("the database does not answer, trying again: %s", _cause(away))
                self._scheduler.forget()
                self._clock.sleep(_AWAY_SECONDS)
            except Exception:
                log.exception("a turn of the loop failed, %d reports are lost", len(reports))
                self._scheduler.forget()
                reports = []
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
        """All at once; where one of them stumbles, once more and with care."""
        try:
            self._take_in(payloads, with_care=False)
        except AWAY:
            raise
        except Exception as wrong:
            log.warning("a report stumbled: %r", wrong)
            self._take_in(payloads, with_care=True)

    def _take_in(self, payloads: list[object], with_care: bool) -> None:
        with self._database.write() as connection:
            self._dispatcher.note(connection)
            ledger = Ledger(connection, self._clock.now())
            for problem in self._taker.take(ledger, payloads, with_care):
                log.error("%s", problem)
            if not self._leads:
                ledger.flush_touched()
        self._scheduler.note(ledger.touched)

    def _tick(self) -> None:
        self._rung.clear()
        self._ticked_at = self._clock.now()
        # 1. What was lost?
        if self._watch.sees_something(self._database):
            self._write(self._watch.recover)
        # 2. What should run where, and why does the rest wait? Thought over without a lock.
        found = self._scheduler.look()
        decisions = [decision for decision in found.decisions if is_news(decision)]
        # 3. Make it so.
        if decisions or found.unreadable or found.notes:
            self._write(lambda ledger: self._apply(ledger, decisions, found))
        self._keep_accounts()

    def _write(self, change: Callable[[Ledger], None]) -> None:
        """In one transaction, which only the leader may complete."""
        with self._database.write() as connection:
            if not self._leader.confirms(connection):
                self._scheduler.forget()
                return
            self._dispatcher.note(connection)
            ledger = Ledger(connection, self._clock.now())
            change(ledger)
        self._scheduler.note(ledger.touched)

    def _keep_accounts(self) -> None:
        """Now and then: a coordinator that starts anew goes on from there."""
        now = self._clock.now()
        if abs(now - self._kept_at) < _KEEP_EVERY_SECONDS:
            return
        self._kept_at, ahead = now, dict(self._scheduler.ahead())
        if ahead != self._kept:
            self._kept = ahead
            self._write(lambda ledger: keep_ahead(ledger.connection, ahead, now))

    def _apply(self, ledger: Ledger, decisions: Sequence[Decision], found: Found) -> None:
        take_touched(ledger.connection, found.notes)
        for task_id, why in found.unreadable:
            log.error("%s cannot be read: %s", task_id, why)
            give_up(ledger, task_id, None, "its work makes no sense to this version of Reelyard")
        apply_decisions(ledger, decisions, self._taker.lease_seconds)
        self._scheduler.note(("task", d.task.id) for d in decisions if isinstance(d, Assign))

    def _resign(self) -> None:
        try:
            self._dispatcher.settle()
            self._leader.resign()
        except AWAY as away:
            log.warning("the lease was not given back: %s", _cause(away))


def _cause(away: Exception) -> object:
    return getattr(away, "orig", None) or away
