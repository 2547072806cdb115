"""`reelyard simulate`: starts the coordinator's simulator, which knows its own options."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

from reelyard.errors import NotInstalled

ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Every word is passed on, `--help` too."""


def simulate(ctx: typer.Context) -> None:
    """Play a workload on a fleet that need not exist: who waits how long, what more would help."""
    if find_spec("coordinator") is None:
        said = "the simulator is a part of the coordinator, which is not installed."
        raise NotInstalled(said, "Run `pip install 'reelyard[coordinator]'`.")
    words = [sys.executable, "-m", "coordinator.cli", "simulate", *ctx.args]
    raise typer.Exit(subprocess.run(words, check=False).returncode)
