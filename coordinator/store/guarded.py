"""Many guarded changes of one table in a few statements. Each is `UPDATE ... WHERE id AND state`,
AND attempt; rows that came too late are left alone, and nobody else's change is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    RowMapping,
    Table,
    TextClause,
    bindparam,
    or_,
    select,
    text,
    update,
)

from coordinator.store.bulk import among, as_json, is_server

Values = Mapping[str, Any]
States = Sequence[str]


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
    given = {f"new_{name}": value for name, value in values.items()} | {"ids": sorted(set(ids))}
    if present is not None:
        given["attempts"] = list(present)
    return list(connection.execute(change, given).mappings()) if given["ids"] else []


def change_many(
    connection: Connection, table: Table, befores: States, after: str, changes: Mapping[str, Values]
) -> set[str]:
    """Ids whose state was one of `befores`: they are `after` now, each with its own values, which
    must be for the same columns. They are locked first, always in the same order."""
    if not changes:
        return set()
    move = _Move(table, tuple(befores), after, tuple(next(iter(changes.values()))))
    change = _in_one if is_server(connection) else _one_by_one
    return change(connection, move, changes)


@dataclass(frozen=True, slots=True)
class _Move:
    """From one of these states to that one, with new values in these columns."""

    table: Table
    befores: tuple[str, ...]
    after: str
    columns: tuple[str, ...]


def _in_one(connection: Connection, move: _Move, changes: Mapping[str, Values]) -> set[str]:
    rows = as_json({"id": id, **values} for id, values in changes.items())
    given = {"rows": rows, "ids": list(changes), "befores": list(move.befores), "after": move.after}
    return set(connection.execute(_locked_and_changed(move), given).scalars())


def _one_by_one(connection: Connection, move: _Move, changes: Mapping[str, Values]) -> set[str]:
    """What is allowed cannot change meanwhile: a writer of SQLite is alone."""
    found = connection.execute(_allowed(move), {"ids": sorted(changes)})
    rows = [
        {"of_id": id, **{f"new_{name}": value for name, value in changes[id].items()}}
        for id in found.scalars()
    ]
    if rows:
        connection.execute(_each(move), rows)
    return {str(row["of_id"]) for row in rows}


@cache
def _alike(
    table: Table,
    befores: tuple[str, ...],
    after: str,
    columns: tuple[str, ...],
    told: tuple[str, ...],
    of_attempts: bool,
) -> Executable:
    change = update(table).where(among(table.c.id), _in_one_of(table, befores))
    if of_attempts:
        change = change.where(among(table.c.attempt_id, "attempts"))
    return change.values(state=after, **_new(columns)).returning(*(table.c[name] for name in told))


@cache
def _allowed(move: _Move) -> Executable:
    own = move.table.c
    is_allowed = _in_one_of(move.table, move.befores)
    return select(own.id).where(among(own.id), is_allowed).order_by(own.id)


@cache
def _each(move: _Move) -> Executable:
    change = update(move.table).where(
        move.table.c.id == bindparam("of_id"), _in_one_of(move.table, move.befores)
    )
    return change.values(state=move.after, **_new(move.columns))


@cache
def _locked_and_changed(move: _Move) -> TextClause:
    """Rows are locked in the order of their ids, whatever the planner thinks of: so two writers
    never wait for each other in a circle."""
    name, new = move.table.name, "".join(f', "{one}" = new."{one}"' for one in move.columns)
    return text(
        f"WITH mine AS (SELECT id FROM {name} WHERE id = ANY(CAST(:ids AS TEXT[])) "
        "AND state = ANY(CAST(:befores AS TEXT[])) ORDER BY id FOR UPDATE) "
        f"UPDATE {name} SET state = :after{new} "
        f"FROM mine JOIN json_populate_recordset(NULL::{name}, CAST(:rows AS JSON)) AS new "
        f"USING (id) WHERE {name}.id = mine.id RETURNING {name}.id"
    )


def _in_one_of(table: Table, states: tuple[str, ...]) -> Any:
    return or_(*(table.c.state == state for state in states))


def _new(columns: tuple[str, ...]) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(f"new_{name}") for name in columns}
