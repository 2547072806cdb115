"""A service's command line says what is wrong in words, and how in its exit code."""

from __future__ import annotations

import sys

import pytest
import typer

from reelyard.errors import InvalidInput, Problem, ReelyardError, Unreachable
from reelyard.program import run


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        (InvalidInput([Problem("REELYARD_STATE", "is not a folder")]), 2, "REELYARD_STATE"),
        (Unreachable("the database does not answer."), 1, "does not answer"),
    ],
)
def test_an_error_of_ours_is_a_sentence(
    wrong: ReelyardError,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def go() -> None:
        raise wrong

    monkeypatch.setattr(sys, "argv", ["reelyard-thing"])
    with pytest.raises(SystemExit) as end:
        run(app, "reelyard-thing")
    assert end.value.code == code
    heard = capsys.readouterr()
    assert heard.err.startswith("reelyard-thing: ")
    assert said in heard.err
    assert not heard.out
