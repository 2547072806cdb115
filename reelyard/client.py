"""A farm over HTTP: what programs, the command line and pages ask of it, typed.

Every method raises what `reelyard.errors` draws, and nothing of httpx2. Never renders text for
people and never remembers an answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from reelyard.clock import Clock, SystemClock
from reelyard.download import Watch, download
from reelyard.errors import NotFound, Unreachable
from reelyard.event_stream import EventStream
from reelyard.farm_address import authorization, checked_key, checked_url, id_part, is_loopback
from reelyard.history_views import RecordedTasks
from reelyard.predict.request import Request
from reelyard.predict.views import FitMatrix, LessonList, LessonView, PredictionList
from reelyard.problem_document import error_of
from reelyard.remote_queue import RemoteQueue, asked_of
from reelyard.resources import (
    EventList,
    HealthView,
    JobList,
    JobSummary,
    JobView,
    ModelList,
    OverviewView,
    Submitted,
    TaskView,
    TokenCreated,
    TokenList,
    ValidationView,
    WhyList,
    WhyView,
    WorkerList,
)
from reelyard.risk_views import RiskList
from reelyard.rules.remote import RemoteRules
from reelyard.script import media_type_of
from reelyard.terms import USUAL, Terms

Shape = TypeVar("Shape", bound=BaseModel)

_TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
_PASSED_ON = frozenset({304, 416})
_TRIES = 3
_PAUSE_SECONDS = 0.3


class Client:
    """The farm at `url`, asked with one person's token."""

    def __init__(
        self,
        url: str,
        token: str = "",
        clock: Clock | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.url = checked_url(url)
        self._clock = clock or SystemClock()
        self._http = httpx2.Client(
            base_url=f"{self.url}/api/v1",
            headers=authorization(token),
            timeout=_TIMEOUT,
            transport=transport,
            follow_redirects=True,  # the bearer token stays at home: httpx2 drops it elsewhere
            trust_env=not is_loopback(self.url),  # a proxy cannot reach this very machine
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _wrong: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # Submitting.

    def submit_file(self, path: Path, priority: int = 50, key: str = "") -> Submitted:
        """The storyboard in a file, by the file's ending. Raises InvalidInput, OSError."""
        return self.submit(path.read_bytes(), media_type_of(path.name), priority, key)

    def submit(
        self,
        source: bytes | str,
        media_type: str,
        priority: int = 50,
        key: str = "",
        terms: Terms = USUAL,
    ) -> Submitted:
        """A job. The same key gives the same job again; without one it gets a key of its own, so
        that a connection that breaks never makes two jobs."""
        headers = {
            "Content-Type": media_type,
            "Idempotency-Key": checked_key(key) or secrets.token_hex(16),
        }
        params = {"priority": priority, **asked_of(terms)}
        return self._ask(Submitted, "POST", "/jobs", content=source, headers=headers, params=params)

    def validate(
        self, source: bytes | str, media_type: str, terms: Terms = USUAL
    ) -> ValidationView:
        """A dry run: nothing is stored, problems are in the answer."""
        sent: dict[str, Any] = {"content": source, "headers": {"Content-Type": media_type}}
        return self._ask(ValidationView, "POST", "/jobs/validate", params=asked_of(terms), **sent)

    def cancel(self, job_id: str, because: str = "") -> JobSummary:
        """Call it off. Raises Conflict when it has ended already."""
        path = f"/jobs/{id_part(job_id, 'job')}/cancel"
        self._send("POST", path, json={"because": because})
        return self.job(job_id)

    @property
    def queue(self) -> RemoteQueue:
        """What waits, and whose turn it is."""
        return RemoteQueue(self._ask)

    # Looking.

    def recorded_tasks(self, since: float = 0.0, after: str | None = None) -> RecordedTasks:
        """One page of what was finished since, for the simulator."""
        params = {"since": since, **({"after": after} if after else {})}
        return self._ask(RecordedTasks, "GET", "/history/workload", params=params)

    def health(self) -> HealthView:
        """Is the farm well?"""
        return self._ask(HealthView, "GET", "/health")

    def overview(self, minutes: int = 60) -> OverviewView:
        """The farm at a glance."""
        return self._ask(OverviewView, "GET", "/overview", params={"minutes": minutes})

    def jobs(
        self, states: Sequence[str] = (), query: str = "", after: str = "", limit: int = 50
    ) -> JobList:
        """A page of jobs, newest first."""
        asked = {"state": ",".join(states), "q": query, "after": after, "limit": limit}
        params = {name: given for name, given in asked.items() if given}
        return self._ask(JobList, "GET", "/jobs", params=params)

    def job(self, job_id: str) -> JobView:
        """A job by its id, or by enough of its beginning."""
        return self._ask(JobView, "GET", f"/jobs/{id_part(job_id, 'job')}")

    def story(self, job_id: str, after: int = 0, limit: int = 200) -> EventList:
        """What happened to a job, oldest first."""
        path = f"/jobs/{id_part(job_id, 'job')}/story"
        return self._ask(EventList, "GET", path, params={"after": after, "limit": limit})

    def events(
        self, job_id: str = "", after: int | None = None, deadline: float | None = None
    ) -> EventStream:
        """What happens, as it happens, on the farm or to one job, until the deadline."""
        path = f"/jobs/{id_part(job_id, 'job')}/events" if job_id else "/events"
        return EventStream(self._http, path, self._clock, last_seen=after, deadline=deadline)

    def task(self, task_id: str) -> TaskView:
        """A task by its id."""
        return self._ask(TaskView, "GET", f"/tasks/{id_part(task_id, 'task')}")

    def why(self, task_id: str) -> WhyView:
        """Why a task waits, with every device's answer."""
        return self._ask(WhyView, "GET", f"/tasks/{id_part(task_id, 'task')}/why")

    def why_each(self, job_id: str) -> WhyList:
        """Why the tasks of a job wait."""
        return self._ask(WhyList, "GET", f"/jobs/{id_part(job_id, 'job')}/why")

    def risk(self, job_id: str = "") -> RiskList:
        """Which deadlines will be held, of all jobs that are not over or of one."""
        params = {"job": id_part(job_id, "job")} if job_id else {}
        return self._ask(RiskList, "GET", "/risk", params=params)

    def workers(self) -> WorkerList:
        """Every worker that was ever seen."""
        return self._ask(WorkerList, "GET", "/workers")

    def models(self) -> ModelList:
        """What the farm renders and speaks with."""
        return self._ask(ModelList, "GET", "/models")

    # Predicting.

    def model_fit(self, all: bool = False) -> FitMatrix:
        """Every model over the farm's kinds of devices, or over `all` that the catalog knows."""
        return self._ask(FitMatrix, "GET", "/models/fit", params={"all": str(all).lower()})

    def lessons(self) -> LessonList:
        """What finished runs have taught the farm."""
        return self._ask(LessonList, "GET", "/models/learned")

    def import_lessons(self, lessons: Sequence[LessonView]) -> LessonList:
        """Another farm's lessons; what this one knows from more runs stays. All of them, after."""
        body = LessonList(data=list(lessons)).model_dump(mode="json")
        return self._ask(LessonList, "PUT", "/models/learned", json=body)

    def predictions(self, requests: Sequence[Request]) -> PredictionList:
        """What up to 1000 runs would need, in this order, by what the farm has learned."""
        body = {"requests": [one.model_dump(mode="json", exclude_none=True) for one in requests]}
        return self._ask(PredictionList, "POST", "/predictions", json=body)

    @property
    def rules(self) -> RemoteRules:
        """The farm's house rules."""
        return RemoteRules(self._ask)

    # Tokens.

    def tokens(self) -> TokenList:
        """Every token, without its secret."""
        return self._ask(TokenList, "GET", "/tokens")

    def create_token(self, name: str) -> TokenCreated:
        """A fresh token: the only time that its secret is shown."""
        return self._ask(TokenCreated, "POST", "/tokens", tries=1, json={"name": name})

    def revoke_token(self, token_id: str) -> None:
        """From now on it opens nothing."""
        self._send("DELETE", f"/tokens/{id_part(token_id, 'token')}")

    # Fetching.

    def fetch_film(self, job_id: str, to: Path, watch: Watch | None = None) -> Path:
        """The film at `to`, its subtitles (.vtt) and poster (.jpg) beside it; the film comes last.

        Each is verified by its SHA-256 and goes on where an earlier try broke off.
        Raises NotFound while there is no film.
        """
        job = self.job(job_id)
        if job.film is None:
            raise NotFound(
                f"job {job.id} has no film: it is {job.state}.",
                f"See how it stands with `reelyard watch {job.id}`.",
            )
        beside = [(job.film.subtitles, ".vtt"), (job.film.poster, ".jpg")]
        for artifact, ending in beside:
            if artifact is not None:
                download(self._http, f"/artifacts/{artifact.sha256}", artifact, _beside(to, ending))
        film = job.film.film
        return download(self._http, f"/artifacts/{film.sha256}", film, to, watch)

    # The wire.

    def open(
        self, path: str, headers: Mapping[str, str], silence_seconds: float = 30.0
    ) -> httpx2.Response:
        """An answer whose body is still to come, for whoever passes it on and closes it. "As you
        have it" and "not this range" are answers too."""
        timeout = httpx2.Timeout(30.0, connect=5.0, read=silence_seconds)
        request = self._http.build_request("GET", path, headers=headers, timeout=timeout)
        try:
            answer = self._http.send(request, stream=True)
            if answer.is_success or answer.status_code in _PASSED_ON:
                return answer
            answer.read()
        except httpx2.HTTPError as wrong:
            raise self._unreachable(wrong) from None
        raise error_of(answer)

    def _ask(
        self, shape: type[Shape], method: str, path: str, tries: int = _TRIES, **what: Any
    ) -> Shape:
        answer = self._send(method, path, tries, **what)
        try:
            return shape.model_validate_json(answer.content)
        except ValidationError:
            raise Unreachable(
                f"what answers at {self.url} is no Reelyard farm, or one of another version.",
                "Check the address in --url or REELYARD_URL.",
            ) from None

    def _send(self, method: str, path: str, tries: int = _TRIES, **what: Any) -> httpx2.Response:
        """Sent again when the connection breaks: reads do no harm, submissions have a key, and
        cancelling or revoking twice is no more than once."""
        for left in reversed(range(tries)):
            try:
                answer = self._http.request(method, path, **what)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as wrong:
                raise self._unreachable(wrong) from None
            except httpx2.HTTPError as wrong:
                if not left:
                    raise self._unreachable(wrong) from None
                self._clock.sleep(_PAUSE_SECONDS)
                continue
            if answer.is_success:
                return answer
            raise error_of(answer)
        raise AssertionError("the last try returns or raises")

    def _unreachable(self, wrong: Exception) -> Unreachable:
        return Unreachable(f"the farm at {self.url} does not answer ({type(wrong).__name__}).")


def _beside(film: Path, ending: str) -> Path:
    return film.with_name((film.stem if film.suffix else film.name) + ending)
