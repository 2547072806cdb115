"""What the dashboard asks of a farm, and the farm as the HTTP API offers it.

One `HttpFarm` speaks with one person's token; all of them share one pool of connections.
Never renders, never remembers an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import httpx2
from pydantic import BaseModel

from reelyard.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    ReelyardError,
    Unauthorized,
    Unreachable,
)
from reelyard.ids import is_id
from reelyard.resources import (
    EventList,
    EventView,
    HealthView,
    JobList,
    JobView,
    ModelList,
    OverviewView,
    ProblemDetails,
    Submitted,
    TaskView,
    ValidationView,
    WhyView,
    WorkerList,
)

Shape = TypeVar("Shape", bound=BaseModel)

# An event stream carries a heartbeat every 15 s: silence of twice that is a dead connection.
SILENCE_SECONDS = 35.0
_CHUNK_BYTES = 1 << 16
_MOST_PAGES = 5


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

    def validate(self, source: bytes, media_type: str) -> ValidationView: ...

    def submit(self, source: bytes, media_type: str, key: str, priority: int) -> Submitted: ...

    def media(self, path: str, headers: Mapping[str, str]) -> Media: ...

    def events(self, after: str) -> Iterator[EventView | None]:
        """As they happen; None once the connection stands, and whenever it was silent a while."""
        ...


class HttpFarm:
    """A farm behind its API at `<url>/api/v1`."""

    def __init__(self, http: httpx2.Client, token: str) -> None:
        self._http, self._headers = http, {"Authorization": f"Bearer {token}"}

    def health(self) -> HealthView:
        return self._read(HealthView, "/health")

    def overview(self, minutes: int) -> OverviewView:
        return self._read(OverviewView, "/overview", {"minutes": str(minutes)})

    def jobs(self, state: str, query: str, after: str, limit: int) -> JobList:
        asked = {"state": state, "q": query, "after": after, "limit": str(limit)}
        return self._read(JobList, "/jobs", {name: text for name, text in asked.items() if text})

    def job(self, job_id: str) -> JobView:
        return self._read(JobView, f"/jobs/{_checked(job_id)}")

    def story(self, job_id: str) -> EventList:
        """All of it, up to a length at which nobody reads it in a page."""
        path, told, after = f"/jobs/{_checked(job_id)}/story", list[EventView](), 0
        for _ in range(_MOST_PAGES):
            page = self._read(EventList, path, {"limit": "1000", "after": str(after)})
            told += page.data
            if not page.has_more or not page.data:
                return EventList(data=told)
            after = page.data[-1].seq
        return EventList(data=told, has_more=True)

    def cancel(self, job_id: str, because: str) -> None:
        self._send("POST", f"/jobs/{_checked(job_id)}/cancel", json={"because": because})

    def task(self, task_id: str) -> TaskView:
        return self._read(TaskView, f"/tasks/{_checked(task_id)}")

    def why(self, task_id: str) -> WhyView:
        return self._read(WhyView, f"/tasks/{_checked(task_id)}/why")

    def workers(self) -> WorkerList:
        return self._read(WorkerList, "/workers")

    def models(self) -> ModelList:
        return self._read(ModelList, "/models")

    def validate(self, source: bytes, media_type: str) -> ValidationView:
        answer = self._send(
            "POST", "/jobs/validate", content=source, headers={"Content-Type": media_type}
        )
        return ValidationView.model_validate_json(answer.content)

    def submit(self, source: bytes, media_type: str, key: str, priority: int) -> Submitted:
        answer = self._send(
            "POST",
            "/jobs",
            content=source,
            params={"priority": priority},
            headers={"Content-Type": media_type, "Idempotency-Key": key},
        )
        return Submitted.model_validate_json(answer.content)

    def media(self, path: str, headers: Mapping[str, str]) -> Media:
        request = self._http.build_request(
            "GET",
            f"/api/v1{path}",
            # Bytes are passed on as they are: no compression on the way.
            headers={**headers, **self._headers, "Accept-Encoding": "identity"},
        )
        try:
            answer = self._http.send(request, stream=True)
        except httpx2.HTTPError as wrong:
            raise _unreachable(self._http, wrong) from None
        if answer.status_code >= 400 and answer.status_code != 416:
            answer.read()
            answer.close()
            raise _error_of(answer)
        chunks = answer.iter_raw(_CHUNK_BYTES)
        return Media(answer.status_code, answer.headers, chunks, answer.close)

    def events(self, after: str) -> Iterator[EventView | None]:
        headers = {**self._headers, **({"Last-Event-ID": after} if after else {})}
        limits = httpx2.Timeout(5.0, read=SILENCE_SECONDS)
        try:
            with self._http.stream(
                "GET", "/api/v1/events", headers=headers, timeout=limits
            ) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise _error_of(answer)
                yield from _events_in(answer.iter_lines())
        except httpx2.HTTPError as wrong:
            raise _unreachable(self._http, wrong) from None

    def _read(self, shape: type[Shape], path: str, params: dict[str, str] | None = None) -> Shape:
        return shape.model_validate_json(self._send("GET", path, params=params).content)

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **what: Any
    ) -> httpx2.Response:
        try:
            answer = self._http.request(
                method, f"/api/v1{path}", headers={**self._headers, **(headers or {})}, **what
            )
        except httpx2.HTTPError as wrong:
            raise _unreachable(self._http, wrong) from None
        if answer.is_error:
            raise _error_of(answer)
        return answer


def _checked(identity: str) -> str:
    """An id as it was given. Raises NotFound for what can be none: it would change the address."""
    if not is_id(identity):
        raise NotFound(f"nothing here is called {identity[:60]!r}.", "Start from the list of jobs.")
    return identity


def _events_in(lines: Iterator[str]) -> Iterator[EventView | None]:
    """The messages of a text/event-stream; None for a comment, other fields are passed over."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif line.startswith(":"):
            yield None
        elif not line and data:
            yield EventView.model_validate_json("\n".join(data))
            data = []


def _unreachable(http: httpx2.Client, wrong: Exception) -> Unreachable:
    address = str(http.base_url).rstrip("/")
    return Unreachable(f"the farm at {address} does not answer ({type(wrong).__name__}).")


def _error_of(answer: httpx2.Response) -> ReelyardError:
    """What a problem+json body says, as one of our errors."""
    try:
        problem = ProblemDetails.model_validate(json.loads(answer.content))
    except ValueError:
        text = f"the farm answered {answer.status_code} to {answer.request.url.path}."
        problem = ProblemDetails(title="", status=answer.status_code, detail=text)
    said, remedy = problem.detail or problem.title, problem.remedy or None
    if problem.errors:
        return InvalidInput([_problem_of(item.model_dump()) for item in problem.errors])
    kinds = {401: Unauthorized, 403: Unauthorized, 404: NotFound, 409: Conflict, 412: Conflict}
    if answer.status_code in kinds:
        return kinds[answer.status_code](said, remedy)
    if answer.status_code in (502, 503, 504):
        return Unreachable(said, remedy)
    return ReelyardError(said, remedy)


def _problem_of(item: dict[str, Any]) -> Problem:
    return Problem(**{name: given for name, given in item.items() if name != "pointer"})
