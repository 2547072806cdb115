"""How a service's command line ends: no traceback for what a person can mend."""

from __future__ import annotations

import sys

import typer

from reelyard.errors import InvalidInput, ReelyardError


def run(app: typer.Typer, name: str) -> None:
    """Run the program; an error of ours is one sentence and exit code 2 (input) or 1."""
    try:
        app()
    except ReelyardError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
