"""`reelyard doctor` names what is missing and the command that adds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reelyard.cli import doctor as doctor_module
from reelyard.cli.main import app


def test_a_complete_installation_is_well(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["doctor", "--state", str(tmp_path), "--json"])
    findings = {f["what"]: f for f in json.loads(answer.stdout)["findings"]}
    assert findings["Python"]["well"]
    assert findings["packages of the worker"]["well"]
    assert not findings["farm"]["needed"]


def test_a_missing_package_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor_module.ROLES, "worker", ("no_such_package",))
    answer = CliRunner().invoke(app, ["doctor", "--state", str(tmp_path)])
    assert answer.exit_code == 1
    assert "missing: no_such_package" in answer.stdout
    assert "pip install 'reelyard[worker]'" in answer.stdout


@pytest.mark.parametrize("left_behind", ["", "[]", '{"dashboard": "http://127.0.0.1:1"}'])
def test_what_a_killed_farm_left_behind_is_no_farm(left_behind: str, tmp_path: Path) -> None:
    (tmp_path / "farm.json").write_text(left_behind)
    (tmp_path / "up.lock").touch()
    answer = CliRunner().invoke(app, ["doctor", "--state", str(tmp_path), "--json"])
    findings = {f["what"]: f for f in json.loads(answer.stdout)["findings"]}
    assert findings["farm"]["says"] == f"none runs in {tmp_path}"
