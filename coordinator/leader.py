"""Which of several coordinators ticks: the one that holds a lease in the database."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from coordinator.store import leases
from coordinator.store.database import Database
from reelyard.clock import Clock

LEADER_LEASE: Final = "leader"
LEASE_SECONDS: Final = 10.0
_RENEW_SECONDS: Final = 3.0


class Leader:
    """One coordinator's claim to lead."""

    def __init__(self, database: Database, clock: Clock, name: str) -> None:
        self._database, self._clock, self._name = database, clock, name
        self._until = 0.0

    def leads(self) -> bool:
        """True while the lease is ours; takes or renews it when it is time."""
        now = self._clock.now()
        if self._until - now > LEASE_SECONDS - _RENEW_SECONDS:
            return True
        with self._database.write() as connection:
            until = now + LEASE_SECONDS
            mine = leases.take(connection, LEADER_LEASE, self._name, now, until)
        self._until = until if mine else 0.0
        return mine

    def confirms(self, connection: Connection) -> bool:
        """True while the lease is ours, in the transaction that is about to rely on it: until it
        ends nobody else can take the lease."""
        return leases.holds(connection, LEADER_LEASE, self._name, self._clock.now())

    def resign(self) -> None:
        """Another may lead at once."""
        self._until = 0.0
        with self._database.write() as connection:
            leases.give_back(connection, LEADER_LEASE, self._name)
