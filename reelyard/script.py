"""Reads what a person wrote into a storyboard: YAML, JSON, or a plain-text script.

Every problem is reported at once, with its line, field, value, limit and remedy; what is right is
read all the same, so that it can be held to the farm's limits too. Never touches files or the
network, and never raises anything but InvalidInput, whatever the bytes are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from reelyard.errors import InvalidInput, Problem
from reelyard.plain_script import read_plain
from reelyard.script_markup import read_json, read_yaml
from reelyard.script_problems import problems_of
from reelyard.source_map import Reading, SourceMap, refusal
from reelyard.storyboard import Scene, Storyboard

__all__ = ["JSON", "MEDIA_TYPES", "PLAIN", "YAML", "Draft", "SourceMap", "read_storyboard"]

YAML, JSON, PLAIN = "application/yaml", "application/json", "text/plain"
MEDIA_TYPES = (YAML, JSON, PLAIN)
_SCENES_LINE = re.compile(rb"^scenes\s*:", re.MULTILINE)
_NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BROWSER_BOM = "\ufeff"
_STAND_IN = "…"
_ROUNDS = 3
_KNOWN = frozenset(
    {
        field.alias or name
        for kind in (Storyboard, Scene)
        for name, field in kind.model_fields.items()
    }
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read. Without problems `storyboard` is what was asked for; with problems it
    is the part that is right (stand-ins for the rest), or None when nothing is."""

    storyboard: Storyboard | None
    where: SourceMap
    problems: tuple[Problem, ...]


def read_storyboard(
    source: str | bytes, media_type: str, name: str = ""
) -> tuple[Storyboard, SourceMap]:
    """The storyboard and where its fields stand. Raises InvalidInput with every problem."""
    found = draft(source, media_type, name)
    if found.problems or found.storyboard is None:
        raise InvalidInput(found.problems)
    return found.storyboard, found.where


def draft(source: str | bytes, media_type: str, name: str = "") -> Draft:
    """As much of the storyboard as can be read, and all that is wrong with the rest."""
    try:
        reading = _reading(_text(source, name), media_type)
    except InvalidInput as wrong:
        return Draft(None, SourceMap(), wrong.problems)
    where = SourceMap(reading.lines)
    if not isinstance(reading.data, dict):
        return Draft(None, where, (*reading.problems, _no_mapping(reading.data)))
    storyboard, problems = _storyboard(_without_blanks(reading.data), where)
    return Draft(storyboard, where, (*reading.problems, *problems))


def media_type_of(name: str) -> str:
    """By the file's ending: .json, .yaml and .yml; anything else is a plain script."""
    ending = name.lower().rpartition(".")[2]
    return {"json": JSON, "yaml": YAML, "yml": YAML}.get(ending, PLAIN)


def guess_media_type(source: bytes) -> str:
    """For text without a name: JSON starts with a brace, YAML has a line `scenes:`."""
    if source.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return JSON
    return YAML if _SCENES_LINE.search(source) else PLAIN


def _reading(text: str, media_type: str) -> Reading:
    if media_type == PLAIN:
        return read_plain(text)
    return read_json(text) if media_type == JSON else read_yaml(text)


def _text(source: str | bytes, name: str) -> str:
    shown = name or "the script"
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8")
        except UnicodeDecodeError as wrong:
            raise refusal(
                shown,
                "is not text in UTF-8",
                f"byte {source[wrong.start]:#04x} at {wrong.start}",
                "Save it as a text file in UTF-8.",
            ) from None
    source = source.removeprefix(_BROWSER_BOM)
    if strange := _NO_TEXT.search(source):
        line = source.count("\n", 0, strange.start()) + 1
        what = f"the character U+{ord(strange[0]):04X}"
        raise refusal(shown, "is not a text file", what, "Give a text file.", line)
    if not source.strip():
        raise refusal(shown, "is empty", remedy="Write at least one scene with a `picture`.")
    return source


def _no_mapping(data: object) -> Problem:
    kinds = {"list": "a list", "str": "text", "NoneType": "nothing"}
    kind = type(data).__name__
    return Problem(
        "storyboard",
        "must be a mapping with `scenes`",
        kinds.get(kind, f"a {kind}"),
        remedy="Start with `scenes:` and a list of scenes, each with a `picture`.",
        line=1,
    )


def _without_blanks(data: dict[Any, Any]) -> dict[Any, Any]:
    """A field without a value (`say:`) is a field that was left out."""

    def filled(fields: dict[Any, Any]) -> dict[Any, Any]:
        return {n: value for n, value in fields.items() if value is not None or n not in _KNOWN}

    top = filled(data)
    if isinstance(top.get("scenes"), list):
        scenes = top["scenes"]
        top["scenes"] = [filled(scene) if isinstance(scene, dict) else scene for scene in scenes]
    return top


def _storyboard(data: dict[Any, Any], where: SourceMap) -> tuple[Storyboard | None, list[Problem]]:
    """Again and again without what was wrong: some things show only when others are right."""
    problems: list[Problem] = []
    for _ in range(_ROUNDS):
        try:
            return Storyboard.model_validate(data), problems
        except ValidationError as wrong:
            problems += problems_of(wrong, where)
            data = _repaired(data, [error["loc"] for error in wrong.errors(include_url=False)])
    return None, problems


def _repaired(data: dict[Any, Any], wrong: Iterable[tuple[int | str, ...]]) -> dict[Any, Any]:
    """The same without the wrong fields; stand-ins keep every scene at its number."""
    top = dict(data)
    scenes = top.get("scenes")
    top["scenes"] = (
        [dict(s) if isinstance(s, dict) else s for s in scenes] if isinstance(scenes, list) else []
    )
    for loc in wrong:
        match loc:
            case ():
                top = {key: value for key, value in top.items() if _is_whole(key)}
                for scene in top["scenes"][:1]:
                    if isinstance(scene, dict):
                        scene.pop("continue", None)
            case ("scenes",):
                top["scenes"] = top["scenes"] or [{"picture": _STAND_IN}]
            case ("scenes", int(index)):
                top["scenes"][index] = {"picture": _STAND_IN}
            case ("scenes", int(index), name):
                top["scenes"][index].pop(name, None)
                top["scenes"][index].setdefault("picture", _STAND_IN)
            case (name, *_):
                top.pop(name, None)
    return top


def _is_whole(key: object) -> bool:
    """False for a name with half of a surrogate pair, which only JSON's escapes can write."""
    return not isinstance(key, str) or not any(0xD800 <= ord(letter) < 0xE000 for letter in key)
