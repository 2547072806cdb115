"""Keeps the living farm in memory in step with the database, and asks it what should run.

What was changed is read again, nothing else; where it is not certain what was changed, everything
is read anew. Writes nothing and decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from coordinator.core.decisions import Decision
from coordinator.core.foresight import Foresight
from coordinator.core.living import LivingYard
from coordinator.store.changes import Only, read_changes
from coordinator.store.database import Database
from coordinator.store.farm import read_snapshot
from coordinator.store.lessons import read_lessons
from coordinator.store.touched import Kind, read_touched
from reelyard.catalog import Catalog
from reelyard.clock import Clock

_LEARN_EVERY_SECONDS = 1.0
"""What lessons change is asked anew of every shape and kind of device; a task that comes back, for
want of memory perhaps, does not wait for that."""
_MOST_CHANGES = 10_000
"""More than these are not worth looking up one by one."""


@dataclass(frozen=True, slots=True)
class Found:
    """What should happen; waiting tasks that make no sense to this version, and why; which notes of
    changes were taken."""

    decisions: Sequence[Decision]
    unreadable: Sequence[tuple[str, str]]
    notes: Sequence[int]


class Scheduler:
    """One coordinator's view of the farm. `ahead_seconds`: so long before a device is free it gets
    what comes next, where that is short."""

    def __init__(
        self, database: Database, catalog: Catalog, clock: Clock, ahead_seconds: float = 0.0
    ) -> None:
        self._database, self._catalog, self._clock = database, catalog, clock
        self._ahead_seconds = ahead_seconds
        self._foresight = Foresight(catalog)
        self._farm: LivingYard | None = None
        self._news: set[tuple[Kind, str]] = set()
        self._may_learn, self._learned_at = False, 0.0

    def note(self, touched: Iterable[tuple[Kind, str]]) -> None:
        """What this process has changed. Of its changes to jobs the tasks tell by themselves."""
        self._news.update(one for one in touched if one[0] != "job")

    def forget(self) -> None:
        """Somebody else may have changed anything: everything is read anew at the next look."""
        self._farm = None

    def look(self) -> Found:
        """Take in what has changed since the last look, and decide."""
        farm, unreadable, notes = self.catch_up()
        return Found(farm.decide(self._clock.now()), unreadable, notes)

    def catch_up(self) -> tuple[LivingYard, Sequence[tuple[str, str]], Sequence[int]]:
        """The farm as it is now; what makes no sense, and which notes were taken, as in `Found`."""
        with self._database.read() as connection:
            notes, noted = read_touched(connection)
            news, self._news = self._news | noted, set()
            unreadable = self._take_in(connection, news)
        assert self._farm is not None
        return self._farm, unreadable, notes

    def ahead(self) -> Mapping[str, float]:
        """By owner: priced seconds beyond its fair part."""
        if self._farm is None:
            return {}
        accounts = self._farm.yard.accounts
        return dict(zip(accounts.names(), accounts.ahead().tolist(), strict=True))

    def _take_in(
        self, connection: Connection, news: set[tuple[Kind, str]]
    ) -> Sequence[tuple[str, str]]:
        kinds = {kind for kind, _ in news}
        named = {kind: frozenset(r for k, r in news if k == kind) for kind in kinds}
        is_known = self._farm is not None and "rules" not in named
        if not is_known or len(news) > _MOST_CHANGES:
            return self._read_all(connection)
        assert self._farm is not None
        now = self._clock.now()
        only = Only(*(named.get(kind, frozenset()) for kind in ("task", "job", "worker")))
        changes, unreadable = read_changes(connection, self._catalog, only, self._farm)
        self._may_learn = self._may_learn or bool(changes.tasks)
        came_back = any(task.attempt_count for task in changes.waiting)
        if self._may_learn and (came_back or abs(now - self._learned_at) >= _LEARN_EVERY_SECONDS):
            self._learn(connection)
            self._may_learn, self._learned_at = False, now
        self._farm.change(changes, now)
        return unreadable

    def _read_all(self, connection: Connection) -> Sequence[tuple[str, str]]:
        snapshot = read_snapshot(connection, self._clock.now(), self._catalog)
        if snapshot.lessons != self._foresight.lessons:
            self._foresight = self._foresight.taught(snapshot.lessons)
        self._farm = LivingYard.of(snapshot, self._foresight, self._ahead_seconds)
        return snapshot.unreadable

    def _learn(self, connection: Connection) -> None:
        assert self._farm is not None
        lessons = read_lessons(connection)
        if lessons != self._foresight.lessons:
            self._foresight = self._foresight.taught(lessons)
            self._farm.learn(self._foresight)
