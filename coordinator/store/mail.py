"""The outbox: messages that a committed transaction wants sent; see `coordinator.dispatch`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, select, update

from coordinator.store.bulk import among
from coordinator.store.tables import attempts, outbox

KEPT_SECONDS = 300.0
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for one queue. `size` is about its bytes as JSON."""

    id: int
    queue: str
    task: str
    payload: dict[str, Any]
    size: int


def unsent(connection: Connection, limit: int = AT_ONCE) -> list[Letter]:
    """What still has to be sent, oldest first."""
    size = func.length(cast(outbox.c.payload, Text))
    query = (
        select(outbox.c.id, outbox.c.queue, outbox.c.task, outbox.c.payload, size)
        .where(outbox.c.sent_at.is_(None))
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [Letter(*row) for row in connection.execute(query)]


def mark_sent(connection: Connection, letters: Sequence[Letter], now: float) -> None:
    """They are on their queues."""
    change = update(outbox).where(among(outbox.c.id)).values(sent_at=now)
    connection.execute(change, {"ids": [letter.id for letter in letters]})


def send_again(connection: Connection, attempt_id: str, now: float) -> None:
    """The attempt's task message goes out once more."""
    connection.execute(update(outbox).where(outbox.c.attempt_id == attempt_id).values(sent_at=None))
    connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(sent_at=now))


def forget_old(connection: Connection, now: float) -> None:
    """Sent messages are kept only while their attempt may need them again."""
    open_ones = select(attempts.c.id).where(attempts.c.state == "sent")
    connection.execute(
        delete(outbox).where(
            outbox.c.sent_at < now - KEPT_SECONDS,
            outbox.c.attempt_id.is_(None) | outbox.c.attempt_id.not_in(open_ones),
        )
    )
