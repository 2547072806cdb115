"""The connection to SQLite or PostgreSQL: one code path, and who may write when.

`Database.read()` and `Database.write()` are transactions. On SQLite a write transaction takes the
lock at once (BEGIN IMMEDIATE), so two writers wait for each other instead of failing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import ConnectionPoolEntry

from coordinator.store.server import server_engine
from reelyard.errors import InvalidInput, NotInstalled, Problem, Unreachable

AWAY = (OperationalError, InterfaceError, NoConnectionFree)
"""What is raised when the database does not answer, or not in time."""

_KINDS = ("sqlite", "postgresql")
_BUSY_MILLISECONDS = 10_000


class Database:
    """Where everything is remembered. `by_key`: for whoever looks at rows by key or index only, and
    again and again: the loop."""

    def __init__(self, url: str, by_key: bool = False) -> None:
        with _explained():
            self.url = make_url(url)
            if self.url.get_backend_name() not in _KINDS:
                raise ArgumentError
            self.engine = _file(self.url) if self.is_sqlite else server_engine(self.url, by_key)

    @property
    def is_sqlite(self) -> bool:
        """True for a file, False for a server."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view. It ends with a commit: psycopg throws
        all prepared statements away at a rollback."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: all of it or nothing."""
        connection = self.engine.connect().execution_options(reelyard_writes=True)
        with connection, connection.begin():
            yield connection

    def check(self) -> None:
        """Raises Unreachable with the reason when the database does not answer."""
        try:
            with self.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except DBAPIError as wrong:
            raise Unreachable(
                f"the database does not answer: {wrong.orig}.", "Check REELYARD_DATABASE_URL."
            ) from None

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """An address that is none, in words; it may hold a password, so it is not repeated."""
    try:
        yield
    except ArgumentError:
        remedy = "Write sqlite:////folder/farm.db or postgresql+psycopg://USER:PASSWORD@HOST/NAME."
        problem = Problem("REELYARD_DATABASE_URL", "is no address of a database", remedy=remedy)
        raise InvalidInput([problem]) from None
    except ModuleNotFoundError as missing:
        raise NotInstalled(
            f"this database needs the package {missing.name}.",
            "Add it with: pip install 'reelyard[postgres]'",
        ) from None


def _file(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=10)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: object, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # Each commit is on the disk: a job that was accepted survives a power cut. NORMAL would lose
    # all since the last checkpoint, which on a quiet farm is minutes.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("reelyard_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
