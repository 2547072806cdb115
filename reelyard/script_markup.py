"""Reads YAML and JSON into plain data, with the line of every field.

Trusts nothing: aliases (and with them every "bomb"), tags and deep nesting are refused before
anything is built. Text stays as it was written: `say: 007` says 007, `say: no` says no.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import yaml

from reelyard.errors import InvalidInput, Problem
from reelyard.source_map import MOST_PROBLEMS, Reading, refusal

TEXT_FIELDS = frozenset(
    {"title", "model", "voice", "size", "style", "negative", "picture", "say", "transition"}
) | {"overflow"}
_DEEPEST = 12
_MOST_PARTS = 50_000
_LONGEST_NUMBER = 40
_TAG = "tag:yaml.org,2002:"
_AS_WRITTEN = frozenset({f"{_TAG}{kind}" for kind in ("str", "timestamp", "merge", "value")})
_NUMBERS = frozenset({f"{_TAG}int", f"{_TAG}float"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C it is ten times faster


def read_yaml(text: str) -> Reading:
    """The data. Raises InvalidInput when it is no YAML or has what is not allowed."""
    node = _compose(text)
    if node is None:
        raise refusal("the script", "is empty", remedy="Write at least one scene.")
    builder = _Builder()
    data = builder.value(node, "", "")
    return Reading(data, builder.lines, tuple(builder.problems))


def read_json(text: str) -> Reading:
    """JSON is read by its own rules, its lines by those of YAML, which holds nearly all of it."""
    twins: list[Problem] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in found)
        twins.extend(_twin(name, None) for name, count in counts.items() if count > 1)
        return {name: _as_text(name, value) for name, value in found}

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_int=_whole_number)
    except json.JSONDecodeError as wrong:
        raise refusal(
            "storyboard",
            f"is not JSON: {wrong.msg}",
            remedy="Correct that line.",
            line=wrong.lineno,
        ) from None
    except RecursionError:
        raise _too_deep(None) from None
    try:
        builder = _Builder()
        builder.value(_compose(text.replace("\t", " ")), "", "")
    except _TooMuch:
        raise
    except InvalidInput:
        return Reading(data, {}, tuple(twins[:MOST_PROBLEMS]))
    return Reading(data, builder.lines, tuple(builder.problems))


class _TooMuch(InvalidInput):
    """Refused for its size alone."""


class _Builder:
    """Data, lines and problems from a tree of nodes."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node | None, path: str, name: str) -> Any:
        """The node as data; `name` is the field that holds it."""
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(child, f"{path}[{i}]") for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, name)
        return None

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                remedy = "Write `name: value`."
                where = path or "storyboard"
                said = "has a field whose name is no word"
                self._complain(Problem(where, said, remedy=remedy, line=_line(key)))
                continue
            name = str(key.value)
            inner = f"{path}.{name}" if path else name
            if name in found:
                self._complain(_twin(inner, _line(key)))
            self.lines[inner] = _line(key)
            found[name] = self.value(child, inner, name)
        return found

    def _complain(self, problem: Problem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def _item(self, node: yaml.Node, path: str) -> Any:
        self.lines[path] = _line(node)
        return self.value(node, path, "")

    def _scalar(self, node: yaml.ScalarNode, path: str, name: str) -> Any:
        if node.tag == f"{_TAG}null":
            return None
        if name in TEXT_FIELDS or node.tag in _AS_WRITTEN or len(node.value) > _LONGEST_NUMBER:
            return str(node.value)
        return _number_or_truth(node)


def _number_or_truth(node: yaml.ScalarNode) -> Any:
    maker = yaml.constructor.SafeConstructor()
    try:
        if node.tag in _NUMBERS:
            is_whole = node.tag.endswith("int")
            return maker.construct_yaml_int(node) if is_whole else maker.construct_yaml_float(node)
        return maker.construct_yaml_bool(node)
    except (ValueError, LookupError, OverflowError):  # `!!int abc`
        return str(node.value)


def _compose(text: str) -> yaml.Node | None:
    try:
        _refuse_what_is_not_allowed(text)
        return yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        raise refusal(
            "storyboard",
            f"is not YAML: {wrong.problem or wrong.context}",
            remedy="Correct that line; text with a colon in it needs quotes.",
            line=None if mark is None else mark.line + 1,
        ) from None
    except (yaml.YAMLError, ValueError) as wrong:
        said = " ".join(str(wrong).split())
        raise refusal("storyboard", f"is not YAML: {said[:200]}", remedy="Correct it.") from None


def _refuse_what_is_not_allowed(text: str) -> None:
    """By the events alone, before a tree is built."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        line = None if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            remedy = "Write the value out."
            raise refusal(f"*{event.anchor}", "aliases are not allowed", remedy=remedy, line=line)
        tag = getattr(event, "tag", None)
        if tag and not _is_plain(tag, event):
            raise refusal("storyboard", "tags are not allowed", str(tag)[:60], "Take it out.", line)
        if count > _MOST_PARTS:
            raise _TooMuch([_too_many_parts(line)])
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _too_deep(line)


def _is_plain(tag: str, event: yaml.Event) -> bool:
    if isinstance(event, yaml.MappingStartEvent):
        return tag == f"{_TAG}map"
    if isinstance(event, yaml.SequenceStartEvent):
        return tag == f"{_TAG}seq"
    return tag in {"!", *_NUMBERS, f"{_TAG}str", f"{_TAG}bool", f"{_TAG}null"}


def _as_text(name: str, value: Any) -> Any:
    """Numbers in text fields mean their text: `"say": 1984`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if name in TEXT_FIELDS and is_number else value


def _whole_number(digits: str) -> int | str:
    """A number of thousands of digits stays text, and is refused with its field and line."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _twin(name: str, line: int | None) -> Problem:
    return Problem(name[:200], "is given twice", remedy="Keep one of the two.", line=line)


def _too_many_parts(line: int | None) -> Problem:
    limit = f"{_MOST_PARTS} fields and values"
    return Problem("storyboard", "is too large", "", limit, "Make several films of it.", line)


def _line(node: yaml.Node) -> int:
    return 1 if node.start_mark is None else int(node.start_mark.line) + 1


def _too_deep(line: int | None) -> InvalidInput:
    return InvalidInput(
        [
            Problem(
                "storyboard",
                "is nested too deeply",
                limit=f"{_DEEPEST} levels",
                remedy="A storyboard has scenes, and scenes have fields: nothing is deeper.",
                line=line,
            )
        ]
    )
