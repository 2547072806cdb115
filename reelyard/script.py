"""Reads what a person wrote into a storyboard: YAML, JSON, or a plain-text script.

Every problem is reported at once, with its line, field, value, limit and remedy. Never touches
files or the network, and never trusts its input: aliases, tags and deep nesting are refused.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reelyard.errors import InvalidInput, Problem
from reelyard.plain_script import read_plain
from reelyard.storyboard import Scene, Storyboard

YAML, JSON, PLAIN = "application/yaml", "application/json", "text/plain"
MEDIA_TYPES = (YAML, JSON, PLAIN)
_SCENES_LINE = re.compile(rb"^scenes\s*:", re.MULTILINE)
_DEEPEST = 12
_SHOWN_CHARACTERS = 60
_TEXT_FIELDS = frozenset({"title", "model", "voice", "size", "style", "negative", "picture", "say"})
_REMEDIES = {
    "missing": "Add it.",
    "extra_forbidden": "Take it out, or correct its name.",
    "greater_than": "Give a larger number.",
    "greater_than_equal": "Give a larger number.",
    "less_than": "Give a smaller number.",
    "less_than_equal": "Give a smaller number.",
    "string_too_short": "Write something.",
    "string_too_long": "Shorten it.",
    "too_short": "Add at least one scene with a `picture`.",
    "literal_error": "Choose one of those.",
}


@dataclass(frozen=True, slots=True)
class SourceMap:
    """In which line of the source each field stands: `scenes[2].seconds` -> 14."""

    lines: Mapping[str, int] = field(default_factory=dict)

    def line(self, path: str) -> int | None:
        """The field's line, or that of the nearest thing around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else ""
        return None


def read_storyboard(
    source: str | bytes, media_type: str, name: str = ""
) -> tuple[Storyboard, SourceMap]:
    """The storyboard and where its fields stand. Raises InvalidInput with every problem."""
    text = _text(source, name)
    if media_type == PLAIN:
        data, lines = read_plain(text)
    elif media_type == JSON:
        data, lines = _json(text)
    else:
        data, lines = _yaml(text)
    where = SourceMap(lines)
    if not isinstance(data, dict):
        raise _refusal(
            "storyboard",
            "must be a mapping with `scenes`",
            type(data).__name__,
            "Start with `scenes:` and a list of scenes, each with a `picture`.",
        )
    return _storyboard(_texts(data), where), where


def media_type_of(name: str) -> str:
    """By the file's ending: .json, .yaml and .yml; anything else is a plain script."""
    ending = name.lower().rpartition(".")[2]
    return {"json": JSON, "yaml": YAML, "yml": YAML}.get(ending, PLAIN)


def guess_media_type(source: bytes) -> str:
    """For text without a name: JSON starts with a brace, YAML has a line `scenes:`."""
    if source.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return JSON
    return YAML if _SCENES_LINE.search(source) else PLAIN


def _text(source: str | bytes, name: str) -> str:
    shown = name or "the script"
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8-sig")
        except UnicodeDecodeError as wrong:
            raise _refusal(
                shown,
                "is not text in UTF-8",
                f"byte {source[wrong.start]:#04x} at {wrong.start}",
                "Save it as a text file in UTF-8.",
            ) from None
    if "\0" in source:
        raise _refusal(shown, "is not a text file", "a NUL byte", "Give a text file.")
    if not source.strip():
        raise _refusal(shown, "is empty", "", "Write at least one scene with a `picture`.")
    return source


def _json(text: str) -> tuple[Any, dict[str, int]]:
    """JSON is read by its own rules, its lines by those of YAML, which holds nearly all of it."""
    try:
        data = json.loads(text, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as wrong:
        raise InvalidInput(
            [
                Problem(
                    "storyboard",
                    f"is not JSON: {wrong.msg}",
                    line=wrong.lineno,
                    remedy="Correct that line.",
                )
            ]
        ) from None
    except RecursionError:
        raise _too_deep() from None
    try:
        return data, _lines(_compose(text.replace("\t", " ")))
    except InvalidInput:
        return data, {}


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _refusal(key, "is given twice", "", "Keep one of the two.")
        found[key] = value
    return found


def _yaml(text: str) -> tuple[Any, dict[str, int]]:
    node = _compose(text)
    if node is None:
        raise _refusal("the script", "is empty", "", "Write at least one scene.")
    _refuse_twins(node)
    data = yaml.safe_load(text)
    return data, _lines(node)


def _compose(text: str) -> yaml.Node | None:
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise InvalidInput(
                    [
                        Problem(
                            f"*{event.anchor}",
                            "aliases are not allowed",
                            line=event.start_mark.line + 1 if event.start_mark else None,
                            remedy="Write the value out.",
                        )
                    ]
                )
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            yaml.safe_load(text)
        return node
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = None if mark is None else mark.line + 1
        raise InvalidInput(
            [
                Problem(
                    "storyboard",
                    f"is not YAML: {wrong.problem or wrong.context}",
                    line=line,
                    remedy="Correct that line; text with a colon in it needs quotes.",
                )
            ]
        ) from None
    except yaml.YAMLError as wrong:
        raise _refusal("storyboard", f"is not YAML: {wrong}", "", "Correct it.") from None
    except ValueError as wrong:  # such as a date with a thirteenth month
        raise _refusal(
            "storyboard", f"has a value that is none: {wrong}", "", "Quote it."
        ) from None
    except RecursionError:
        raise _too_deep() from None


def _refuse_twins(node: yaml.Node, path: str = "") -> None:
    problems: list[Problem] = []
    _find_twins(node, path, problems)
    if problems:
        raise InvalidInput(problems)


def _find_twins(node: yaml.Node, path: str, problems: list[Problem]) -> None:
    for name, key, child in _children(node, path):
        twins = key is not None and sum(k.value == key.value for k, _ in node.value) > 1
        problem = Problem(name, "is given twice", remedy="Keep one of the two.")
        if twins and key is not None and all(known.field != name for known in problems):
            problems.append(Problem(name, problem.message, remedy=problem.remedy, line=_line(key)))
        _find_twins(child, name, problems)


def _lines(node: yaml.Node | None, path: str = "", depth: int = 0) -> dict[str, int]:
    if node is None:
        return {}
    if depth > _DEEPEST:
        raise _too_deep()
    found: dict[str, int] = {}
    for name, key, child in _children(node, path):
        found[name] = _line(key if key is not None else child)
        found |= _lines(child, name, depth + 1)
    return found


def _children(node: yaml.Node, path: str) -> list[tuple[str, yaml.Node | None, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        dot = f"{path}." if path else ""
        return [(f"{dot}{key.value}", key, child) for key, child in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [(f"{path}[{index}]", None, child) for index, child in enumerate(node.value)]
    return []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _texts(data: dict[Any, Any]) -> dict[Any, Any]:
    """Numbers and the like in text fields mean their text: `say: 1984`, `say: no`."""

    def tidy(fields: dict[Any, Any]) -> dict[Any, Any]:
        return {name: _as_text(name, value) for name, value in fields.items()}

    scenes = data.get("scenes")
    top = tidy(data)
    if isinstance(scenes, list):
        top["scenes"] = [tidy(scene) if isinstance(scene, dict) else scene for scene in scenes]
    return top


def _as_text(name: object, value: object) -> object:
    if name not in _TEXT_FIELDS or value is None or isinstance(value, str | list | dict):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _storyboard(data: dict[Any, Any], where: SourceMap) -> Storyboard:
    try:
        return Storyboard.model_validate(data)
    except ValidationError as wrong:
        real = [error for error in wrong.errors() if not _is_echo(error)]
        raise InvalidInput([_problem(error, where) for error in real]) from None


def _is_echo(error: ErrorDetails) -> bool:
    """Scenes that are wrong one by one are counted as missing too: once is enough."""
    return error["type"] == "too_short" and error["loc"] == ("scenes",) and bool(error["input"])


def _problem(error: ErrorDetails, where: SourceMap) -> Problem:
    path = _path(error["loc"])
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    remedy = _REMEDIES.get(kind, "Correct it.")
    if kind == "extra_forbidden":
        message, remedy = "is not a field of a storyboard", _did_you_mean(error["loc"])
    if kind == "missing":
        message = "is missing"
    shown = "" if kind == "missing" else _shown(error.get("input"))
    limits = (error.get("ctx") or {}).items()
    limit = ", ".join(f"{_LIMITS[name]}{value}" for name, value in limits if name in _LIMITS)
    if not path:
        shown = ""
        path, _, message = (
            message.partition(": ") if ": " in message else ("storyboard", "", message)
        )
    return Problem(path, message, shown, limit, remedy, where.line(path))


_LIMITS = {
    "gt": "more than ",
    "ge": "at least ",
    "lt": "less than ",
    "le": "at most ",
    "min_length": "at least ",
    "max_length": "at most ",
    "expected": "",
}


def _path(loc: tuple[int | str, ...]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _did_you_mean(loc: tuple[int | str, ...]) -> str:
    kind = Scene if "scenes" in loc[:1] else Storyboard
    known = [field.alias or name for name, field in kind.model_fields.items()]
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"The fields here are: {', '.join(known)}."


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _refusal(name: str, message: str, value: str, remedy: str) -> InvalidInput:
    return InvalidInput([Problem(name, message, value=value, remedy=remedy)])


def _too_deep() -> InvalidInput:
    return InvalidInput(
        [
            Problem(
                "storyboard",
                "is nested too deeply",
                limit=f"{_DEEPEST} levels",
                remedy="A storyboard has scenes, and scenes have fields: nothing is deeper.",
            )
        ]
    )
