"""Where jobs come in and are called off: one transaction each, then the loop is rung."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError

from coordinator.apply import end_job
from coordinator.core.admission import Answer, admit, quoted
from coordinator.core.lifecycle import JobEvent
from coordinator.core.snapshot import Snapshot
from coordinator.core.split import NewTask, split
from coordinator.store import farm, graph
from coordinator.store.database import Database
from coordinator.store.ledger import Ledger
from coordinator.store.view_queue import Queue
from reelyard import ids
from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.errors import Conflict, InvalidInput, Problem
from reelyard.predict.prices import Prices
from reelyard.predict.views import Quote
from reelyard.storyboard import Storyboard


class Intake:
    """Takes storyboards that have passed the limits."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        clock: Clock,
        wake: Callable[[], None],
        encoder: str,
    ) -> None:
        self._database, self._catalog, self._clock = database, catalog, clock
        self._wake, self._encoder, self._queue = wake, encoder, Queue(database)

    def submit(
        self,
        storyboard: Storyboard,
        owner: str,
        key: str | None,
        source: str,
        priority: int = 50,
        most_open: int | None = None,
    ) -> tuple[str, bool]:
        """The job's id, and whether it is new: the same key gives the same job.

        Raises Conflict when the key was used for something else, InvalidInput when the owner has
        `most_open` jobs under way.
        """
        key = key or None
        digest = hashlib.sha256(f"{priority}\n{source}".encode()).hexdigest()
        job_id = ids.new("job")
        job = graph.NewJob(job_id, storyboard, source, owner, priority, key, digest)
        if key and (known := self._known(owner, key, digest)):
            return known, False
        if most_open is not None:
            self._refuse_one_too_many(owner, most_open)
        try:
            self._store(job)
        except IntegrityError:
            # Somebody else used the key between the look and the insert.
            if key and (known := self._known(owner, key, digest)):
                return known, False
            raise
        self._wake()
        return job_id, True

    def admit(self, storyboard: Storyboard) -> Answer:
        """Whether this farm could ever do it; nothing is stored."""
        return admit(self._tasks(storyboard), self._farm())

    def quote(self, storyboard: Storyboard, prices: Prices) -> tuple[Answer, Quote]:
        """The same with what it would need, and cost at these prices on this machine's clock."""
        snapshot = self._farm()
        answer = admit(self._tasks(storyboard), snapshot)
        at = datetime.fromtimestamp(snapshot.now, UTC).astimezone()
        return answer, quoted(storyboard, answer, snapshot, prices, at)

    def cancel(self, job_id: str, who: str, because: str) -> None:
        """Raises Conflict when the job is over."""
        said = f"cancelled by {who}" + (f": {because}" if because else "")
        with self._database.write() as connection:
            ledger = Ledger(connection, self._clock.now())
            if not end_job(ledger, job_id, JobEvent.CANCEL, said):
                raise Conflict(
                    f"{job_id} has ended already.", f"Look at it with `reelyard show {job_id}`."
                )
        self._wake()

    def _tasks(self, storyboard: Storyboard) -> list[NewTask]:
        return split("job-x", storyboard, self._catalog, self._encoder)

    def _farm(self) -> Snapshot:
        with self._database.read() as connection:
            return farm.read_snapshot(connection, self._clock.now(), self._catalog)

    def _known(self, owner: str, key: str, digest: str) -> str | None:
        with self._database.read() as connection:
            row = graph.job_of_key(connection, owner, key)
        if row is None:
            return None
        if row["body_hash"] != digest:
            raise Conflict(
                f"the key {key[:60]!r} was used for another storyboard (job {row['id']}).",
                "Send each storyboard under a key of its own.",
            )
        return str(row["id"])

    def _refuse_one_too_many(self, owner: str, most_open: int) -> None:
        count = self._queue.open_jobs(owner)
        if count >= most_open:
            problem = Problem(
                "jobs",
                f"{owner} has too many under way",
                str(count),
                str(most_open),
                "Wait until some have ended, or cancel some.",
            )
            raise InvalidInput([problem])

    def _store(self, job: graph.NewJob) -> None:
        now = self._clock.now()
        tasks = split(job.id, job.storyboard, self._catalog, self._encoder)
        with self._database.write() as connection:
            graph.insert_job(connection, job, now)
            graph.insert_tasks(connection, job.id, tasks, now)
            scenes = len(job.storyboard.scenes)
            Ledger(connection, now).tell(
                "job.submitted",
                f"{job.storyboard.title}: {scenes} scene{'s' if scenes > 1 else ''}, "
                f"{len(tasks)} tasks.",
                job_id=job.id,
            )
