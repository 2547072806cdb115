"""Many guarded changes of one table in a few statements. Each is `UPDATE ... WHERE id AND state`,
AND attempt; rows that came too late are left alone, and nobody else's change is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, or_, select, update

Values = Mapping[str, Any]
T = TypeVar("T")

AT_ONCE = 500
"""How many values one statement is asked about."""


class Overtaken(Exception):
    """A row that was locked has changed all the same; the transaction must not go on."""


def parts(found: Iterable[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    """In portions that a statement can take."""
    whole = list(found)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def change_many(
    connection: Connection,
    table: Table,
    befores: Sequence[str],
    after: str,
    changes: Mapping[str, Values],
    present: Mapping[str, str] | None = None,
) -> set[str]:
    """Ids whose state was one of `befores` (and whose attempt is the `present` one): they are
    `after` now, with their values. Each must bring values for the same columns."""
    allowed = _allowed(connection, table, befores, sorted(changes), present)
    if not allowed:
        return set()
    guard = [table.c.id == bindparam("of_id"), or_(*(table.c.state == state for state in befores))]
    if present is not None:
        guard.append(table.c.attempt_id == bindparam("of_attempt"))
    rows = [
        {"of_id": id, **({"of_attempt": present[id]} if present else {}), **changes[id]}
        for id in allowed
    ]
    change = update(table).where(*guard).values(state=after)
    if connection.execute(change, rows).rowcount != len(rows):
        raise Overtaken(f"{table.name}: {', '.join(allowed[:3])} ...")
    return set(allowed)


def _allowed(
    connection: Connection,
    table: Table,
    befores: Sequence[str],
    ids: Sequence[str],
    present: Mapping[str, str] | None,
) -> list[str]:
    """Locked until the transaction ends, always in the same order."""
    columns = [table.c.id] if present is None else [table.c.id, table.c.attempt_id]
    found: list[str] = []
    for part in parts(ids):
        query = (
            select(*columns)
            .where(table.c.id.in_(part), table.c.state.in_(befores))
            .order_by(table.c.id)
            .with_for_update()
        )
        rows = connection.execute(query)
        found += [row.id for row in rows if present is None or row.attempt_id == present[row.id]]
    return found
