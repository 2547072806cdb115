"""`reelyard doctor`: what is here, what is missing, and the command that adds it.

Looks only; changes nothing.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reelyard import __version__
from reelyard.cli.up import is_held

_LEAST_DISK_GB = 5.0

ROLES = {
    "coordinator": ("sqlalchemy", "alembic", "celery", "redis", "flask", "flask_openapi"),
    "worker": ("torch", "diffusers", "transformers", "av", "hibari", "onnxruntime", "PIL"),
    "dashboard": ("flask", "gunicorn"),
    "s3": ("boto3",),
    "postgres": ("psycopg",),
}
OPTIONAL_ROLES = frozenset({"s3", "postgres"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at one thing. `needed` is False for what a farm can do without."""

    what: str
    well: bool
    says: str
    remedy: str = ""
    needed: bool = True


def doctor(
    state: Annotated[Path, typer.Option(envvar="REELYARD_STATE", help="The farm's folder.")] = Path(
        ".reelyard"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is installed, what is missing, and the remedy.

    Exit code 1: something that a farm needs is missing.
    """
    findings = examine(state)
    if as_json:
        print(json.dumps({"version": __version__, "findings": [asdict(f) for f in findings]}))
    else:
        _print(findings)
    if any(not finding.well and finding.needed for finding in findings):
        raise typer.Exit(1)


def examine(state: Path) -> list[Finding]:
    """Every finding, most basic first."""
    looks: list[Callable[[], Finding]] = [
        _python,
        *(lambda role=role: _role(role) for role in ROLES),
        _broker,
        _torch_build,
        _voice,
        _demo_model,
        lambda: _disk(state),
        lambda: _farm(state),
    ]
    return [look() for look in looks]


def _python() -> Finding:
    well = sys.version_info >= (3, 11)
    return Finding("Python", well, platform.python_version(), "Install Python 3.11 or newer.")


def _role(role: str) -> Finding:
    missing = [name for name in ROLES[role] if importlib.util.find_spec(name) is None]
    return Finding(
        f"packages of the {role}",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "all here",
        f"pip install 'reelyard[{role}]' -c constraints.txt",
        needed=role not in OPTIONAL_ROLES,
    )


def _broker() -> Finding:
    from reelyard.embedded.valkey import valkey_binary
    from reelyard.errors import NotInstalled

    try:
        return Finding("embedded broker", True, f"Valkey in {valkey_binary().name}")
    except NotInstalled as missing:
        return Finding("embedded broker", False, missing.message, missing.remedy)


def _torch_build() -> Finding:
    nvidia = Path("/proc/driver/nvidia/version").exists()
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Finding("torch", False, "not installed", "make setup")
    if nvidia and version.endswith("+cpu"):
        return Finding(
            "torch",
            False,
            f"{version}, but an NVIDIA driver is here: GPUs would lie idle",
            "pip install --force-reinstall torch===" + version.removesuffix("+cpu"),
        )
    return Finding("torch", True, f"{version}, {'NVIDIA driver found' if nvidia else 'CPU only'}")


def _voice() -> Finding:
    here = importlib.util.find_spec("hibari") is not None
    return Finding(
        "embedded voice", here, "hibari-tts" if here else "missing", "pip install hibari-tts==0.2.1"
    )


def _demo_model() -> Finding:
    spec = importlib.util.find_spec("worker")
    places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    here = any((place / "models/reelyard-demo/model_index.json").is_file() for place in places)
    return Finding(
        "demo model",
        here,
        "shipped with the worker" if here else "its folder is not there",
        "Install Reelyard again from a complete checkout.",
    )


def _disk(state: Path) -> Finding:
    place = next(folder for folder in (state, *state.absolute().parents) if folder.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    return Finding(
        "disk",
        free_gb > _LEAST_DISK_GB,
        f"{free_gb:.0f} GB free for {state}",
        f"Free some: clips need room; {_LEAST_DISK_GB:.0f} GB at least.",
    )


def _farm(state: Path) -> Finding:
    try:
        described = json.loads((state / "farm.json").read_text(encoding="utf-8"))
        if is_held(state / "up.lock"):
            return Finding("farm", True, f"runs; dashboard at {described['dashboard']}")
    except (OSError, ValueError, LookupError, TypeError):
        pass  # no farm, or what one left behind
    return Finding("farm", False, f"none runs in {state}", "reelyard up", needed=False)


def _print(findings: list[Finding]) -> None:
    console = Console()
    for finding in findings:
        sign = (
            "[green]ok     [/]"
            if finding.well
            else ("[red]missing[/]" if finding.needed else "[yellow]none   [/]")
        )
        console.print(f"{sign}  {finding.what}: {finding.says}", soft_wrap=True, highlight=False)
        if not finding.well and finding.remedy:
            console.print(f"         {finding.remedy}", style="dim", soft_wrap=True, markup=False)
