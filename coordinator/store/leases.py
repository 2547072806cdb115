"""Named leases: held by one until a time, then free for anybody."""

from __future__ import annotations

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from coordinator.store.tables import leases


def take(connection: Connection, name: str, holder: str, now: float, until: float) -> bool:
    """Take or renew the lease. False when somebody else holds it."""
    change = (
        update(leases)
        .where(leases.c.name == name, or_(leases.c.holder == holder, leases.c.until < now))
        .values(holder=holder, until=until, fencing=leases.c.fencing + 1)
    )
    if connection.execute(change).rowcount == 1:
        return True
    try:
        with connection.begin_nested():
            connection.execute(
                insert(leases).values(name=name, holder=holder, until=until, fencing=1)
            )
        return True
    except IntegrityError:
        return False


def holds(connection: Connection, name: str, holder: str, now: float) -> bool:
    """True while it is this holder's; nobody can take it before this transaction ends."""
    query = (
        select(leases.c.name)
        .where(leases.c.name == name, leases.c.holder == holder, leases.c.until >= now)
        .with_for_update()
    )
    return connection.execute(query).one_or_none() is not None


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Let go at once, so that another need not wait."""
    connection.execute(
        update(leases).where(leases.c.name == name, leases.c.holder == holder).values(until=0.0)
    )


def holder_of(connection: Connection, name: str, now: float) -> str | None:
    """Who holds it now."""
    query = select(leases.c.holder).where(leases.c.name == name, leases.c.until >= now)
    return connection.execute(query).scalar_one_or_none()
