"""The API as it is served: gunicorn in processes of its own, many listeners, an end in time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psutil
import pytest

from reelyard.resources import EventView
from reelyard.storage.disk import DiskStore
from tests.support.api_in_hand import SCRIPT, YAML
from tests.support.running_api import RunningApi, messages, running_api
from tests.support.waiting import eventually


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


def test_one_key_makes_one_job_however_often_and_at_once_it_is_sent(running: RunningApi) -> None:
    headers = {"Content-Type": YAML, "Idempotency-Key": "all at once"}

    def send(_: int) -> tuple[str, bool]:
        with running.http() as http:
            answer = http.post("/jobs", content=SCRIPT, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()["job"]["id"], answer.json()["created"]

    with ThreadPoolExecutor(12) as many:
        answers = list(many.map(send, range(24)))
    assert len({job_id for job_id, _ in answers}) == 1
    assert [created for _, created in answers].count(True) == 1


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
