"""What the dashboard asks of a farm, and the farm as the HTTP API offers it.

One `HttpFarm` speaks with one person's token; all of them share one pool of connections.
Never renders, never remembers an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from reelyard.client import Client
from reelyard.errors import Unreachable
from reelyard.event_stream import SILENCE_SECONDS, messages
from reelyard.predict.views import FitMatrix, LessonList
from reelyard.queue_views import QueueList
from reelyard.remote_queue import RemoteQueue
from reelyard.resources import (
    EventList,
    EventView,
    HealthView,
    JobList,
    JobView,
    ModelList,
    OverviewView,
    Submitted,
    TaskView,
    ValidationView,
    WhyView,
    WorkerList,
)
from reelyard.risk_views import RiskList
from reelyard.rules.views import RulesCheck, RulesHistory, RulesView
from reelyard.terms import USUAL, Terms

STEERED: Mapping[str, Callable[[RemoteQueue, str, str], object]] = {
    "hold": RemoteQueue.hold,
    "release": RemoteQueue.release,
    "pause": RemoteQueue.pause,
    "resume": RemoteQueue.resume,
    "jump": RemoteQueue.jump,
    "behind": RemoteQueue.put_behind,
}
"""What may be done to a job's turn, by the word of its button."""

_CHUNK_BYTES = 1 << 16
_PAGE, _MOST_PAGES = 1000, 5


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes on their way through: never held in memory as a whole. To be closed, read or not."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None]


class Farm(Protocol):
    """What the pages need. Every method raises Unreachable, Unauthorized, NotFound or Conflict."""

    def health(self) -> HealthView: ...

    def overview(self, minutes: int) -> OverviewView: ...

    def jobs(self, state: str, query: str, after: str, limit: int) -> JobList: ...

    def job(self, job_id: str) -> JobView: ...

    def story(self, job_id: str) -> EventList: ...

    def cancel(self, job_id: str, because: str) -> None: ...

    def task(self, task_id: str) -> TaskView: ...

    def why(self, task_id: str) -> WhyView: ...

    def workers(self) -> WorkerList: ...

    def models(self) -> ModelList: ...

    def model_fit(self, every_device: bool) -> FitMatrix: ...

    def lessons(self) -> LessonList: ...

    def rules(self, revision: int | None) -> RulesView: ...

    def check_rules(self, text: str) -> RulesCheck: ...

    def put_rules(self, text: str, revision: int) -> RulesView: ...

    def rules_history(self, limit: int) -> RulesHistory: ...

    def validate(self, source: bytes, media_type: str, terms: Terms = USUAL) -> ValidationView: ...

    def submit(
        self, source: bytes, media_type: str, key: str, priority: int, terms: Terms = USUAL
    ) -> Submitted: ...

    def queue(self, limit: int) -> QueueList: ...

    def risk(self, job_id: str) -> RiskList:
        """Of one job, or of all that have a deadline where none is named. May take seconds."""
        ...

    def steer(self, job_id: str, word: str, because: str) -> None:
        """One of `STEERED`. Raises Conflict."""
        ...

    def change(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """What is asked of the job's turn. Raises Conflict, InvalidInput."""
        ...

    def media(self, path: str, headers: Mapping[str, str]) -> Media: ...

    def events(self, after: str) -> Iterator[EventView | None]:
        """As they happen; None once the connection stands, and whenever it was silent a while."""
        ...


class HttpFarm:
    """A farm behind its API, asked with one person's token over everybody's connections."""

    def __init__(self, url: str, token: str, connections: httpx2.BaseTransport) -> None:
        self._client = Client(url, token, transport=connections)

    def health(self) -> HealthView:
        return self._client.health()

    def overview(self, minutes: int) -> OverviewView:
        return self._client.overview(minutes)

    def jobs(self, state: str, query: str, after: str, limit: int) -> JobList:
        return self._client.jobs([state] if state else [], query, after, limit)

    def job(self, job_id: str) -> JobView:
        return self._client.job(job_id)

    def story(self, job_id: str) -> EventList:
        """All of it, up to a length at which nobody reads it in a page."""
        told, after = list[EventView](), 0
        for _ in range(_MOST_PAGES):
            page = self._client.story(job_id, after, _PAGE)
            told += page.data
            if not page.has_more or not page.data:
                return EventList(data=told)
            after = page.data[-1].seq
        return EventList(data=told, has_more=True)

    def cancel(self, job_id: str, because: str) -> None:
        self._client.cancel(job_id, because)

    def task(self, task_id: str) -> TaskView:
        return self._client.task(task_id)

    def why(self, task_id: str) -> WhyView:
        return self._client.why(task_id)

    def workers(self) -> WorkerList:
        return self._client.workers()

    def models(self) -> ModelList:
        return self._client.models()

    def model_fit(self, every_device: bool) -> FitMatrix:
        return self._client.model_fit(all=every_device)

    def lessons(self) -> LessonList:
        return self._client.lessons()

    def rules(self, revision: int | None) -> RulesView:
        return self._client.rules.show(revision)

    def check_rules(self, text: str) -> RulesCheck:
        return self._client.rules.check(text)

    def put_rules(self, text: str, revision: int) -> RulesView:
        return self._client.rules.put(text, revision)

    def rules_history(self, limit: int) -> RulesHistory:
        return self._client.rules.history(limit=limit)

    def validate(self, source: bytes, media_type: str, terms: Terms = USUAL) -> ValidationView:
        return self._client.validate(source, media_type, terms)

    def submit(
        self, source: bytes, media_type: str, key: str, priority: int, terms: Terms = USUAL
    ) -> Submitted:
        return self._client.submit(source, media_type, priority, key, terms)

    def queue(self, limit: int) -> QueueList:
        return self._client.queue.list(limit)

    def risk(self, job_id: str) -> RiskList:
        return self._client.risk(job_id)

    def steer(self, job_id: str, word: str, because: str) -> None:
        STEERED[word](self._client.queue, job_id, because)

    def change(self, job_id: str, changes: Mapping[str, Any]) -> None:
        self._client.queue.change(job_id, changes)

    def media(self, path: str, headers: Mapping[str, str]) -> Media:
        # Bytes are passed on as they are: no compression on the way.
        answer = self._client.open(path, {**headers, "Accept-Encoding": "identity"})
        chunks = answer.iter_raw(_CHUNK_BYTES)
        return Media(answer.status_code, answer.headers, chunks, answer.close)

    def events(self, after: str) -> Iterator[EventView | None]:
        headers = {"Last-Event-ID": after} if after else {}
        with closing(self._client.open("/events", headers, SILENCE_SECONDS)) as answer:
            try:
                told = messages(answer.iter_lines())
                yield from (event for event in told if not isinstance(event, int))
            except httpx2.HTTPError as wrong:
                raise Unreachable(f"the farm fell silent ({type(wrong).__name__}).") from None
