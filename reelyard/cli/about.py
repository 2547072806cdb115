"""`reelyard schema` and `reelyard version`: what this installation speaks. Needs no farm."""

from __future__ import annotations

import json
import sys

from reelyard import __version__
from reelyard.cli.connection import AsJson
from reelyard.cli.speak import show, show_json


def schema(as_json: AsJson = False) -> None:
    """Print the storyboard's JSON Schema, for editors.

    With --json: on one line.
    """
    from reelyard.schema import storyboard_schema

    if as_json:
        show_json(storyboard_schema())
    else:
        sys.stdout.write(json.dumps(storyboard_schema(), indent=2, ensure_ascii=False) + "\n")


def version(as_json: AsJson = False) -> None:
    """Print the version."""
    if as_json:
        show_json({"version": __version__})
    else:
        show(__version__)
