"""Watches over workers and tries: who has fallen silent, which tries were lost or never heard of.

What follows is decided by `coordinator.core.recover`; here it is looked up and written down.
"""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import Connection

from coordinator.apply import follow, lose
from coordinator.core.recover import (
    KnownWorker,
    Lose,
    Patience,
    Resend,
    after_loss,
    recover,
    silent,
)
from coordinator.store import attempts, heard, mail, roster
from coordinator.store.database import Database
from coordinator.store.ledger import Ledger
from reelyard.clock import Clock

_OF_TRIES = frozenset({"started", "progress", "finished", "failed", "preempted"})
"""Reports that say nothing of whether their worker is another one now."""
_PAUSE_SECONDS = 5.0


class Watch:
    """Looks every now and then, and when workers speak of themselves."""

    def __init__(self, patience: Patience, clock: Clock, every_seconds: float) -> None:
        self._patience, self._clock, self._every_seconds = patience, clock, every_seconds
        self._is_wanted, self._looked_at = True, 0.0
        self._listened_at = self._listening_since = 0.0

    def listen(self, kinds: Set[object]) -> None:
        """Reports of these kinds have come, or none. After a start, a sleep of the machine, a jump
        of the clock or a database that was away nobody is blamed for silence that was ours."""
        now = self._clock.now()
        if not 0 <= now - self._listened_at <= _PAUSE_SECONDS:
            self._listening_since, self._is_wanted = now, True
        self._is_wanted = self._is_wanted or not kinds <= _OF_TRIES

    def heard(self) -> None:
        """What had come has been dealt with."""
        self._listened_at = self._clock.now()

    def sees_something(self, database: Database) -> bool:
        """Whether `recover` has something to do; when it is not yet time to look, no."""
        now = self._clock.now()
        if not self._is_wanted and abs(now - self._looked_at) < self._every_seconds:
            return False
        self._is_wanted, self._looked_at = False, now
        with database.read() as connection:
            return bool(self._silent(connection) or self._unheard(connection))

    def recover(self, ledger: Ledger) -> None:
        """Silent workers are signed off, lost tries given up, unheard ones sent again."""
        for worker in self._silent(ledger.connection):
            self._sign_off(ledger, worker)
        for item in self._unheard(ledger.connection):
            if isinstance(item, Lose):
                self._lose(ledger, item)
            else:
                mail.send_again(ledger.connection, item.attempt.id, ledger.now)

    def _silent(self, connection: Connection) -> list[KnownWorker]:
        workers = heard.read_workers(connection).values()
        return silent(workers, self._clock.now(), self._patience, self._listening_since)

    def _unheard(self, connection: Connection) -> list[Lose | Resend]:
        return recover(
            heard.read_open_attempts(connection),
            heard.read_workers(connection),
            self._clock.now(),
            self._patience,
            self._listening_since,
        )

    def _sign_off(self, ledger: Ledger, worker: KnownWorker) -> None:
        if roster.sign_off(ledger.connection, worker.id):
            quiet = f"Worker {worker.id} fell silent {ledger.now - worker.last_seen:.0f} s ago."
            ledger.tell("worker.offline", quiet, worker_id=worker.id)
            ledger.touch("worker", [worker.id])

    def _lose(self, ledger: Ledger, lost: Lose) -> None:
        if lose(ledger, lost):
            row = attempts.read_attempt(ledger.connection, lost.attempt.id)
            assert row is not None
            step = after_loss(lost.because, attempts.tries(row), ledger.now, self._patience)
            follow(ledger, lost.attempt.task_id, lost.attempt.id, step)
