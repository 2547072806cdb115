"""The commands that list, show, explain, call off and fetch: for people and as JSON."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from reelyard.cli.exits import ExitCode
from reelyard.cli.fetch import file_name
from tests.support.command_line import data, farm_for_commands, pressed, run
from tests.support.farm_on_paper import (
    AT,
    FarmOnPaper,
    good,
    job,
    problem,
    task,
)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    return farm_for_commands(tmp_path, monkeypatch)


class TestLists:
    def test_jobs(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs", good({"data": [job(), job("job-2", title="Zwei")]}))
        answer = run("jobs")
        assert answer.exit_code == ExitCode.OK
        assert re.search(r"job-2 +queued .* Zwei", answer.stdout)
        assert [each["id"] for each in data(run("jobs", "--json"))["data"]] == ["job-abc", "job-2"]

    def test_jobs_over_several_pages(self, farm: FarmOnPaper) -> None:
        farm.on(
            "GET /jobs",
            good({"data": [job("job-1")], "has_more": True, "next_cursor": "job-1"}),
            good({"data": [job("job-2")]}),
        )
        found = data(run("jobs", "--json", "--state", "queued", "--query", "light"))
        assert [each["id"] for each in found["data"]] == ["job-1", "job-2"]
        assert farm.asked[1].url.params["after"] == "job-1"
        assert farm.asked[0].url.params["state"] == "queued"

    def test_a_state_that_is_none(self, farm: FarmOnPaper) -> None:
        answer = run("jobs", "--state", "finished,done")
        assert answer.exit_code == ExitCode.USAGE
        assert "finished" in answer.stderr
        assert "queued, running" in answer.stderr

    def test_jobs_again_and_again(self, farm: FarmOnPaper) -> None:
        same = good({"data": [job("job-1"), job("job-2")]})
        changed = good({"data": [job("job-1", state="running"), job("job-2")]})
        farm.on("GET /jobs", same, same, changed, pressed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("reelyard.cli.jobs._WATCH_SECONDS", 0.0)
            answer = run("jobs", "--watch", "--json")
        assert answer.exit_code == ExitCode.INTERRUPTED
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        assert [(line["id"], line["state"]) for line in lines] == [
            ("job-2", "queued"),
            ("job-1", "queued"),
            ("job-1", "running"),
        ]

    def test_workers(self, farm: FarmOnPaper) -> None:
        device = {"id": "w1/gpu0", "kind": "cuda", "name": "RTX 4090", "memory_gib": 24.0}
        device |= {"free_gib": 3.5, "resident": [{"model": "wan", "gib": 20}], "running": ["t"]}
        worker = {"id": "w1", "node": "n", "state": "online", "version": "1", "cpus": 8}
        worker |= {"ram_gib": 64.0, "last_seen": AT, "devices": [device]}
        farm.on("GET /workers", good({"data": [worker, worker | {"id": "w2", "devices": []}]}))
        answer = run("workers")
        assert re.search(r"w1 +online +w1/gpu0 +RTX 4090 +24.0 GiB +3.5 GiB +wan +t", answer.stdout)
        assert data(run("workers", "--json"))["data"][0]["devices"][0]["free_gib"] == 3.5
        farm.on("GET /workers", good({"data": []}))
        assert "no worker has joined" in run("workers").stderr

    def test_models(self, farm: FarmOnPaper) -> None:
        model = {"id": "wan", "kind": "video", "name": "Wan", "licence": "Apache-2.0"}
        model |= {"available_on": ["w1/gpu0"], "width": 832, "height": 480, "fps": 16}
        voice = {
            "id": "heart",
            "kind": "voice",
            "name": "Heart",
            "licence": "MIT",
            "language": "en",
        }
        farm.on("GET /models", good({"data": [model, voice]}))
        answer = run("models")
        assert re.search(r"wan +video +w1/gpu0 +832x480, 16 fps", answer.stdout)
        assert re.search(r"heart +voice +no device here +en", answer.stdout)
        assert len(data(run("models", "--json"))["data"]) == 2


class TestShow:
    def test_a_job_with_its_reasons_and_files(self, farm: FarmOnPaper) -> None:
        file = {"name": "voice.wav", "media_type": "audio/wav", "size_bytes": 7, "sha256": "a" * 64}
        tasks = [
            task("voice", state="done", seconds=1.25, artifacts=[file], notes=["drawn as 'sea'"]),
            task("video1", because="waits for its narration"),
        ]
        farm.on("GET /jobs/job", good(job(task_list=tasks, warnings=["a line was long"])))
        told = run("show", "job").stdout
        assert "job-abc.voice" in told
        assert "done in 1.2 s" in told
        assert "waiting: waits for its narration" in told
        assert "warning: a line was long" in told
        assert "note: Scene 1 - voice: drawn as 'sea'" in told
        assert "a" * 64 in told

    def test_a_task_by_the_beginning_of_both_names(self, farm: FarmOnPaper) -> None:
        attempt = {
            "id": "x",
            "number": 1,
            "state": "failed",
            "worker_id": "w",
            "device_id": "w/cpu",
        }
        attempt |= {"because": "fits", "created_at": AT, "failure": "out of memory"}
        found = task("s01.voice", attempts=[attempt])
        farm.on("GET /jobs/abc", good(job(task_list=[found, task("s01.video1")])))
        farm.on("GET /tasks/job-abc.s01.voice", good(found))
        assert "try 1: failed on w/cpu; out of memory" in run("show", "abc.s01.vo").stdout
        assert data(run("show", "abc.s01.vo", "--json"))["id"] == "job-abc.s01.voice"
        answer = run("show", "abc.s01")
        assert answer.exit_code == ExitCode.NOT_FOUND
        assert "more than one task" in answer.stderr

    def test_why_a_job_waits(self, farm: FarmOnPaper) -> None:
        device = {"worker_id": "w", "device_id": "w/cpu", "name": "CPU", "can": False}
        answers = [
            {"task_id": f"job-abc.s0{n}.voice", "state": "waiting", "because": "no device is free",
             "can_ever_run": n != 3, "queue_position": n, "devices": [device | {"because": "busy"}]}
            for n in (1, 2, 3)
        ]  # fmt: skip
        tasks = [task(f"s0{n}.voice") for n in (1, 2, 3)]
        farm.on("GET /jobs/job-abc", good(job(task_list=tasks)))
        farm.on("GET /jobs/job-abc/why", good({"data": answers}))
        farm.on("GET /tasks/job-abc.s03.voice", good(tasks[2]))
        farm.on("GET /tasks/job-abc.s03.voice/why", good(answers[2]))
        told = run("why", "job-abc").stdout
        assert "(and 2 more like it)" in told
        assert re.search(r"w +CPU +no +busy", told)
        assert len(data(run("why", "job-abc", "--json"))["tasks"]) == 3
        assert "can ever run it" in run("why", "job-abc.s03").stdout

    def test_why_nothing_waits(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", good(job(state="done")))
        farm.on("GET /jobs/job-abc/why", good({"data": []}))
        assert run("why", "job-abc").stdout == "job-abc is done: nothing of it waits\n"


class TestCancel:
    def test_some_had_ended_already(self, farm: FarmOnPaper) -> None:
        for name in ("job-1", "job-2"):
            farm.on(f"POST /jobs/{name}/cancel", good(job(name)))
            farm.on(f"GET /jobs/{name}", good(job(name, state="cancelled")))
        farm.on("POST /jobs/job-2/cancel", problem(409, "job-2 has ended already."))
        answer = run("cancel", "job-1", "job-2", "--because", "the wrong voice")
        assert answer.exit_code == ExitCode.PARTLY
        assert answer.stdout == "job-1\n"
        assert "1 cancelled, 1 skipped (already ended)" in answer.stderr
        assert json.loads(farm.asked[0].content) == {"because": "the wrong voice"}
        told = data(run("cancel", "job-1", "job-2", "--json"))
        assert told["cancelled"] == ["job-1"]
        assert (told["failed"][0]["job"], told["failed"][0]["code"]) == ("job-2", 8)

    def test_one_that_had_ended(self, farm: FarmOnPaper) -> None:
        farm.on("POST /jobs/job-2/cancel", problem(409, "job-2 has ended already."))
        assert run("cancel", "job-2").exit_code == ExitCode.CONFLICT


class TestTokens:
    def test_the_secret_is_the_data(self, farm: FarmOnPaper) -> None:
        made = {"id": "ab12", "name": "anna", "created_at": AT, "secret": "reelyard_ab12_s"}
        farm.on("POST /tokens", good(made))
        answer = run("token", "create", "anna")
        assert answer.stdout == "reelyard_ab12_s\n"
        assert "not shown again" in answer.stderr
        assert data(run("token", "create", "anna", "--json"))["secret"] == "reelyard_ab12_s"

    def test_list_and_revoke(self, farm: FarmOnPaper) -> None:
        farm.on("GET /tokens", good({"data": [{"id": "ab12", "name": "anna", "created_at": AT}]}))
        farm.on("DELETE /tokens/ab12", httpx2.Response(204))
        assert re.search(r"ab12 +anna .* never", run("token", "list").stdout)
        assert data(run("token", "list", "--json"))["data"][0]["id"] == "ab12"
        assert run("token", "revoke", "ab12").stdout == "ab12\n"
        assert data(run("token", "revoke", "ab12", "--json")) == {"revoked": "ab12"}
        assert run("token", "revoke", "none").exit_code == ExitCode.NOT_FOUND


def film_of(farm: FarmOnPaper, content: bytes) -> dict[str, Any]:
    """A film that the farm hands over, poster and sheet alike."""
    sha256 = hashlib.sha256(content).hexdigest()
    farm.on(f"GET /artifacts/{sha256}", httpx2.Response(200, content=content))
    file = {"name": "x", "media_type": "video/mp4", "size_bytes": len(content), "sha256": sha256}
    return {"film": file, "poster": file, "sheet": file, "frames": 1, "seconds": 1}


class TestFetch:
    def test_without_a_film(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", good(job(state="running")))
        answer = run("fetch", "job-abc")
        assert answer.exit_code == ExitCode.NOT_FOUND
        assert "reelyard watch job-abc" in answer.stderr

    @pytest.mark.parametrize("to", [".", "new/", "new/my.mp4"])
    def test_it_comes_with_what_lies_beside_it(
        self, to: str, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        farm.on("GET /jobs/job-abc", good(job(state="done", film=film_of(farm, b"a film"))))
        told = data(run("fetch", "job-abc", "-o", to, "--json"))
        film = Path(told["film"])
        assert film.name == ("my.mp4" if to.endswith(".mp4") else "the-lighthouse.mp4")
        assert film.read_bytes() == b"a film"
        assert {Path(path).suffix for path in told["beside"]} == {".jpg"}
        assert run("fetch", "job-abc", "-o", to).exit_code == ExitCode.OK, "the same is no other"
        farm.on("GET /jobs/job-abc", good(job(state="done", film=film_of(farm, b"another"))))
        assert run("fetch", "job-abc", "-o", to).exit_code == ExitCode.CONFLICT
        assert run("fetch", "job-abc", "-o", to, "--force").exit_code == ExitCode.OK
        assert film.read_bytes() == b"another"

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("The Lighthouse", "the-lighthouse.mp4"),
            ("../../etc/passwd", "etc-passwd.mp4"),
            ("Größe 1: 灯台!", "größe-1-灯台.mp4"),
            ("...", "film.mp4"),
            ("x" * 200, "x" * 80 + ".mp4"),
        ],
    )
    def test_a_title_becomes_a_harmless_name(self, title: str, name: str) -> None:
        assert file_name(title) == name

    def test_another_file_is_not_replaced(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        file = {"name": "x", "media_type": "video/mp4", "size_bytes": 7, "sha256": "a" * 64}
        film = {"film": file, "poster": file, "sheet": file, "frames": 1, "seconds": 1}
        farm.on("GET /jobs/job-abc", good(job(state="done", film=film)))
        (tmp_path / "the-lighthouse.mp4").write_bytes(b"mine")
        answer = run("fetch", "job-abc")
        assert answer.exit_code == ExitCode.CONFLICT
        assert "--force" in answer.stderr
        assert (tmp_path / "the-lighthouse.mp4").read_bytes() == b"mine"
