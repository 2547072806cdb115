"""What has changed since the scheduler looked: one row per change, written in the transaction that
made it, so that a scheduler that keeps the farm in memory misses nothing. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import Connection, insert

from coordinator.store.tables import touched

Kind = Literal["job", "task", "worker", "rules"]


def touch(connection: Connection, kind: Kind, ref: str) -> None:
    """This job, task, worker or revision of the rules is not what it was."""
    touch_all(connection, [(kind, ref)])


def touch_all(connection: Connection, found: Iterable[tuple[Kind, str]]) -> None:
    """The same for several, in one statement."""
    rows = [{"kind": kind, "ref": ref} for kind, ref in found]
    if rows:
        connection.execute(insert(touched), rows)
