"""The storyboard's JSON Schema, for editors and programs."""

from __future__ import annotations

from typing import Any

from reelyard.storyboard import Storyboard

EXAMPLE: dict[str, Any] = {
    "title": "The Lighthouse",
    "scenes": [
        {
            "picture": "a white lighthouse growing on the hills",
            "say": "At the edge of the hills stands a white lighthouse.",
        },
        {"picture": "a red boat moving right on the sea", "seconds": 4, "transition": "crossfade"},
    ],
}


def storyboard_schema() -> dict[str, Any]:
    """Draft 2020-12, with an example."""
    schema = Storyboard.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "examples": [EXAMPLE],
    }
