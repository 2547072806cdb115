"""What people change about a job after they have submitted it: whether it waits, when its turn
comes, where it may run. One transaction each, with an event that says who and why; then the loop is
rung. Stops nothing that runs: that is a cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from coordinator.core.lifecycle import JobEvent
from coordinator.store import turns
from coordinator.store.database import Database
from coordinator.store.ledger import Ledger
from coordinator.store.touched import touch
from reelyard.clock import Clock
from reelyard.errors import Conflict, InvalidInput
from reelyard.states import JobState
from reelyard.terms import change_problems, changes_sentence


@dataclass(frozen=True, slots=True)
class Change:
    """One change under way: the pen, the job as it is now, and who asks."""

    ledger: Ledger
    job: Mapping[str, Any]
    who: str

    def set(self, **values: Any) -> None:
        """These columns of the job's row, which is locked and not over."""
        turns.set_turn(self.ledger.connection, self.job["id"], **values)

    def tell(self, type: str, verb: str, because: str, **data: Any) -> None:
        """`Held by anna: the wrong voice.`, with the job, who and why."""
        said = f"{verb} by {self.who}" + (f": {because}" if because else "") + "."
        told = {"job_id": self.job["id"], "who": self.who, "because": because}
        self.ledger.tell(type, said, **told, **data)


class Steering:
    """Every method takes a whole id, and raises Conflict when the job's state does not allow it."""

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database, self._clock, self._wake = database, clock, wake

    def hold(self, job_id: str, who: str, because: str) -> None:
        """Nothing new of it is started until it is released. Held again: another reason."""
        with self._changing(job_id, who) as change:
            said = because or f"by {who}"
            if change.job["held_because"] != said:
                change.set(held_because=said)
                change.tell("job.held", "Held", because)

    def release(self, job_id: str, who: str, because: str) -> None:
        """It has its turn again."""
        with self._changing(job_id, who) as change:
            if change.job["held_because"] is None:
                raise Conflict(f"{job_id} is not held.", "`reelyard why` says what it waits for.")
            change.set(held_because=None)
            change.tell("job.released", "Released", because)

    def pause(self, job_id: str, who: str, because: str) -> None:
        """Nothing new of it is started until it is resumed; what runs is finished."""
        with self._changing(job_id, who) as change:
            if not change.ledger.job(job_id, JobEvent.PAUSE):
                raise Conflict(f"{job_id} is paused already.", "`reelyard resume` lets it go on.")
            change.tell("job.paused", "Paused", because)

    def resume(self, job_id: str, who: str, because: str) -> None:
        """It goes on. One that was paused before anything of it was placed has started now."""
        with self._changing(job_id, who) as change:
            started_at = change.job["started_at"] or change.ledger.now
            if not change.ledger.job(job_id, JobEvent.RESUME, started_at=started_at):
                raise Conflict(f"{job_id} is not paused: it is {change.job['state']}.")
            change.tell("job.resumed", "Resumed", because)

    def jump(self, job_id: str, who: str, because: str) -> None:
        """In front of the other jobs of its band. Where it is there already, nothing happens."""
        with self._changing(job_id, who) as change:
            others = turns.ranks(change.ledger.connection, change.job["band"], job_id)
            if others is not None and change.job["rank"] >= others[0]:
                self._move(change, others[0] - 1.0, "in front of", because)

    def put_behind(self, job_id: str, who: str, because: str) -> None:
        """Behind the other jobs of its band, and those that come in later."""
        with self._changing(job_id, who) as change:
            others = turns.ranks(change.ledger.connection, change.job["band"], job_id)
            last = max(others[1], 0.0) if others is not None else 0.0
            if change.job["rank"] <= last:
                self._move(change, last + 1.0, "behind", because)

    def change(self, job_id: str, who: str, asked: Mapping[str, Any]) -> None:
        """Columns of `reelyard.terms.CHANGEABLE`. Raises InvalidInput with all that is wrong."""
        with self._changing(job_id, who) as change:
            if problems := change_problems(asked, change.job, change.ledger.now):
                raise InvalidInput(problems)
            news = {name: value for name, value in asked.items() if change.job[name] != value}
            if not news:
                return
            # A rank is a place among the jobs of one band: it means nothing in another.
            change.set(**news, **({"rank": 0.0} if "band" in news else {}))
            was = {name: change.job[name] for name in news}
            said = f"{changes_sentence(was, news)}; changed"
            change.tell("job.changed", said[0].upper() + said[1:], "", was=was, now=news)

    def _move(self, change: Change, rank: float, where: str, because: str) -> None:
        change.set(rank=rank)
        band = change.job["band"]
        change.tell("job.moved", f"Put {where} the {band} band", because, rank=rank)

    @contextmanager
    def _changing(self, job_id: str, who: str) -> Iterator[Change]:
        with self._database.write() as connection:
            job = turns.turn_of(connection, job_id)
            if job is None:
                state = JobState(turns.state_of(connection, job_id))
                raise Conflict(
                    f"{job_id} has ended already: it is {state}.",
                    f"Look at it with `reelyard show {job_id}`.",
                )
            touch(connection, "job", job_id)
            yield Change(Ledger(connection, self._clock.now()), job, who)
        self._wake()
