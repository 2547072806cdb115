"""What has changed since the scheduler looked: one row per change, written in the transaction that
made it, so that a scheduler that keeps the farm in memory misses nothing. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import Connection, delete, select

from coordinator.store.bulk import among, insert_rows
from coordinator.store.tables import touched

Kind = Literal["job", "task", "worker", "rules"]


def touch(connection: Connection, kind: Kind, ref: str) -> None:
    """This job, task, worker or revision of the rules is not what it was."""
    touch_all(connection, [(kind, ref)])


def touch_all(connection: Connection, found: Iterable[tuple[Kind, str]]) -> None:
    """The same for several, in one statement."""
    insert_rows(connection, touched, [{"kind": kind, "ref": ref} for kind, ref in found])


def read_touched(connection: Connection) -> tuple[list[int], set[tuple[Kind, str]]]:
    """What was noted and not yet taken: the rows' ids, and what they name."""
    rows = connection.execute(select(touched)).all()
    return [row.id for row in rows], {(row.kind, row.ref) for row in rows}


def take_touched(connection: Connection, ids: Sequence[int]) -> None:
    """These have been looked at."""
    if ids:
        connection.execute(delete(touched).where(among(touched.c.id)), {"ids": ids})
