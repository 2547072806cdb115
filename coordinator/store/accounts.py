"""How far each owner is beyond its fair part, so that a coordinator that starts anew remembers.

What that means is in `coordinator.core.yard.accounts`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from coordinator.store.tables import accounts


def read_ahead(connection: Connection) -> Mapping[str, float]:
    """Priced seconds by owner; below 0: behind."""
    return {row.owner: row.used for row in connection.execute(select(accounts))}


def keep_ahead(connection: Connection, ahead: Mapping[str, float], now: float) -> None:
    """All owners anew."""
    connection.execute(delete(accounts))
    rows = [{"owner": owner, "used": used, "at": now} for owner, used in sorted(ahead.items())]
    if rows:
        connection.execute(insert(accounts), rows)
