"""What was last heard of workers and tries, for `coordinator.core.recover`. Reads only."""

from __future__ import annotations

from sqlalchemy import Connection, select

from coordinator.core.recover import KnownWorker, OpenAttempt
from coordinator.store.farm import OPEN_ATTEMPT
from coordinator.store.tables import attempts, workers
from reelyard.states import AttemptState, WorkerState


def read_open_attempts(connection: Connection) -> list[OpenAttempt]:
    """Tries that were sent and have not ended."""
    query = select(attempts).where(attempts.c.state.in_(OPEN_ATTEMPT)).order_by(attempts.c.id)
    return [
        OpenAttempt(
            id=row["id"],
            task_id=row["task_id"],
            state=AttemptState(row["state"]),
            worker_id=row["worker_id"],
            boot_id=row["boot_id"],
            sent_at=row["sent_at"],
            lease_until=row["lease_until"],
        )
        for row in connection.execute(query).mappings()
    ]


def read_workers(connection: Connection) -> dict[str, KnownWorker]:
    """Every worker that was ever seen, by id."""
    query = select(workers.c.id, workers.c.boot_id, workers.c.state, workers.c.last_seen)
    return {
        row.id: KnownWorker(row.id, row.boot_id, WorkerState(row.state), row.last_seen)
        for row in connection.execute(query)
    }
