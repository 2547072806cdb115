"""The farm over HTTP: what is asked, and what becomes of each answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from dashboard.farm import HttpFarm
from reelyard.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    ReelyardError,
    Unauthorized,
    Unreachable,
)

Answer = Callable[[httpx2.Request], httpx2.Response]


def farm_with(answer: Answer) -> HttpFarm:
    return HttpFarm("http://farm:8700", "the-token", httpx2.MockTransport(answer))


def test_jobs_are_asked_for_with_what_is_given_only() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"data": []})

    farm = farm_with(answer)
    farm.jobs("done", "a & b", "", 25)
    farm.jobs("", "", "c2", 6)
    assert dict(asked[0].url.params) == {"state": "done", "q": "a & b", "limit": "25"}
    assert dict(asked[1].url.params) == {"after": "c2", "limit": "6"}
    assert asked[0].url.path == "/api/v1/jobs"
    assert asked[0].headers["Authorization"] == "Bearer the-token"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (503, Unreachable),
        (500, ReelyardError),
    ],
)
def test_a_problem_becomes_our_error(status: int, kind: type[ReelyardError]) -> None:
    problem = {"title": "No", "status": status, "detail": "It is so.", "remedy": "Do this."}
    farm = farm_with(lambda _: httpx2.Response(status, json=problem))
    with pytest.raises(kind) as caught:
        farm.job("job-a")
    assert (caught.value.message, caught.value.remedy) == ("It is so.", "Do this.")


def test_problems_of_a_script_keep_their_lines() -> None:
    errors = [{"field": "size", "message": "must look like 512x288", "line": 2, "pointer": "/size"}]
    body: dict[str, Any] = {"title": "x", "status": 422, "detail": "y", "errors": errors}
    farm = farm_with(lambda _: httpx2.Response(422, json=body))
    with pytest.raises(InvalidInput) as caught:
        farm.submit(b"x", "application/yaml", "key", 50)
    assert [(p.field, p.line) for p in caught.value.problems] == [("size", 2)]


def test_an_answer_that_is_no_problem_document_is_still_an_error() -> None:
    farm = farm_with(lambda _: httpx2.Response(502, text="<h1>Bad gateway</h1>"))
    with pytest.raises(Unreachable):
        farm.overview(60)


def test_a_farm_that_is_not_there_is_unreachable() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(Unreachable, match="http://farm:8700 does not answer"):
        farm_with(refuse).workers()


def test_a_submission_carries_its_key_and_type() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(409, json={"title": "x", "status": 409, "detail": "used."})

    with pytest.raises(Conflict):
        farm_with(answer).submit(b"A boat.", "text/plain", "key-7", 80)
    (request,) = seen
    assert request.headers["Idempotency-Key"] == "key-7"
    assert request.headers["Content-Type"] == "text/plain"
    assert (request.content, request.url.params["priority"]) == (b"A boat.", "80")


STREAM = (
    ": the events of a farm\nid: 4\n\n"
    'id: 5\nevent: task.done\ndata: {"seq": 5, "at": "2026-11-25T08:00:00Z",\n'
    'data: "type": "task.done", "sentence": "Scene 1 voice is done"}\n\n'
    ": still here\n\n"
)


def test_events_are_read_off_the_stream() -> None:
    heard: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        heard.append(request.headers.get("Last-Event-ID", ""))
        return httpx2.Response(200, text=STREAM, headers={"Content-Type": "text/event-stream"})

    farm = farm_with(answer)
    events = list(farm.events("4"))
    assert [event and event.seq for event in events] == [None, 5, None]
    assert events[1] is not None
    assert events[1].sentence == "Scene 1 voice is done"
    list(farm.events(""))
    assert heard == ["4", ""]


def test_a_long_story_is_read_to_its_end() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        after = int(request.url.params["after"])
        told = [
            {"seq": n, "at": "2026-11-25T08:00:00Z", "type": "task.done", "sentence": "x"}
            for n in (after + 1, after + 2)
        ]
        return httpx2.Response(200, json={"data": told, "has_more": after < 4})

    story = farm_with(answer).story("job-a")
    assert [event.seq for event in story.data] == [1, 2, 3, 4, 5, 6]
    assert not story.has_more


def test_a_range_goes_through_as_it_is() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/api/v1/jobs/job-a/film"
        assert request.headers["Range"] == "bytes=0-3"
        assert request.headers["Accept-Encoding"] == "identity"
        parts = httpx2.ByteStream(b"film")
        return httpx2.Response(206, stream=parts, headers={"Content-Range": "bytes 0-3/9"})

    media = farm_with(answer).media("/jobs/job-a/film", {"Range": "bytes=0-3"})
    assert media.status == 206
    assert media.headers["Content-Range"] == "bytes 0-3/9"
    assert b"".join(media.chunks) == b"film"


def test_a_range_beyond_the_end_is_the_players_business() -> None:
    farm = farm_with(lambda _: httpx2.Response(416, headers={"Content-Range": "bytes */9"}))
    assert farm.media("/jobs/job-a/film", {}).status == 416
    with pytest.raises(NotFound):
        farm_with(
            lambda _: httpx2.Response(404, json={"title": "x", "status": 404, "detail": "y"})
        ).media("/x", {})


def test_what_a_browser_has_already_is_not_sent_again() -> None:
    farm = farm_with(lambda _: httpx2.Response(304, headers={"ETag": "x"}))
    assert farm.media("/artifacts/x", {"If-None-Match": "x"}).status == 304


@pytest.mark.parametrize("odd", ["..", "a/b", "a?b", "a#b", "", ".", "x" * 200])
def test_what_can_be_no_id_is_never_asked_for(odd: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError(f"asked for {request.url}")

    farm = farm_with(answer)
    for look in (farm.job, farm.story, farm.task, farm.why):
        with pytest.raises(NotFound):
            look(odd)
