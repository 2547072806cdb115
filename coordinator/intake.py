"""Where jobs come in and are called off: one transaction each, then the loop is rung."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from coordinator.apply import end_job
from coordinator.core.admission import Answer, admit, quoted
from coordinator.core.lifecycle import JobEvent
from coordinator.core.snapshot import Snapshot
from coordinator.core.split import NewTask, split
from coordinator.store import farm, graph
from coordinator.store.database import Database
from coordinator.store.ledger import Ledger
from coordinator.store.lessons import read_lessons
from coordinator.store.touched import touch
from coordinator.store.view_queue import Queue, waiting_tasks
from reelyard import ids
from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.errors import Conflict, InvalidInput, Problem
from reelyard.predict.prices import Prices
from reelyard.predict.views import Quote
from reelyard.states import Band
from reelyard.storyboard import Storyboard
from reelyard.terms import USUAL, Terms, phrases, problems_of

MostWaiting = Callable[[Connection, str], int | None]
"""How many tasks this owner may have waiting; None: as many as it likes."""


def no_limit(_connection: Connection, _owner: str) -> None:
    """What a farm without house rules allows."""


class Intake:
    """Takes storyboards that have passed the limits."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        clock: Clock,
        wake: Callable[[], None],
        encoder: str,
        most_waiting: MostWaiting = no_limit,
    ) -> None:
        self._database, self._catalog, self._clock = database, catalog, clock
        self.wake, self._encoder, self._queue = wake, encoder, Queue(database)
        self._most_waiting = most_waiting

    def submit(
        self,
        storyboard: Storyboard,
        owner: str,
        key: str | None,
        source: str,
        priority: int = 50,
        most_open: int | None = None,
        terms: Terms = USUAL,
    ) -> tuple[str, bool]:
        """The job's id, and whether it is new: the same key gives the same job.

        Raises Conflict when the key was used for something else, InvalidInput when the terms cannot
        be kept, when the owner has `most_open` jobs under way, or would have more tasks waiting
        than the house rules allow.
        """
        key, digest = key or None, _digest(priority, terms, source)
        job_id = ids.new("job")
        held = None if terms.hold is None else terms.hold or f"by {owner}"
        terms = replace(terms, hold=held)
        job = graph.NewJob(job_id, storyboard, source, owner, priority, key, digest, terms)
        if key and (known := self._known(owner, key, digest)):
            return known, False
        if problems := problems_of(terms, self._clock.now()):
            raise InvalidInput(problems)
        if most_open is not None:
            self._refuse_one_too_many(owner, most_open)
        try:
            self._store(job)
        except IntegrityError:
            # Somebody else used the key between the look and the insert.
            if key and (known := self._known(owner, key, digest)):
                return known, False
            raise
        self.wake()
        return job_id, True

    def admit(self, storyboard: Storyboard) -> Answer:
        """Whether this farm could ever do it; nothing is stored."""
        return admit(self._tasks(storyboard), self._devices())

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
            touch(connection, "job", job_id)
            if not end_job(ledger, job_id, JobEvent.CANCEL, said):
                raise Conflict(
                    f"{job_id} has ended already.", f"Look at it with `reelyard show {job_id}`."
                )
        self.wake()

    def _tasks(self, storyboard: Storyboard) -> list[NewTask]:
        return split("job-x", storyboard, self._catalog, self._encoder)

    def _devices(self) -> Snapshot:
        """The farm without what waits in it, which may be a hundred thousand tasks."""
        with self._database.read() as connection:
            devices = farm.read_devices(connection, self._catalog)
            lessons = read_lessons(connection)
        return Snapshot(self._clock.now(), (), tuple(devices), self._catalog, lessons=lessons)

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
            self._refuse_too_much_waiting(connection, job.owner, len(tasks))
            graph.insert_job(connection, job, now)
            graph.insert_tasks(connection, job.id, tasks, now)
            touch(connection, "job", job.id)
            scenes = len(job.storyboard.scenes)
            said = [f"{scenes} scene{'s' if scenes > 1 else ''}", f"{len(tasks)} tasks"]
            Ledger(connection, now).tell(
                "job.submitted",
                f"{job.storyboard.title}: {', '.join([*said, *phrases(job.terms)])}.",
                job_id=job.id,
            )

    def _refuse_too_much_waiting(self, connection: Connection, owner: str, more: int) -> None:
        most = self._most_waiting(connection, owner)
        if most is None:
            return
        there = waiting_tasks(connection, owner)
        if there + more > most:
            problem = Problem(
                "tasks",
                f"{owner} would have too many waiting: {there} wait, this job has {more}",
                str(there + more),
                f"{most} (max_waiting in the house rules)",
                "Wait until some are done, make it smaller, or ask for a higher limit.",
            )
            raise InvalidInput([problem])


def _digest(priority: int, terms: Terms, source: str) -> str:
    """What a key stands for. Times and holds are left out: `in 8 hours`, said again later, would
    never be the same. A job of the usual terms has the digest that it always had."""
    asked = (terms.band, *terms.pools, "with", *terms.tags)
    said = "" if asked == (Band.NORMAL, "with") else "\n" + " ".join(asked)
    return hashlib.sha256(f"{priority}{said}\n{source}".encode()).hexdigest()
