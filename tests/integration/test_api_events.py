"""Events over HTTP: replayed, live, with a seat for each listener, ended in time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from werkzeug.test import TestResponse

from coordinator.api.app import with_parts
from coordinator.api.streams import Streams
from reelyard.clock import SystemClock
from reelyard.resources import EventView
from tests.support.api_in_hand import SCRIPT, YAML, ApiInHand, api_in_hand, problem
from tests.support.running_api import RunningApi, running_api
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Message:
    """One message of a stream."""

    id: str
    event: str
    data: str


def messages(text: Iterator[str]) -> Iterator[Message]:
    """Whole messages out of pieces of any size; those that only say something are passed over."""
    kept = ""
    for piece in text:
        kept += piece
        while "\n\n" in kept:
            block, _, kept = kept.partition("\n\n")
            fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if "data" in fields:
                yield Message(**fields)


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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    with running_api(tmp_path_factory.mktemp("running")) as api:
        yield api


def submit(http: httpx2.Client) -> str:
    answer = http.post("/jobs", content=SCRIPT, headers={"Content-Type": YAML})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job"]["id"])


def test_a_real_server_streams_to_many_and_answers_beside_them(running: RunningApi) -> None:
    many = 30
    found: list[list[str]] = [[] for _ in range(many)]
    opened = threading.Barrier(many + 1, timeout=60)

    def listen(place: int) -> None:
        with running.http() as http, http.stream("GET", "/events") as answer:
            text = answer.iter_text()
            assert "id: " in next(text)
            opened.wait()
            told = messages(text)
            found[place] = [EventView.model_validate_json(next(told).data).job_id or ""]
            found[place].append(EventView.model_validate_json(next(told).data).job_id or "")

    listeners = [threading.Thread(target=listen, args=(place,)) for place in range(many)]
    for listener in listeners:
        listener.start()
    opened.wait()
    with running.http() as http:
        jobs = [submit(http), submit(http)]
        for listener in listeners:
            listener.join(60)
        assert found == [jobs] * many
        free = httpx2.get(f"{running.address}/metrics").text
        assert "reelyard_event_streams" in free and "reelyard_database_up 1.0" in free


def test_a_real_server_replays_to_who_comes_back(running: RunningApi) -> None:
    with running.http() as http:
        jobs = [submit(http), submit(http)]
        with http.stream("GET", "/events?after=0") as answer:
            told = messages(answer.iter_text())
            seen = next(m for m in told if jobs[0] in m.data)
        headers = {"Last-Event-ID": seen.id}
        with http.stream("GET", "/events", headers=headers) as answer:
            assert jobs[1] in next(messages(answer.iter_text())).data


def test_a_real_server_hands_over_parts_of_files(running: RunningApi, tmp_path: Path) -> None:
    from reelyard.storage.disk import DiskStore

    content = bytes(range(256)) * 9_000
    (tmp_path / "file").write_bytes(content)
    store = DiskStore(running.log_file.parent / "artifacts")
    sha256 = store.put(tmp_path / "file", "clip.mp4", "video/mp4").sha256
    with running.http() as http:
        assert http.get(f"/artifacts/{sha256}").content == content
        part = http.get(f"/artifacts/{sha256}", headers={"Range": "bytes=1000000-1000009"})
        assert (part.status_code, part.content) == (206, content[1_000_000:1_000_010])
        head = http.head(f"/artifacts/{sha256}")
        assert head.headers["Content-Length"] == str(len(content)) and not head.content


def test_too_large_a_body_is_refused_by_a_real_server(running: RunningApi) -> None:
    valid, much = SCRIPT.encode(), [b"# nothing but words\n" * 1_000] * 60
    with running.http() as http:
        told = http.post("/jobs", content=b"".join([valid, *much]), headers={"Content-Type": YAML})
        untold = http.post("/jobs", content=iter([valid, *much]), headers={"Content-Type": YAML})
        short = http.post("/jobs", content=iter([valid]), headers={"Content-Type": YAML})
    assert (told.status_code, untold.status_code, short.status_code) == (413, 413, 202)
    assert "1000000" in told.json()["detail"] and "1000000" in untold.json()["detail"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_real_server_ends_although_somebody_listens(tmp_path: Path, how: signal.Signals) -> None:
    with running_api(tmp_path) as api, api.http() as http:
        workers = api.workers()
        assert len(workers) == 1 and workers[0].ppid() == api.program.pid
        with http.stream("GET", "/events") as answer:
            text = answer.iter_text()
            next(text)
            api.program.send_signal(how)
            assert list(text) == []  # a whole answer: it ended, it did not break off
        api.program.wait(30)
        eventually(lambda: not any(map(psutil.pid_exists, [w.pid for w in workers])), 30, "gone")
        assert "Traceback" not in api.log()
