"""docs/cli.md, help, version and schema say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from reelyard.cli.exits import ExitCode
from reelyard.cli.main import app
from tests.support.command_line import ROOT, data, farm_for_commands, run
from tests.support.farm_on_paper import (
    FarmOnPaper,
)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    return farm_for_commands(tmp_path, monkeypatch)


class TestAbout:
    def test_version_and_schema(self, farm: FarmOnPaper) -> None:
        assert run("version").stdout.strip() == data(run("version", "--json"))["version"]
        published = json.loads((ROOT / "docs/storyboard.schema.json").read_text())
        assert json.loads(run("schema").stdout) == data(run("schema", "--json")) == published

    def test_help_is_there_for_every_command(self, farm: FarmOnPaper) -> None:
        assert run("--help").exit_code == ExitCode.OK
        for name in commands():
            assert run(*name.split(), "-h").exit_code == ExitCode.OK


def commands() -> dict[str, set[str]]:
    """Every command with its options."""
    from typer.main import get_command

    found = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = dict(getattr(command, "commands", {}))
        if not inner or command.invoke_without_command:
            inner[""] = command
        for more, each in inner.items():
            given = {o for p in each.params for o in (*p.opts, *p.secondary_opts)}
            options = {o for o in given if o.startswith("--")}
            found[f"{name} {more}".strip()] = options
    return found


class TestPage:
    """docs/cli.md says what the code does."""

    PAGE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")

    def test_every_command_and_no_other(self) -> None:
        told = set(
            re.findall(
                r"^\| `reelyard ([a-z]+(?: (?:create|list|revoke|learned|add|show|check|set|edit"
                r"|history|example))?)",
                self.PAGE,
                re.M,
            )
        )
        assert told == set(commands())

    def test_every_option(self) -> None:
        everywhere = {"--json", "--url", "--token-file", "--help"}
        for name, options in commands().items():
            begins = re.compile(rf"\| `reelyard {name}[` \[][^a-z]")
            row = next(line for line in self.PAGE.splitlines() if begins.match(line))
            told = set(re.findall(r"--[a-z-]+", row))
            assert told - everywhere == options - everywhere, name

    def test_json_everywhere(self) -> None:
        assert all("--json" in options for options in commands().values())

    def test_every_exit_code(self) -> None:
        told = {int(code) for code in re.findall(r"^\| (\d+) \|", self.PAGE, re.M)}
        assert told == {int(code) for code in ExitCode}
