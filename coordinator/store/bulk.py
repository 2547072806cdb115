"""Many values in one parameter and many rows in one statement, in the way of either database.

A statement that lists its values one by one is another statement for each number of them, and is
planned anew; what is sent row by row is paid for row by row. Decides nothing, knows no states.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Table,
    Text,
    TextClause,
    TypeDecorator,
    bindparam,
    insert,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

Row = Mapping[str, Any]


def among(column: ColumnElement[Any], name: str = "ids") -> ColumnElement[bool]:
    """Whether the column has one of the values that the statement is given as `name`: a list."""
    return _Among(column, bindparam(name, type_=_List(isinstance(column.type, Integer))))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """New rows, the same columns in each; what a row does not say the database must know."""
    if not rows:
        return
    if is_server(connection):
        connection.execute(_inserted(table, tuple(rows[0])), {"rows": as_json(rows)})
    else:
        connection.execute(insert(table), list(rows))


def is_server(connection: Connection) -> bool:
    """True for PostgreSQL, False for SQLite."""
    return connection.dialect.name == "postgresql"


def as_json(rows: Iterable[Row]) -> str:
    """Rows as one text, for `json_populate_recordset`: there a null is no value at all. Raises
    ValueError for what is no JSON: an endless number."""
    return json.dumps([dict(row) for row in rows], allow_nan=False)


@cache
def _inserted(table: Table, columns: tuple[str, ...]) -> TextClause:
    names = ", ".join(f'"{name}"' for name in columns)
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {names} "
        f"FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS JSON))"
    )


class _List(TypeDecorator[Sequence[Any]]):
    """An array for PostgreSQL, JSON for SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, of_numbers: bool) -> None:
        super().__init__()
        self.of_numbers = of_numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.of_numbers else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        found = list(value or ())
        return found if dialect.name == "postgresql" else json.dumps(found)


class _Among(FunctionElement[bool]):
    """Of a column and a list; see `among`."""

    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> _Among:
        """A condition as it stands: `... = 1`, where there is no boolean, would hide the index."""
        return self


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **given)} = ANY({compiler.process(values, **given)})"


@compiles(_Among, "sqlite")
def _each(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    column, values = (compiler.process(part, **given) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"
