"""The `reelyard` command as a process of its own, against a real API: pipes, signals, a terminal,
start-up, and the exit codes that need a server."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.running_api import RunningApi, running_api
from tests.support.running_farm import REELYARD, clean_environment
from tests.support.waiting import eventually

SCRIPT = "title: Small\nscenes:\n  - picture: a red circle\n    say: One red circle.\n"
SECONDS = 60.0


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """Takes jobs; nobody renders them."""
    with running_api(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture
def environment(api: RunningApi, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text(api.token)
    return {
        **clean_environment(),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "REELYARD_URL": api.address,
        "REELYARD_TOKEN_FILE": str(tmp_path / "token"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


class Shell:
    """Runs the command in an empty folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def __call__(
        self, *words: str, stdin: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            [*REELYARD, *words],
            cwd=self.folder,
            env={**self.environment, **more},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert "Traceback" not in answer.stderr, answer.stderr
        return answer

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen([*REELYARD, *words], cwd=self.folder, env=self.environment, **given)

    def submitted(self) -> str:
        """The id of a fresh job."""
        answer = self("submit", "-", stdin=SCRIPT)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()


@pytest.fixture
def reelyard(tmp_path: Path, environment: dict[str, str]) -> Shell:
    return Shell(tmp_path, environment)


class TestStartUp:
    """`--help` answers at once: what is heavy is imported by the command that needs it."""

    HEAVY = (
        "torch",
        "coordinator",
        "worker",
        "dashboard",
        "diffusers",
        "httpx2",
        "pydantic",
        "yaml",
    )

    def loaded(self, code: str) -> set[str]:
        told = f"import sys; {code}; print(*sys.modules)"
        answer = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True)
        return {name.partition(".")[0] for name in answer.stdout.split()}

    def test_nothing_heavy_is_loaded_for_help(self) -> None:
        loaded = self.loaded("import reelyard.cli.main")
        assert "typer" in loaded
        assert not loaded & set(self.HEAVY)

    def test_the_client_needs_no_part_of_a_farm(self) -> None:
        loaded = self.loaded("import reelyard.client, reelyard.cli.watch, reelyard.cli.watching")
        assert "httpx2" in loaded
        assert not loaded & {"torch", "coordinator", "worker", "dashboard", "sqlalchemy", "celery"}


class TestOneJob:
    """From submit to cancel, with the real API."""

    def test_it_is_submitted_shown_explained_and_cancelled(self, reelyard: Shell) -> None:
        job_id = reelyard.submitted()
        shown = json.loads(reelyard("show", "--json").stdout)
        assert (shown["id"], shown["state"], shown["title"]) == (job_id, "queued", "Small")
        assert json.loads(reelyard("show", job_id[:-2], "--json").stdout)["id"] == job_id
        task = json.loads(reelyard("show", "@last.s01.vo", "--json").stdout)
        assert task["id"] == f"{job_id}.s01.voice"
        assert job_id in reelyard("jobs", "--state", "queued,running").stdout
        why = json.loads(reelyard("why", "--json").stdout)
        assert {f"{job_id}.s01.voice", f"{job_id}.film"} <= {t["task_id"] for t in why["tasks"]}
        assert "Scene 1" in reelyard("why").stdout
        assert reelyard("fetch").returncode == 3

        assert reelyard("cancel", "@last", "--because", "a test").stdout == f"{job_id}\n"
        assert reelyard("cancel", "@last").returncode == 8
        other = reelyard.submitted()
        assert reelyard("cancel", job_id, other).returncode == 7

        watched = reelyard("watch", job_id)
        assert watched.returncode == 1
        assert "a test" in watched.stderr
        told = reelyard("watch", job_id, "--json")
        assert told.returncode == 1
        types = [json.loads(line)["type"] for line in told.stdout.splitlines()]
        assert (types[0], types[-1]) == ("job.submitted", "job.cancelled")

    def test_every_problem_comes_back_with_its_line(self, reelyard: Shell) -> None:
        (reelyard.folder / "bad.yaml").write_text("titel: x\nfps: 0\nvoice: hart\n" + SCRIPT)
        for words in (["submit"], ["submit", "--dry-run"], ["validate"]):
            answer = reelyard(*words, "bad.yaml")
            assert answer.returncode == 2
            assert "bad.yaml:1: titel: is not a field" in answer.stderr
            assert "bad.yaml:3: voice: is not a voice of the catalog" in answer.stderr
            assert "bad.yaml:2: fps: is too small (got 0; limit at least 1)" in answer.stderr
            assert answer.stdout == ""

    def test_the_same_key(self, reelyard: Shell) -> None:
        first = reelyard("submit", "-", "--key", "test-key", stdin=SCRIPT)
        again = reelyard("submit", "-", "--key", "test-key", stdin=SCRIPT)
        assert first.stdout == again.stdout
        other = reelyard("submit", "-", "--key", "test-key", stdin=SCRIPT + "seed: 1\n")
        assert other.returncode == 8

    def test_a_plain_script_from_a_pipe(self, reelyard: Shell) -> None:
        answer = reelyard("submit", "-", "--json", stdin="[picture: a red circle]\nOne.\n\nTwo.")
        assert json.loads(answer.stdout)["submitted"][0]["job"]["scenes"] == 2

    def test_the_time_to_wait_is_over(self, reelyard: Shell) -> None:
        answer = reelyard("submit", "-", "--wait", "--timeout", "0.5", stdin=SCRIPT)
        assert answer.returncode == 124
        assert "it goes on" in answer.stderr
        assert reelyard("watch", "--json", "--timeout", "0.5").returncode == 124


class TestDoors:
    def test_a_token_of_its_own(self, reelyard: Shell) -> None:
        made = reelyard("token", "create", "anna").stdout.strip()
        token_id = made.split("_")[1]
        file = reelyard.folder / "anna"
        file.write_text(made)
        assert reelyard("jobs", "--token-file", str(file)).returncode == 0
        assert "anna" in reelyard("token", "list").stdout
        assert reelyard("token", "revoke", token_id).returncode == 0
        answer = reelyard("jobs", "--token-file", str(file))
        assert answer.returncode == 4
        assert "REELYARD_TOKEN" in answer.stderr or "token" in answer.stderr

    def test_without_a_token(self, reelyard: Shell) -> None:
        assert reelyard("jobs", REELYARD_TOKEN_FILE="").returncode == 4

    def test_nobody_answers(self, reelyard: Shell) -> None:
        answer = reelyard("jobs", "--url", "http://127.0.0.1:9")
        assert answer.returncode == 5
        assert "reelyard up" in answer.stderr


class TestSignals:
    @pytest.mark.parametrize("words", [["watch"], ["watch", "--json"]])
    def test_ctrl_c_ends_the_watching_not_the_job(self, words: list[str], reelyard: Shell) -> None:
        job_id = reelyard.submitted()
        told = reelyard.folder / "told"
        with told.open("wb") as file:
            watching = reelyard.start(*words, stdout=file, stderr=file)
            eventually(lambda: job_id in told.read_text(), SECONDS, "it watches")
            watching.send_signal(signal.SIGINT)
            assert watching.wait(SECONDS) == 130
        assert f"reelyard cancel {job_id}" in told.read_text()
        assert "Traceback" not in told.read_text()
        assert json.loads(reelyard("show", "--json").stdout)["state"] == "queued"


class TestPipes:
    def test_whoever_reads_may_go(self, reelyard: Shell) -> None:
        for words in (["schema"], ["jobs", "--watch", "--json"]):
            reelyard.submitted()
            program = reelyard.start(*words)
            assert program.stdout is not None and program.stderr is not None
            program.stdout.read(10)
            program.stdout.close()
            if "--watch" in words:
                reelyard.submitted()  # the next line finds nobody
            assert program.wait(SECONDS) == 0
            assert program.stderr.read() == b""

    def test_no_colour_and_no_bars_in_a_pipe(self, reelyard: Shell) -> None:
        reelyard.submitted()
        answer = reelyard("watch", "--timeout", "0")
        assert "\x1b" not in answer.stderr + reelyard("jobs").stdout + reelyard("doctor").stdout

    def test_files_that_cannot_be_read(self, reelyard: Shell) -> None:
        (reelyard.folder / "picture.yaml").write_bytes(os.urandom(64) + b"\xff\x00")
        (reelyard.folder / "locked.yaml").write_text(SCRIPT)
        (reelyard.folder / "locked.yaml").chmod(0)
        names = ["picture.yaml", "none.yaml", "."]
        names += [] if os.access(reelyard.folder / "locked.yaml", os.R_OK) else ["locked.yaml"]
        for command in ("validate", "submit"):
            for name in names:
                answer = reelyard(command, name)
                assert answer.returncode == 2, (name, answer.stderr)
                assert answer.stderr.startswith(name)


class TestTerminal:
    """On a terminal the job is a live picture with bars."""

    def watched(self, reelyard: Shell, **more: str) -> str:
        master, slave = pty.openpty()
        reelyard.environment |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **more}
        watching = reelyard.start("watch", "--timeout", "1", stderr=slave)
        os.close(slave)
        told = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            told += piece
        os.close(master)
        assert watching.wait(SECONDS) == 124
        return told.decode()

    def test_bars_are_drawn(self, reelyard: Shell) -> None:
        job_id = reelyard.submitted()
        told = self.watched(reelyard)
        assert "\x1b[" in told
        assert "Small" in told and job_id in told
        assert "Scene 1" in told and "━" in told

    def test_no_color_is_heeded(self, reelyard: Shell) -> None:
        reelyard.submitted()
        told = self.watched(reelyard, NO_COLOR="1")
        assert "Scene 1" in told
        assert not any(f"\x1b[{code}m" in told for code in (31, 32, 33, 36))
