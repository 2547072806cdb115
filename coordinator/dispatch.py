"""Sends what committed transactions have put into the outbox, over Celery. The broker may be away:
then the letters stay where they are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import Connection

from coordinator.store import mail
from coordinator.store.database import Database
from reelyard.clock import Clock
from reelyard.wire import (
    MOST_BYTES_IN_A_MESSAGE,
    MOST_IN_A_MESSAGE,
    REPORTS_QUEUE,
    WAKE_TASK,
    bundle,
    celery_settings,
)

log = logging.getLogger(__name__)
_FORGET_EVERY_SECONDS = 60.0


class Carrier(Protocol):
    """Whoever brings messages to a queue."""

    def carry(self, task: str, queue: str, payloads: Sequence[dict[str, object]]) -> None:
        """All of them or none. Raises ConnectionError when it cannot be done now."""
        ...


class CeleryCarrier:
    """Over Celery, several at a time; see `reelyard.wire.bundle`."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def carry(self, task: str, queue: str, payloads: Sequence[dict[str, object]]) -> None:
        """See `Carrier.carry`."""
        try:
            self._app.send_task(task, args=[bundle(payloads)], queue=queue)
        except (OperationalError, OSError) as away:
            raise ConnectionError(str(away)) from away

    def wake(self) -> None:
        """Ring the loop; when the broker is away, it finds the work at its next tick."""
        try:
            self.carry(WAKE_TASK, REPORTS_QUEUE, [{}])
        except ConnectionError as away:
            log.warning("the broker is away, the loop was not rung: %s", away)


def make_celery(broker_url: str) -> Celery:
    """An app with the farm's settings."""
    app = Celery("reelyard.coordinator", set_as_current=False)
    app.conf.update(celery_settings(broker_url))
    return app


class Dispatcher:
    """Empties the outbox. What has been sent is noted with what is written next, or by `settle`
    where nothing is to be: were it not, it would be sent twice, which who gets it has to bear."""

    def __init__(self, database: Database, carrier: Carrier, clock: Clock) -> None:
        self._database, self._carrier, self._clock = database, carrier, clock
        self._sent: list[mail.Letter] = []
        self._forgot_at = 0.0

    def send(self) -> int:
        """How many letters were sent: all that wait, unless the broker is away."""
        count = 0
        while True:
            self.settle()
            with self._database.read() as connection:
                letters = mail.unsent(connection)
            self._sent = self._carry(letters)
            count += len(self._sent)
            if len(self._sent) < mail.AT_ONCE:
                return count

    def note(self, connection: Connection) -> None:
        """Write down, in this transaction, what has been sent since the last time."""
        if self._sent:
            mail.mark_sent(connection, self._sent, self._clock.now())
        self._sent = []

    def _carry(self, letters: Sequence[mail.Letter]) -> list[mail.Letter]:
        sent: list[mail.Letter] = []
        for bag in bags(letters):
            payloads = [letter.payload for letter in bag]
            try:
                self._carrier.carry(bag[0].task, bag[0].queue, payloads)
            except ConnectionError as away:
                log.warning("the broker is away, %d letters wait: %s", len(letters), away)
                break
            sent += bag
        return sent

    def settle(self) -> None:
        """Write that down now; and, now and then, forget what is old."""
        now = self._clock.now()
        tidy = now - self._forgot_at > _FORGET_EVERY_SECONDS
        if not self._sent and not tidy:
            return
        with self._database.write() as connection:
            self.note(connection)
            if tidy:
                mail.forget_old(connection, now)
                self._forgot_at = now


def bags(letters: Sequence[mail.Letter]) -> list[list[mail.Letter]]:
    """What goes together: letters for one queue, in their order, as many as a message holds. A
    letter that is larger than that goes alone. A worker reads every order in the same way, so the
    name of the first one's Celery task will do for all."""
    open_bags: dict[str, list[mail.Letter]] = {}
    made: list[list[mail.Letter]] = []
    for letter in letters:
        bag = open_bags.get(letter.queue)
        if bag is None or not _has_room(bag, letter):
            bag = open_bags[letter.queue] = []
            made.append(bag)
        bag.append(letter)
    return made


def _has_room(bag: Sequence[mail.Letter], letter: mail.Letter) -> bool:
    size = sum(other.size for other in bag) + letter.size
    return len(bag) < MOST_IN_A_MESSAGE and size <= MOST_BYTES_IN_A_MESSAGE
