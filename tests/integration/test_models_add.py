"""`reelyard models add` with the real measuring: a pipeline in a folder becomes a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelyard.catalog import load_catalog
from reelyard.cli.exits import ExitCode
from tests.support.command_line import data, farm_for_commands, run
from tests.support.tiny_pipelines import make

FACTS = ("width=64", "height=64", "max_frames=25", "licence=MIT")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    farm_for_commands(tmp_path, monkeypatch)
    monkeypatch.delenv("REELYARD_CATALOG_FILE", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_a_pipeline_in_a_folder_becomes_a_model(tmp_path: Path) -> None:
    folder = make("ltx", tmp_path)
    facts = [word for fact in FACTS for word in ("--fact", fact)]
    answer = run("models", "add", str(folder), "--id", "tiny", "--no-tiles", *facts, "--json")
    assert answer.exit_code == ExitCode.OK, answer.output
    found = data(answer)
    catalog = load_catalog(tmp_path / "catalog.toml")
    parts = [catalog.components[part.component] for part in catalog.models["tiny"].parts]
    assert found["parameters"] == sum(part.parameters for part in parts) > 0
    assert "measuring transformer" in answer.stderr
    assert {cell["status"] for cell in found["fit"]["cells"]} == {"ok"}


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    answer = run("models", "add", str(tmp_path / "nothing"))
    assert answer.exit_code == ExitCode.USAGE
    assert "is not a diffusers pipeline" in answer.stderr
    assert not (tmp_path / "catalog.toml").exists()
