"""What `docker compose` and systemd are told exists: commands, settings, files, and their order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.main import get_command

from coordinator.cli import app as coordinator_app
from dashboard.cli import app as dashboard_app
from reelyard.settings import Settings
from worker.cli import app as worker_app

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
PROGRAMS: dict[str, typer.Typer] = {
    "reelyard-coordinator": coordinator_app,
    "reelyard-worker": worker_app,
    "reelyard-dashboard": dashboard_app,
}
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def test_the_whole_set_is_there() -> None:
    assert {"valkey", "postgres", "s3", "coordinator", "api", "dashboard"} <= SERVICES.keys()
    assert {"worker-cpu", "worker-gpu", "prometheus", "grafana"} <= SERVICES.keys()
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_of_ours(name: str) -> None:
    known = {f"REELYARD_{field.upper()}" for field in Settings.model_fields}
    given = {key for key in OURS[name]["environment"] if key.startswith("REELYARD_")}
    assert given
    assert given <= known


@pytest.mark.parametrize("name", [name for name in OURS if "command" in OURS[name]])
def test_every_command_is_understood(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    with get_command(PROGRAMS[program]).make_context(program, [*arguments], resilient_parsing=True):
        pass
    options = [word for word in arguments if word.startswith("--")]
    helped = _help(PROGRAMS[program], arguments)
    assert all(option in helped for option in options), helped


def _help(app: typer.Typer, arguments: list[str]) -> str:
    from typer.testing import CliRunner

    commands = [word for word in arguments[:1] if not word.startswith("-")]
    return (
        CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [*commands, "--help"]).output
    )


def test_programs_are_installed_under_these_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert PROGRAMS.keys() <= project["scripts"].keys()


def test_images_are_built_from_targets_that_exist() -> None:
    made = set(re.findall(r"^FROM \S+ AS (\S+)$", _text("deploy/Dockerfile"), re.MULTILINE))
    assert {service["build"]["target"] for service in OURS.values()} <= made


def test_files_that_are_mounted_exist() -> None:
    volumes = [v for service in SERVICES.values() for v in service.get("volumes", [])]
    mounted = [v.split(":")[0] for v in volumes if v.startswith("./")]
    assert mounted
    assert [place for place in mounted if not (ROOT / place).exists()] == []


def test_nothing_waits_for_what_is_not_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", [])) <= SERVICES.keys()


def test_named_volumes_are_declared() -> None:
    volumes = [v for service in SERVICES.values() for v in service.get("volumes", [])]
    named = {v.split(":")[0] for v in volumes if not v.startswith((".", "/"))}
    assert named <= COMPOSE["volumes"].keys()


def test_systemd_starts_a_program_of_ours() -> None:
    unit = _text("deploy/systemd/reelyard-worker.service")
    assert re.search(r"^ExecStart=\S*reelyard-worker run$", unit, re.MULTILINE)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
