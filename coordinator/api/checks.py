"""Whether a part of the farm answers: one function per part, each ends soon."""

from __future__ import annotations

import redis

from coordinator.leader import LEADER_LEASE
from coordinator.store import leases
from coordinator.store.database import Database
from reelyard.errors import ReelyardError

_SECONDS = 2.0


class Unwell(ReelyardError):
    """A part is not well, in words that anybody may read: no addresses, no names."""


def check_broker(url: str) -> None:
    """Raises Unwell when the broker does not answer."""
    limits = {"socket_connect_timeout": _SECONDS, "socket_timeout": _SECONDS}
    try:
        with redis.Redis.from_url(url, **limits) as broker:
            broker.ping()
    except (redis.RedisError, OSError, ValueError) as wrong:
        raise Unwell(
            f"does not answer ({type(wrong).__name__}): jobs are taken and dispatched later",
            "Check REELYARD_BROKER_URL.",
        ) from None


def check_led(database: Database, now: float) -> None:
    """Raises Unwell when no coordinator leads: then nothing is scheduled."""
    with database.read() as connection:
        if leases.holder_of(connection, LEADER_LEASE, now) is None:
            raise Unwell(
                "no coordinator leads: jobs are taken and wait",
                "Start one with `reelyard-coordinator loop`.",
            )
