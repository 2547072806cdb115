"""What has changed since the scheduler looked: one row per change, written in the transaction that
made it, so that a scheduler that keeps the farm in memory misses nothing. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from coordinator.store.tables import touched

_AT_ONCE = 1000
Kind = Literal["job", "task", "worker", "rules"]


def touch(connection: Connection, kind: Kind, ref: str) -> None:
    """This job, task, worker or revision of the rules is not what it was."""
    touch_all(connection, [(kind, ref)])


def touch_all(connection: Connection, found: Iterable[tuple[Kind, str]]) -> None:
    """The same for several, in one statement."""
    rows = [{"kind": kind, "ref": ref} for kind, ref in found]
    if rows:
        connection.execute(insert(touched), rows)


def read_touched(connection: Connection) -> tuple[list[int], set[tuple[Kind, str]]]:
    """What was noted and not yet taken: the rows' ids, and what they name."""
    rows = connection.execute(select(touched)).all()
    return [row.id for row in rows], {(row.kind, row.ref) for row in rows}


def take_touched(connection: Connection, ids: Sequence[int]) -> None:
    """These have been looked at."""
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        connection.execute(delete(touched).where(touched.c.id.in_(part)))
