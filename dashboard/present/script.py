"""What kind of script somebody typed, and what to begin from. Pure."""

from __future__ import annotations

import re

KINDS = {
    "yaml": "application/yaml",
    "json": "application/json",
    "plain": "text/plain",
}
NAMES = {"yaml": "YAML", "json": "JSON", "plain": "plain script"}
_SETTING = re.compile(r"^[a-z_]+\s*:(\s|$)", re.MULTILINE)

EXAMPLES = {
    "yaml": """\
title: A night at sea
scenes:
  - picture: a yellow sun moving down over the sea
    say: In the evening the sun sinks into the water.
  - picture: a yellow moon moving up in the night
    say: Then the moon rises, and the boats come home.
    transition: crossfade
""",
    "plain": """\
[title: A night at sea]

[picture: a yellow sun moving down over the sea]
In the evening the sun sinks into the water.

[picture: a yellow moon moving up in the night]
Then the moon rises, and the boats come home.
""",
}


def kind_of(text: str, chosen: str) -> str:
    """`yaml`, `json` or `plain`: what was chosen, or else what it looks like."""
    if chosen in KINDS:
        return chosen
    start = text.lstrip()
    if start.startswith("{"):
        return "json"
    return "yaml" if _SETTING.search(text) else "plain"


def tidy(text: str) -> bytes:
    """As it is sent on: forms write line ends their own way."""
    return text.replace("\r\n", "\n").encode()
