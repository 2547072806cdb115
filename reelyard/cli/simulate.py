"""`reelyard simulate`: the coordinator's simulator, started as a program of its own, for nothing in
here may import the coordinator. Its options are written here once for both.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from reelyard.cli.connection import AsJson
from reelyard.errors import NotInstalled

FleetFile = Annotated[Path, typer.Option(help="The machines: TOML, see docs/simulator.md.")]
WorkloadFile = Annotated[Path, typer.Option(help="The tasks, one JSON object a line.")]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Who decides: reelyard (if left out), fifo, fifo-affinity, first-fit; give several "
        "to compare them.",
    ),
]
Additions = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE=N", help="Play it with N devices more as well, and compare."),
]
Noise = Annotated[
    float,
    typer.Option(min=0, max=5, help="Spread of what runs take: its coefficient of variation."),
]
Failures = Annotated[
    float, typer.Option(min=0, max=0.9, help="Probability that a run ends early and is repeated.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of noise and failures.")]
ScheduleFile = Annotated[
    Path | None, typer.Option(help="Write what ran where and when: one JSON object a line.")
]
Picture = Annotated[
    Path | None, typer.Option(help="Draw devices and queue over time: a .svg or .png file.")
]


def simulate(
    fleet: FleetFile,
    workload: WorkloadFile,
    policy: Policies = None,
    add: Additions = None,
    noise: Noise = 0.0,
    failures: Failures = 0.0,
    seed: Seed = 0,
    schedule: ScheduleFile = None,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Play a workload on machines that need not exist: who waits how long, what more would help."""
    if find_spec("coordinator") is None:
        said = "the simulator is a part of the coordinator, which is not installed."
        raise NotInstalled(said, "Run `pip install 'reelyard[coordinator]'`.")
    given: list[tuple[str, object]] = [
        *(("--fleet", fleet), ("--workload", workload), ("--noise", noise)),
        *(("--failures", failures), ("--seed", seed), ("--schedule", schedule), ("--plot", plot)),
        *(("--policy", name) for name in policy or ()),
        *(("--add", text) for text in add or ()),
    ]
    words = [f"{name}={value}" for name, value in given if value is not None]
    if as_json:
        words.append("--json")
    program = [sys.executable, "-m", "coordinator.cli", "simulate"]
    raise typer.Exit(subprocess.run([*program, *words], check=False).returncode)
