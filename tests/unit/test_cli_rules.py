"""`reelyard rules`: what it prints, what it sends, what becomes of a text that somebody edits."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from reelyard.cli.exits import ExitCode
from reelyard.resources import ProblemItem
from reelyard.rules.parse import parse
from reelyard.rules.shown import rules_body
from reelyard.rules.text import EXAMPLE
from reelyard.rules.views import RevisionView, RulesCheck, RulesHistory, RulesView
from tests.support.command_line import data, farm_for_commands, run
from tests.support.farm_on_paper import AT, FarmOnPaper, good, problem

TEXT = """\
timezone = "Europe/Paris"
[pools.a]
hours = "Mon 01:00-24:00"
[tariff]
currency = "EUR"
price_per_kwh = 0.3
patience_hours = 8
slack_power_cap = 0.9
"""
GONE = httpx2.ConnectError("nobody")


def shown(revision: int = 2, text: str = TEXT, **more: Any) -> RulesView:
    who = "anna" if revision else ""
    body = rules_body(parse(text), 0.0)
    return RulesView(revision=revision, at=AT, who=who, text=text, rules=body, **more)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    return farm_for_commands(tmp_path, monkeypatch).on("GET /rules", good(shown(notes=["mind"])))


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "rules.toml").write_text(TEXT)
    return "rules.toml"


class TestShow:
    def test_the_document_is_what_is_piped(self, farm: FarmOnPaper) -> None:
        answer = run("rules")
        assert answer.stdout == TEXT == run("rules", "show").stdout
        assert "revision 2, by anna" in answer.stderr and "note: mind" in answer.stderr
        assert "pool a: closed, opens Mon 1970-01-05 01:00 Europe/Paris (Mon 01:00" in answer.stderr
        assert "0.3 EUR now" in answer.stderr
        assert "batch work waits up to 8 h for a lower price" in answer.stderr
        assert "what has time runs at 90% of the power limit" in answer.stderr

    def test_json(self, farm: FarmOnPaper) -> None:
        assert data(run("rules", "--json"))["text"] == TEXT
        assert data(run("rules", "show", "--json"))["rules"]["pools"][0]["id"] == "a"

    def test_an_older_one(self, farm: FarmOnPaper) -> None:
        farm.on("GET /rules/history/1", good(shown(1, "")))
        assert "revision 1" in run("rules", "show", "--revision", "1").stderr
        assert run("rules", "show", "--revision", "7").exit_code == ExitCode.NOT_FOUND

    def test_a_farm_without_any(self, farm: FarmOnPaper) -> None:
        farm.on("GET /rules", good(shown(0, "")))
        answer = run("rules")
        assert answer.stdout == "" and "reelyard rules example" in answer.stderr

    def test_the_example_is_a_document(self, farm: FarmOnPaper) -> None:
        assert run("rules", "example").stdout == EXAMPLE
        assert data(run("rules", "example", "--json")) == {"text": EXAMPLE}

    def test_history(self, farm: FarmOnPaper) -> None:
        one = RevisionView(revision=3, at=AT, who="bob", sentence="owner anna is new")
        farm.on("GET /rules/history", good(RulesHistory(data=[one])))
        assert re.search(r"^3 .* bob .* owner anna is new$", run("rules", "history").stdout, re.M)
        assert data(run("rules", "history", "--json"))["data"][0]["revision"] == 3
        assert farm.asked[-1].url.params["limit"] == "20"
        farm.on("GET /rules/history", good(RulesHistory(data=[])))
        assert "nobody" in run("rules", "history").stderr


class TestCheck:
    def test_by_the_farm(self, farm: FarmOnPaper, file: str) -> None:
        farm.on("POST /rules/check", good(RulesCheck(changes=["pool a is new"], notes=["mind"])))
        answer = run("rules", "check", file)
        assert (answer.exit_code, answer.stdout) == (0, "pool a is new\n")
        assert "note: mind" in answer.stderr and "rules.toml: good" in answer.stderr
        assert farm.asked[-1].content == TEXT.encode()
        assert farm.asked[-1].headers["Content-Type"] == "application/toml"

    def test_problems_as_compilers_print_them(self, farm: FarmOnPaper, file: str) -> None:
        item = ProblemItem(field="pools.a", message="is wrong", line=3, remedy="Mend it.")
        farm.on("POST /rules/check", good(RulesCheck(problems=[item])))
        answer = run("rules", "check", file)
        assert answer.exit_code == ExitCode.USAGE and answer.stdout == ""
        assert answer.stderr == "rules.toml:3: pools.a: is wrong. Mend it.\n"
        assert data(run("rules", "check", file, "--json"))["problems"][0]["field"] == "pools.a"

    def test_without_a_farm(self, farm: FarmOnPaper, file: str) -> None:
        farm.on("POST /rules/check", GONE)
        answer = run("rules", "check", file)
        assert answer.exit_code == 0 and "pool a is new" in answer.stdout
        assert "Names are not looked up." in answer.stderr
        assert "colour" in run("rules", "check", "-", stdin="colour = 1").stderr

    def test_files_that_cannot_be_read(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        (tmp_path / "latin").write_bytes(b"# caf\xe9\n")
        for name in ("latin", "nowhere", "."):
            answer = run("rules", "check", name)
            assert answer.exit_code == ExitCode.USAGE and name in answer.stderr


class TestSet:
    def test_it_is_in_force(self, farm: FarmOnPaper, file: str) -> None:
        farm.on("PUT /rules", good(shown(3, notes=["mind"])))
        answer = run("rules", "set", file)
        assert answer.stdout == "3\n" and "note: mind" in answer.stderr
        assert "If-Match" not in farm.asked[-1].headers
        assert data(run("rules", "set", file, "--revision", "2", "--json"))["revision"] == 3
        assert farm.asked[-1].headers["If-Match"] == '"2"'

    def test_somebody_else_was_faster(self, farm: FarmOnPaper, file: str) -> None:
        farm.on("PUT /rules", problem(412, "revision 4 is in force."))
        answer = run("rules", "set", file, "--revision", "2")
        assert answer.exit_code == ExitCode.CONFLICT and "revision 4" in answer.stderr


class TestEdit:
    @pytest.fixture
    def editor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """One that writes down what it was given and puts what is in `new.toml` there."""
        script = tmp_path / "editor.py"
        script.write_text(
            "import pathlib, sys\n"
            "draft = pathlib.Path(sys.argv[1])\n"
            "pathlib.Path('seen.toml').write_text(draft.read_text())\n"
            "pathlib.Path('name').write_text(str(draft))\n"
            "new = pathlib.Path('new.toml')\n"
            "new.exists() and draft.write_text(new.read_text())\n"
        )
        monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        return tmp_path

    def draft(self, folder: Path) -> Path:
        return Path((folder / "name").read_text())

    def test_the_present_text_is_edited_and_put_in_force(
        self, farm: FarmOnPaper, editor: Path
    ) -> None:
        (editor / "new.toml").write_text("# new\n")
        farm.on("PUT /rules", good(shown(3, "# new\n")))
        answer = run("rules", "edit")
        assert answer.stdout == "3\n" and (editor / "seen.toml").read_text() == TEXT
        assert farm.asked[-1].content == b"# new\n" and farm.asked[-1].headers["If-Match"] == '"2"'
        assert not self.draft(editor).exists()

    def test_a_farm_without_any_begins_with_the_example(
        self, farm: FarmOnPaper, editor: Path
    ) -> None:
        farm.on("GET /rules", good(shown(0, ""))).on("PUT /rules", good(shown(1, EXAMPLE)))
        assert data(run("rules", "edit", "--json"))["revision"] == 1
        assert (editor / "seen.toml").read_text() == EXAMPLE

    def test_nothing_is_sent_when_nothing_is_different(
        self, farm: FarmOnPaper, editor: Path
    ) -> None:
        answer = run("rules", "edit")
        assert answer.stdout == "" and "nothing is different" in answer.stderr
        assert not list(farm.of("PUT /rules"))

    def test_what_is_refused_stays_in_its_file(self, farm: FarmOnPaper, editor: Path) -> None:
        (editor / "new.toml").write_text("colour = 1\n")
        item = {"field": "colour", "message": "is no field", "line": 1}
        farm.on("PUT /rules", problem(422, "1 problem", errors=[item]))
        answer = run("rules", "edit")
        assert answer.exit_code == ExitCode.USAGE and "colour: is no field" in answer.stderr
        draft = self.draft(editor)
        assert str(draft) in answer.stderr.replace("\n", "")
        assert draft.read_text() == "colour = 1\n"
        assert stat.S_IMODE(draft.stat().st_mode) == 0o600

    def test_it_is_edited_again_until_it_is_right(
        self, farm: FarmOnPaper, editor: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (editor / "new.toml").write_text("colour = 1\n")
        item = {"field": "colour", "message": "is no field", "line": 1}
        wrong = problem(422, "1 problem", errors=[item])
        farm.on("PUT /rules", wrong, wrong, good(shown(3, "# good\n")))
        monkeypatch.setattr("reelyard.cli.rules_edit._is_asked", lambda: True)
        answer = run("rules", "edit", stdin="y\ny\n")
        assert answer.exit_code == 0 and len(list(farm.of("PUT /rules"))) == 3
        farm.on("PUT /rules", wrong)
        assert run("rules", "edit", stdin="n\n").exit_code == ExitCode.USAGE

    @pytest.mark.parametrize("command", ["/nowhere/vi", "'", f"{sys.executable} -c exit(3)"])
    def test_an_editor_that_does_not_work(
        self, farm: FarmOnPaper, editor: Path, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.setenv("VISUAL", command)
        answer = run("rules", "edit")
        assert answer.exit_code in (ExitCode.USAGE, ExitCode.FAILED)
        assert "editor" in answer.stderr.lower() and "kept in" in answer.stderr
        assert not list(farm.of("PUT /rules"))


def test_json_errors_are_one_object(farm: FarmOnPaper, file: str) -> None:
    farm.on("PUT /rules", problem(412, "changed meanwhile"))
    answer = run("rules", "set", file, "--json")
    assert json.loads(answer.stderr)["error"]["code"] == ExitCode.CONFLICT
