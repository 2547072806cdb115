"""The `reelyard` command in a test: words in, what it prints and its exit code out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from reelyard import client as client_module
from reelyard.cli import following
from reelyard.cli.main import app
from tests.support.farm_on_paper import FarmOnPaper

ROOT = Path(__file__).parents[2]
SCRIPT = "scenes:\n  - picture: a red circle\n"


def farm_for_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    """What every command speaks to; the current folder is an empty one."""
    farm, real = FarmOnPaper(), httpx2.Client
    monkeypatch.setattr(
        client_module.httpx2, "Client", lambda **given: real(**{**given, "transport": farm})
    )
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("REELYARD_URL", "REELYARD_TOKEN", "REELYARD_TOKEN_FILE", "REELYARD_STATE"):
        monkeypatch.delenv(name, raising=False)
    return farm


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    """What the command said; an exception that is none of the command line's is a defect."""
    answer = CliRunner().invoke(app, words, input=stdin)
    assert "Traceback" not in answer.output
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer


def data(answer: Result) -> Any:
    """The one object on stdout."""
    assert answer.stdout.count("\n") == 1, answer.stdout
    return json.loads(answer.stdout)


def pressed(_request: httpx2.Request) -> httpx2.Response:
    """Ctrl-C while the farm is asked."""
    raise KeyboardInterrupt
