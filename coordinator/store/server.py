"""Connections to PostgreSQL: how its plans are made, and whether one that has rested still answers.
Knows nothing of what is stored.
"""

from __future__ import annotations

from math import inf
from typing import Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from reelyard.clock import SystemClock

_ANYHOW: Final = "SET plan_cache_mode = force_custom_plan"
"""A plan that was made while the tables were small reads all of them when they are large; to plan a
prepared statement each time costs less than to run one of those once."""
_BY_KEY: Final = "SET enable_seqscan = off; SET jit = off"
"""Plans that read no whole table where there is an index are good whatever the tables' size, and
are made once: planning was a third of what the server did for the loop."""
_REST_SECONDS: Final = 5.0


def server_engine(url: URL, by_key: bool) -> Engine:
    """`by_key`: for whoever finds rows by key or index only, and again and again. A connection that
    was used so lately is not asked whether it answers; an old one that does not is replaced."""
    engine = create_engine(url, pool_size=10, max_overflow=20)
    clock, plans = SystemClock(), _BY_KEY if by_key else _ANYHOW

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(plans)
        cursor.close()
        connection.commit()

    def note(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["used_at"] = clock.monotonic()

    def look(connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: object) -> None:
        if clock.monotonic() - entry.info.get("used_at", -inf) > _REST_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as gone:
                raise DisconnectionError(str(gone)) from gone

    for name, listener in (("connect", prepare), ("checkin", note), ("checkout", look)):
        event.listen(engine, name, listener)
    return engine
