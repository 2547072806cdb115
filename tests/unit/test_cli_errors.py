"""`reelyard validate`, and errors: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from reelyard.cli.exits import ExitCode
from tests.support.command_line import SCRIPT, data, farm_for_commands, run
from tests.support.farm_on_paper import (
    FarmOnPaper,
    problem,
)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    return farm_for_commands(tmp_path, monkeypatch)


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "film.yaml").write_text(SCRIPT)
    return str(tmp_path / "film.yaml")


class TestValidate:
    """Needs no farm."""

    def test_good_and_bad_together(self, farm: FarmOnPaper, script: str, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text("fps: 0\nscenes:\n  - pictur: x\n")
        bad = str(tmp_path / "bad.yaml")
        answer = run("validate", script, bad, str(tmp_path / "none"))
        assert answer.exit_code == ExitCode.USAGE
        assert answer.stdout == f"{script}: good: Untitled, 1 scene\n"
        lines = answer.stderr.splitlines()
        assert lines[0].startswith(f"{bad}:1: fps: is too small (got 0; limit at least 1). ")
        assert f"{bad}:3: scenes[0].picture: is missing. Add it." in lines
        assert "Did you mean `picture`?" in answer.stderr
        assert "none: is not there" in lines[-1]
        told = data(run("validate", script, bad, "--json"))
        assert [entry["ok"] for entry in told["files"]] == [True, False]
        assert told["files"][0]["storyboard"]["scenes"][0]["picture"] == "a red circle"
        assert {"field": "fps", "line": 1}.items() <= told["files"][1]["problems"][0].items()
        assert not farm.asked

    def test_notes_do_not_refuse(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text(SCRIPT + f"    say: {'x' * 150}\n    seconds: 5\n")
        answer = run("validate", str(tmp_path / "a.yaml"))
        assert answer.exit_code == ExitCode.OK
        assert "may not fit" in answer.stderr

    def test_from_a_pipe(self, farm: FarmOnPaper) -> None:
        assert run("validate", "-", stdin="Once upon a time.").exit_code == ExitCode.OK
        assert run("validate", "-", stdin=b"\x89PNG\x00").exit_code == ExitCode.USAGE


class TestErrors:
    """A sentence and an exit code, never a traceback."""

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (problem(404, "there is no job"), ExitCode.NOT_FOUND),
            (problem(401, "no token"), ExitCode.UNAUTHORIZED),
            (problem(503, "stopping"), ExitCode.UNREACHABLE),
            (httpx2.ConnectError("refused"), ExitCode.UNREACHABLE),
            (problem(500, "a defect"), ExitCode.FAILED),
        ],
    )
    def test_of_the_farm(self, answer: Any, code: ExitCode, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", answer)
        told = run("show", "job-abc")
        assert told.exit_code == code
        assert told.stdout == ""
        assert told.stderr.startswith("error: ")
        told = run("show", "job-abc", "--json")
        assert told.stdout == ""
        assert json.loads(told.stderr)["error"]["code"] == code

    def test_of_the_command_line(self, farm: FarmOnPaper) -> None:
        for words in (["submit"], ["nonsense"], ["jobs", "--limit", "x"], ["show", "--what"]):
            assert run(*words).exit_code == ExitCode.USAGE

    def test_of_the_settings(self, farm: FarmOnPaper, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REELYARD_MAX_SCENES", "many")
        answer = run("validate", "-", stdin=SCRIPT)
        assert answer.exit_code == ExitCode.USAGE
        assert "REELYARD_MAX_SCENES" in answer.stderr
        monkeypatch.setenv("REELYARD_URL", "ftp://farm")
        assert run("jobs").exit_code == ExitCode.USAGE

    def test_of_files(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        (tmp_path / "picture.yaml").write_bytes(b"\x89PNG\r\n\x1a\n")
        for path, said in [
            (tmp_path, "is a folder"),
            (tmp_path / "none.txt", "is not there"),
            (tmp_path / ("x" * 300), "cannot be read"),
            (tmp_path / "picture.yaml", "is not text"),
        ]:
            answer = run("validate", str(path))
            assert answer.exit_code == ExitCode.USAGE
            assert said in answer.stderr

    def test_no_farm_to_stop(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        (tmp_path / "farm.json").write_text('{"processes": {"up": 1}}')
        (tmp_path / "up.lock").touch()
        answer = run("down", "--state", str(tmp_path))
        assert answer.exit_code == ExitCode.NOT_FOUND
        assert "no farm runs" in answer.stderr

    def test_a_port_that_there_is_not(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        answer = run("up", "--state", str(tmp_path / "farm"), "--port", "65535")
        assert answer.exit_code == ExitCode.USAGE
        assert "65534" in answer.stderr
        assert not (tmp_path / "farm").exists()

    def test_a_demo_of_a_wrong_script_starts_nothing(
        self, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.yaml").write_text("model: nope\n" + SCRIPT)
        answer = run("demo", str(tmp_path / "bad.yaml"))
        assert answer.exit_code == ExitCode.USAGE
        assert "model: is not a model of the catalog" in answer.stderr
        assert not (tmp_path / ".reelyard").exists()
