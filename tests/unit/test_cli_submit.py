"""`reelyard submit` and `reelyard watch`: ids, notes, problems, and the job's outcome."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from reelyard.cli import following
from reelyard.cli.exits import ExitCode
from reelyard.clock import ManualClock
from tests.support.command_line import SCRIPT, data, farm_for_commands, pressed, run
from tests.support.farm_on_paper import (
    FarmOnPaper,
    event,
    good,
    job,
    problem,
    stream,
    submitted,
    task,
)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    return farm_for_commands(tmp_path, monkeypatch)


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "film.yaml").write_text(SCRIPT)
    return str(tmp_path / "film.yaml")


class TestSubmit:
    def test_the_id_is_the_data(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted(notes=["a word is drawn as another"])))
        answer = run("submit", script, "--priority", "70", "--key", "mine")
        assert answer.exit_code == ExitCode.OK
        assert answer.stdout == "job-abc\n"
        assert "number 1 in the queue" in answer.stderr
        assert "note: a word is drawn as another" in answer.stderr
        assert farm.asked[0].headers["Idempotency-Key"] == "mine"
        assert farm.asked[0].url.params["priority"] == "70"
        assert farm.asked[0].content == SCRIPT.encode()

    def test_json_has_every_file(self, farm: FarmOnPaper, script: str, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text("fps: 0\n")
        items = [{"field": "fps", "message": "is too small", "line": 1, "remedy": "Larger."}]
        farm.on("POST /jobs", good(submitted()), problem(422, "1 problem", errors=items))
        answer = run("submit", script, str(tmp_path / "bad.yaml"), "--json")
        assert answer.exit_code == ExitCode.PARTLY
        told = data(answer)
        assert [entry["job"]["id"] for entry in told["submitted"]] == ["job-abc"]
        assert told["submitted"][0]["file"] == script
        [refused] = told["refused"]
        assert (refused["code"], refused["problems"][0]["field"]) == (2, "fps")

    def test_problems_are_printed_as_compilers_do(self, farm: FarmOnPaper, script: str) -> None:
        items = [
            {"field": "fps", "message": "is too small", "value": "0", "line": 3, "remedy": "Do."},
            {"field": "size", "message": "is odd", "remedy": "Mend."},
        ]
        farm.on("POST /jobs", problem(422, "2 problems", errors=items))
        answer = run("submit", script)
        assert answer.exit_code == ExitCode.USAGE
        assert answer.stderr == (
            f"{script}:3: fps: is too small (got 0). Do.\n{script}: size: is odd. Mend.\n"
        )

    def test_from_a_pipe(self, farm: FarmOnPaper) -> None:
        farm.on("POST /jobs", good(submitted()))
        for text in (SCRIPT, '{"scenes": []}', "Once upon a time."):
            assert run("submit", "-", stdin=text).exit_code == ExitCode.OK
        types = [request.headers["Content-Type"] for request in farm.asked]
        assert types == ["application/yaml", "application/json", "text/plain"]

    def test_last_is_remembered(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted())).on("GET /jobs/job-abc", good(job()))
        run("submit", script)
        assert data(run("show", "@last", "--json"))["id"] == "job-abc"
        assert data(run("show", "--json"))["id"] == "job-abc"

    def test_nothing_is_sent_when_one_file_cannot_be_read(
        self, farm: FarmOnPaper, script: str, tmp_path: Path
    ) -> None:
        answer = run("submit", script, str(tmp_path / "none.yaml"))
        assert answer.exit_code == ExitCode.USAGE
        assert "none.yaml: is not there" in answer.stderr
        assert not farm.asked

    def test_nobody_can_ever_run_it(self, farm: FarmOnPaper, script: str) -> None:
        because = "needs 31.2 GiB; the largest device has 24.0"
        farm.on("POST /jobs", good(submitted(is_possible=False, because=because)))
        answer = run("submit", script, "--wait")
        assert answer.exit_code == ExitCode.NOBODY_CAN
        assert answer.stdout == "job-abc\n"
        assert because in answer.stderr
        assert "reelyard cancel job-abc" in answer.stderr

    def test_the_same_key_again(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted(created=False)))
        answer = run("submit", script, "--key", "k")
        assert answer.exit_code == ExitCode.OK
        assert "submitted before" in answer.stderr

    def test_a_key_for_another_storyboard(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", problem(409, "the key was used for another storyboard"))
        assert run("submit", script, "--key", "k").exit_code == ExitCode.CONFLICT

    def test_one_key_fits_one_file(self, farm: FarmOnPaper, script: str) -> None:
        assert run("submit", script, script, "--key", "k").exit_code == ExitCode.USAGE
        assert not farm.asked

    def test_a_dry_run_stores_nothing(self, farm: FarmOnPaper, script: str) -> None:
        estimate = {"is_possible": True, "because": "it fits", "scenes": 1, "tasks": 2}
        estimate |= {"fixed_seconds": 0, "free_scenes": 1}
        farm.on("POST /jobs/validate", good({"ok": True, "estimate": estimate, "notes": ["n"]}))
        answer = run("submit", script, "--dry-run")
        assert answer.exit_code == ExitCode.OK
        assert "nothing was stored" in answer.stdout
        told = data(run("submit", script, "--dry-run", "--json"))
        assert told["submitted"][0]["estimate"]["tasks"] == 2
        farm.on(
            "POST /jobs/validate",
            good({"ok": True, "estimate": estimate | {"is_possible": False}}),
        )
        assert run("submit", script, "--dry-run").exit_code == ExitCode.NOBODY_CAN
        bad = {"ok": False, "problems": [{"field": "fps", "message": "is too small"}]}
        farm.on("POST /jobs/validate", good(bad))
        assert run("submit", script, "--dry-run").exit_code == ExitCode.USAGE
        assert {request.url.path for request in farm.asked} == {"/api/v1/jobs/validate"}


class TestWaiting:
    """submit --wait and watch: the exit code is the job's outcome."""

    @pytest.mark.parametrize(
        ("state", "code"),
        [("done", ExitCode.OK), ("failed", ExitCode.FAILED), ("cancelled", ExitCode.FAILED)],
    )
    def test_the_outcome(self, state: str, code: ExitCode, farm: FarmOnPaper, script: str) -> None:
        ended = job(state=state, failure=None if state == "done" else "Scene 1: out of memory")
        farm.on("POST /jobs", good(submitted()))
        running = task("voice", state="running", phase="speak", step=14, steps=30, worker_id="w1")
        farm.on("GET /jobs/job-abc", good(job(state="running", task_list=[running])), good(ended))
        answer = run("submit", script, "--wait")
        assert answer.exit_code == code
        assert answer.stdout == "job-abc\n"
        assert "running step 14/30 speak on w1" in answer.stderr
        assert ("out of memory" in answer.stderr) is (code is not ExitCode.OK)
        assert run("watch", "job-abc").exit_code == code

    def test_what_waits_says_why_and_only_once(self, farm: FarmOnPaper) -> None:
        waits = [task("voice", because=f"the largest free is {n}.0 GiB") for n in (1, 2)]
        farm.on(
            "GET /jobs/job-abc",
            *[good(job(task_list=[each])) for each in waits],
            good(job(state="done")),
        )
        told = run("watch", "job-abc").stderr
        assert told.count("the largest free is") == 1

    def test_the_farm_may_be_away_for_a_moment(self, farm: FarmOnPaper) -> None:
        away = httpx2.ConnectError("restarting")
        farm.on("GET /jobs/job-abc", good(job()), away, away, good(job(state="done")))
        assert run("watch", "job-abc").exit_code == ExitCode.OK

    def test_the_wait_is_over_the_job_goes_on(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", good(job(state="running")))
        answer = run("watch", "job-abc", "--timeout", "0")
        assert answer.exit_code == ExitCode.TIMED_OUT
        assert "reelyard watch job-abc" in answer.stderr

    def test_ctrl_c_says_how_to_cancel(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted()))
        farm.on("GET /jobs/job-abc", good(job()), pressed)
        answer = run("submit", script, "--wait")
        assert answer.exit_code == ExitCode.INTERRUPTED
        assert "job-abc goes on" in answer.stderr
        assert "reelyard cancel job-abc" in answer.stderr

    def test_for_programs_every_event_is_a_line(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", good(job()), good(job(state="failed", failure="x")))
        farm.on("GET /jobs/job-abc/events", stream(event(1), event(2, "job.failed")))
        answer = run("watch", "job-abc", "--json")
        assert answer.exit_code == ExitCode.FAILED
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        assert [line["seq"] for line in lines] == [1, 2]

    def test_several_jobs_that_end_differently(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted("job-1")), good(submitted("job-2")))
        farm.on("GET /jobs/job-1", good(job("job-1", state="done")))
        farm.on("GET /jobs/job-2", good(job("job-2", state="failed")))
        answer = run("submit", script, script, "--wait", "--json")
        assert answer.exit_code == ExitCode.PARTLY
        assert [entry["job"]["state"] for entry in data(answer)["submitted"]] == ["done", "failed"]


def test_the_clock_of_a_command_can_be_handed_in() -> None:
    """`follow` waits with its clock only: a manual one makes a minute pass at once."""
    from reelyard.cli.exits import TimedOut
    from reelyard.resources import JobView

    clock = ManualClock()
    view = JobView.model_validate(job(state="running"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "LOOK_SECONDS", 1.0)
        with pytest.raises(TimedOut):
            following.follow("job-abc", lambda: view, lambda _job: None, clock, 60)
    assert clock.monotonic() == pytest.approx(ManualClock().monotonic() + 60)
