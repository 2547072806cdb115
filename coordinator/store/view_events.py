"""The story: everything that happened, in order. Reads only."""

from __future__ import annotations

from sqlalchemy import func, select

from coordinator.store.database import Database
from coordinator.store.tables import events
from coordinator.store.view_shapes import event_view
from reelyard.resources import EventList, EventView


class Story:
    """The events table for people and programs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, job_id: str, after: int, limit: int) -> EventList:
        """A page of one job's story, oldest first."""
        found = self.after(after, limit + 1, job_id)
        return EventList(data=found[:limit], has_more=len(found) > limit)

    def after(self, seq: int, limit: int, job_id: str | None = None) -> list[EventView]:
        """Events after this number, at most `limit`, oldest first."""
        query = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if job_id is not None:
            query = query.where(events.c.job_id == job_id)
        with self._database.read() as connection:
            return [event_view(row) for row in connection.execute(query).mappings()]

    def last(self) -> int:
        """The number of the newest event, 0 when nothing happened yet."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(events.c.seq))).scalar() or 0)
