"""Events over HTTP: replayed, live, with a seat for each listener, ended in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from coordinator.api.app import with_parts
from coordinator.api.streams import Streams
from reelyard.clock import SystemClock
from reelyard.resources import EventView
from tests.support.api_in_hand import ApiInHand, api_in_hand, problem
from tests.support.running_api import Message, messages


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiInHand]:
    api = api_in_hand(tmp_path)
    yield api
    api.parts.streams.close()


def heard(answer: TestResponse, count: int) -> list[Message]:
    assert answer.status_code == 200, answer.text
    found = messages(piece.decode() for piece in answer.iter_encoded())
    return [next(found) for _ in range(count)]


def played(api: ApiInHand) -> list[Any]:
    """A film was made: its whole story."""
    api.farm.hello()
    job_id = api.submitted()
    api.farm.run_all()
    return list(api.get(f"/jobs/{job_id}/story?limit=1000").get_json()["data"])


def test_a_stream_says_how_it_wants_to_be_carried(api: ApiInHand) -> None:
    with closing(api.get("/events")) as answer:
        assert answer.mimetype == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("by", ["query", "header", "both"])
def test_what_was_missed_is_replayed(api: ApiInHand, by: str) -> None:
    story = played(api)
    last = api.parts.story.last()
    at = story[2]["seq"]
    headers = {} if by == "query" else {"Last-Event-ID": str(at)}
    query = {"query": f"?after={at}", "header": "", "both": "?after=0"}[by]
    with closing(api.get(f"/events{query}", headers=headers)) as answer:
        found = heard(answer, last - at)
    assert [int(message.id) for message in found] == list(range(at + 1, last + 1))
    for message in found:
        event = EventView.model_validate_json(message.data)
        assert (str(event.seq), event.type) == (message.id, message.event)


def test_a_job_has_a_stream_of_its_own(api: ApiInHand) -> None:
    played(api)
    story = played(api)
    job_id = story[0]["job_id"]
    with closing(api.get(f"/jobs/{job_id[:10]}/events?after=0")) as answer:
        found = heard(answer, len(story))
    assert [int(message.id) for message in found] == [event["seq"] for event in story]


def test_a_new_stream_begins_with_what_comes(api: ApiInHand) -> None:
    played(api)
    last = api.parts.story.last()
    with closing(api.get("/events")) as answer:
        pieces = (piece.decode() for piece in answer.iter_encoded())
        assert f"id: {last}\n" in next(pieces)  # the number to come back with
        job_id = api.submitted()
        first = next(messages(pieces))
    assert (int(first.id), first.event) == (last + 1, "job.submitted")
    assert EventView.model_validate_json(first.data).job_id == job_id


def test_a_number_of_another_database_is_not_waited_for(api: ApiInHand) -> None:
    played(api)
    with closing(api.get("/events", headers={"Last-Event-ID": "999999"})) as answer:
        pieces = (piece.decode() for piece in answer.iter_encoded())
        next(pieces)
        api.submitted()
        assert next(messages(pieces)).event == "job.submitted"


def test_who_is_far_behind_reads_the_table_in_pages(
    api: ApiInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.api.streams._PAGE", 4)
    story = played(api)
    last = api.parts.story.last()
    with closing(api.get("/events?after=0")) as answer:
        assert [int(message.id) for message in heard(answer, last)] == list(range(1, last + 1))
    with closing(api.get(f"/jobs/{story[0]['job_id']}/events?after=0")) as answer:
        found = heard(answer, len(story))
    assert [int(message.id) for message in found] == [event["seq"] for event in story]


def test_a_seat_is_given_back(api: ApiInHand) -> None:
    for _ in range(3):
        with closing(api.get("/events")):
            assert api.parts.streams.listeners == 1
        assert api.parts.streams.listeners == 0
    with closing(api.open("HEAD", "/events")) as answer:
        assert answer.status_code == 200
    assert api.parts.streams.listeners == 0


def test_one_stream_too_many_is_asked_to_come_back(api: ApiInHand) -> None:
    few = Streams(api.parts.story.after, api.parts.story.last, SystemClock(), most=2)
    client = with_parts(replace(api.parts, streams=few)).test_client()
    taken = [client.get("/api/v1/events", headers=api.authorization) for _ in range(2)]
    refused = client.get("/api/v1/events", headers=api.authorization)
    assert "2" in problem(refused, 503)["detail"] and refused.headers["Retry-After"]
    taken[0].close()
    with closing(client.get("/api/v1/events", headers=api.authorization)) as again:
        assert again.status_code == 200
    taken[1].close()
    few.close()


def test_streams_end_when_the_server_stops(api: ApiInHand) -> None:
    with closing(api.get("/events")) as answer:
        pieces = answer.iter_encoded()
        next(pieces)
        threading.Timer(0.2, api.parts.streams.close).start()
        assert list(pieces) == []
    assert problem(api.get("/events"), 503)
