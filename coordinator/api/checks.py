"""Whether a part of the farm answers: one function per part, each ends soon."""

from __future__ import annotations

import redis

from coordinator.leader import LEADER_LEASE
from coordinator.store import leases
from coordinator.store.database import Database
from reelyard.errors import Unreachable

_SECONDS = 2.0


def check_broker(url: str) -> None:
    """Raises Unreachable when the broker does not answer. Its address is not repeated."""
    limits = {"socket_connect_timeout": _SECONDS, "socket_timeout": _SECONDS}
    try:
        with redis.Redis.from_url(url, **limits) as broker:
            broker.ping()
    except (redis.RedisError, OSError, ValueError) as wrong:
        raise Unreachable(
            f"the broker does not answer ({type(wrong).__name__}).",
            "Jobs are taken meanwhile and dispatched later. Check REELYARD_BROKER_URL.",
        ) from None


def check_led(database: Database, now: float) -> None:
    """Raises Unreachable when no coordinator leads: then nothing is scheduled."""
    with database.read() as connection:
        if leases.holder_of(connection, LEADER_LEASE, now) is None:
            raise Unreachable(
                "no coordinator leads: jobs are taken and wait.",
                "Start one with `reelyard-coordinator loop`.",
            )
