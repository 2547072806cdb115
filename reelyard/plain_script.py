"""A plain-text script: paragraphs are scenes, bracketed lines say what to see.

    [title: The Lighthouse]
    [picture: a white lighthouse on the hills]
    At the edge of the hills stands a lighthouse.

    [picture: a red boat on the sea]
    [seconds: 4]
    All day long, boats pass by.

Directions in a paragraph of their own are for the next one. A scene without a picture keeps the one
before; the first one draws its own first sentence. Two pictures in a row make a silent scene.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from reelyard.errors import InvalidInput, Problem

_DIRECTION = re.compile(r"^\[\s*([A-Za-z]+)\s*:\s*(.*?)\s*\]$")
_SENTENCE = re.compile(r"^(.+?[.!?])(\s|$)")
OF_THE_FILM = frozenset({"title", "model", "size", "fps", "style", "overflow"})
OF_A_SCENE = frozenset(
    {"picture", "seconds", "seed", "transition", "negative", "continue", "voice"}
)
_NUMBERS = {"seconds": float, "fps": int, "seed": int}


@dataclass(slots=True)
class _Paragraph:
    """One scene in the making."""

    line: int
    directions: dict[str, tuple[str, int]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def read_plain(text: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The storyboard as data, and the line of each field. Raises InvalidInput."""
    problems: list[Problem] = []
    film: dict[str, Any] = {}
    lines: dict[str, int] = {}
    scenes: list[dict[str, Any]] = []
    pending: dict[str, tuple[str, int]] = {}
    picture = ""
    for paragraph in _paragraphs(text, problems):
        for name in OF_THE_FILM & paragraph.directions.keys():
            value, line = paragraph.directions.pop(name)
            film[name], lines[name] = _value(name, value, line, problems), line
        if "picture" in pending and "picture" in paragraph.directions:
            silent = _Paragraph(pending["picture"][1])
            scenes.append(_scene(silent, pending, picture, lines, len(scenes), problems))
            pending = {}
        pending |= paragraph.directions
        if paragraph.said:
            scenes.append(_scene(paragraph, pending, picture, lines, len(scenes), problems))
            pending = {}
        picture = scenes[-1]["picture"] if scenes else ""
    if "picture" in pending:
        last = _Paragraph(pending["picture"][1])
        scenes.append(_scene(last, pending, picture, lines, len(scenes), problems))
    if problems:
        raise InvalidInput(problems)
    return {**film, "scenes": scenes}, lines


def _paragraphs(text: str, problems: list[Problem]) -> list[_Paragraph]:
    found: list[_Paragraph] = []
    open_one: _Paragraph | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line:
            open_one = None
            continue
        if open_one is None:
            open_one = _Paragraph(number)
            found.append(open_one)
        direction = _DIRECTION.match(line)
        if direction is None:
            open_one.said.append(line)
            continue
        name = direction[1].lower()
        if name not in OF_THE_FILM | OF_A_SCENE:
            problems.append(_unknown(name, number))
        open_one.directions[name] = (direction[2], number)
    return found


def _scene(
    paragraph: _Paragraph,
    directions: dict[str, tuple[str, int]],
    picture: str,
    lines: dict[str, int],
    index: int,
    problems: list[Problem],
) -> dict[str, Any]:
    said = " ".join(paragraph.said)
    path = f"scenes[{index}]"
    scene: dict[str, Any] = {"picture": picture or _first_sentence(said)}
    lines[path] = lines[f"{path}.picture"] = lines[f"{path}.say"] = paragraph.line
    for name, (value, line) in directions.items():
        scene[name], lines[f"{path}.{name}"] = _value(name, value, line, problems), line
    if said:
        scene["say"] = said
    return scene


def _value(name: str, value: str, line: int, problems: list[Problem]) -> object:
    if name == "continue":
        return value.lower() in {"yes", "true", "on", "1"}
    kind = _NUMBERS.get(name)
    if kind is None:
        return value
    try:
        return kind(value)
    except ValueError:
        problems.append(Problem(name, "must be a number", value, remedy="Correct it.", line=line))
        return None


def _first_sentence(said: str) -> str:
    found = _SENTENCE.match(said)
    return found[1] if found else said


def _unknown(name: str, line: int) -> Problem:
    known = ", ".join(sorted(OF_THE_FILM | OF_A_SCENE))
    return Problem(f"[{name}: ...]", "is not a direction", remedy=f"Known: {known}.", line=line)
