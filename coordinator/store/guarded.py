"""Many guarded changes of one table in a few statements. Each is `UPDATE ... WHERE id AND state`,
AND attempt; rows that came too late are left alone, and nobody else's change is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    RowMapping,
    Table,
    bindparam,
    or_,
    select,
    update,
)

Values = Mapping[str, Any]
States = Sequence[str]
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


def these(name: str) -> BindParameter[Any]:
    """Several values that a statement is given when it is executed."""
    return bindparam(name, expanding=True)


def change_alike(
    connection: Connection,
    table: Table,
    befores: States,
    after: str,
    ids: Iterable[str],
    values: Values,
    told: Sequence[str],
    present: Iterable[str] | None = None,
) -> list[RowMapping]:
    """The `told` columns of those rows whose state was one of `befores`: they are `after` now, all
    with the same values. `present`: attempts, one of which each must have at present."""
    change = _alike(table, tuple(befores), after, tuple(values), tuple(told), present is not None)
    given = {f"new_{name}": value for name, value in values.items()}
    if present is not None:
        given["attempts"] = list(present)
    found: list[RowMapping] = []
    for part in parts(sorted(set(ids))):
        found += connection.execute(change, {**given, "ids": part}).mappings()
    return found


def change_many(
    connection: Connection, table: Table, befores: States, after: str, changes: Mapping[str, Values]
) -> set[str]:
    """Ids whose state was one of `befores`: they are `after` now, each with its own values, which
    must be for the same columns. They are locked first, always in the same order."""
    allowed: list[str] = []
    for part in parts(sorted(changes)):
        found = connection.execute(_allowed(table, tuple(befores)), {"ids": part})
        allowed += found.scalars()
    if not allowed:
        return set()
    change = _each(table, tuple(befores), after, tuple(changes[allowed[0]]))
    rows = [
        {"of_id": id, **{f"new_{name}": value for name, value in changes[id].items()}}
        for id in allowed
    ]
    if connection.execute(change, rows).rowcount != len(rows):
        raise Overtaken(f"{table.name}: {', '.join(allowed[:3])} ...")
    return set(allowed)


@cache
def _alike(
    table: Table,
    befores: tuple[str, ...],
    after: str,
    columns: tuple[str, ...],
    told: tuple[str, ...],
    of_attempts: bool,
) -> Executable:
    change = update(table).where(table.c.id.in_(these("ids")), _in_one_of(table, befores))
    if of_attempts:
        change = change.where(table.c.attempt_id.in_(these("attempts")))
    return change.values(state=after, **_new(columns)).returning(*(table.c[name] for name in told))


@cache
def _allowed(table: Table, befores: tuple[str, ...]) -> Executable:
    return (
        select(table.c.id)
        .where(table.c.id.in_(these("ids")), _in_one_of(table, befores))
        .order_by(table.c.id)
        .with_for_update()
    )


@cache
def _each(
    table: Table, befores: tuple[str, ...], after: str, columns: tuple[str, ...]
) -> Executable:
    one = (table.c.id == bindparam("of_id"), _in_one_of(table, befores))
    return update(table).where(*one).values(state=after, **_new(columns))


def _in_one_of(table: Table, states: tuple[str, ...]) -> Any:
    return or_(*(table.c.state == state for state in states))


def _new(columns: tuple[str, ...]) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(f"new_{name}") for name in columns}
