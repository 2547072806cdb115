"""A farm's queue over HTTP, and what is changed of a job's turn: a part of
`reelyard.client.Client`, which sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reelyard.farm_address import id_part
from reelyard.queue_views import QueueList
from reelyard.resources import JobSummary
from reelyard.rules.remote import Ask
from reelyard.stamps import rfc3339
from reelyard.states import Band
from reelyard.terms import Terms

_TIMES = frozenset({"deadline", "start_after"})


class RemoteQueue:
    """Every change answers with the job as it is then. Raises NotFound, and Conflict when the job's
    state does not allow it. `because` is read by others."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, limit: int = 100) -> QueueList:
        """What waits, in the order it will be taken."""
        return self._ask(QueueList, "GET", "/queue", params={"limit": limit})

    def hold(self, job_id: str, because: str = "") -> JobSummary:
        """Nothing new of it is started until it is released."""
        return self._steer(job_id, "hold", because)

    def release(self, job_id: str, because: str = "") -> JobSummary:
        """It has its turn again."""
        return self._steer(job_id, "release", because)

    def pause(self, job_id: str, because: str = "") -> JobSummary:
        """What runs is finished, nothing new is started."""
        return self._steer(job_id, "pause", because)

    def resume(self, job_id: str, because: str = "") -> JobSummary:
        """It goes on."""
        return self._steer(job_id, "resume", because)

    def jump(self, job_id: str, because: str = "") -> JobSummary:
        """In front of its band."""
        return self._steer(job_id, "jump", because)

    def put_behind(self, job_id: str, because: str = "") -> JobSummary:
        """Behind its band."""
        return self._steer(job_id, "behind", because)

    def change(self, job_id: str, changes: Mapping[str, Any]) -> JobSummary:
        """Some of `reelyard.terms.CHANGEABLE`; times in seconds since 1970, None takes one away.
        Raises InvalidInput."""
        body = {
            name: rfc3339(value) if name in _TIMES and value is not None else value
            for name, value in changes.items()
        }
        return self._ask(JobSummary, "PATCH", _path(job_id), json=body)

    def _steer(self, job_id: str, word: str, because: str) -> JobSummary:
        """Sent once only: a second one would be refused, as what it asks for is done."""
        body = {"because": because}
        return self._ask(JobSummary, "POST", f"{_path(job_id)}/{word}", tries=1, json=body)


def asked_of(terms: Terms) -> dict[str, Any]:
    """The terms as a submission carries them; what is usual is left out."""
    said: dict[str, Any] = {} if terms.band is Band.NORMAL else {"band": terms.band.value}
    times = {"deadline": terms.deadline, "start_after": terms.start_after}
    said |= {name: rfc3339(at) for name, at in times.items() if at is not None}
    said |= {} if terms.hold is None else {"hold": terms.hold}
    names = {"pool": list(terms.pools), "tag": list(terms.tags)}
    return said | {name: given for name, given in names.items() if given}


def _path(job_id: str) -> str:
    return f"/jobs/{id_part(job_id, 'job')}"
