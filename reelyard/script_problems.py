"""Says in plain words what pydantic found wrong with a storyboard: field, value, limit, remedy.

Pure: no files, no limits of a farm (those are in `reelyard.limits`).
"""

from __future__ import annotations

import difflib
import json

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reelyard.errors import Problem
from reelyard.source_map import MOST_PROBLEMS, SourceMap
from reelyard.storyboard import Scene, Storyboard

_SHOWN_CHARACTERS = 60

_SAID = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of a storyboard",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be an ordinary number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_unicode": "has characters that are no text",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "tuple_type": "must be a list of scenes",
    "model_type": "must be a scene with a `picture`",
    "model_attributes_type": "must be a scene with a `picture`",
    "too_short": "must have at least one scene",
    "literal_error": "is not one of its values",
}
_REMEDIES = {
    "missing": "Add it.",
    "greater_than": "Give a larger number.",
    "greater_than_equal": "Give a larger number.",
    "less_than": "Give a smaller number.",
    "less_than_equal": "Give a smaller number.",
    "int_parsing_size": "Give a smaller number.",
    "bool_type": "Write true, or take it out.",
    "bool_parsing": "Write true, or take it out.",
    "string_type": "Write plain text, in quotes if need be.",
    "string_too_short": "Write something.",
    "string_too_long": "Shorten it.",
    "tuple_type": "Write `scenes:` and under it `- picture: ...` for each scene.",
    "model_type": "Write `- picture: ...`.",
    "model_attributes_type": "Write `- picture: ...`.",
    "too_short": "Add a scene with a `picture`.",
}
_REMEDIES_OF_FIELDS = {
    "seconds": "Give a length in seconds, or leave it out to follow the narration.",
    "size": "Write it like 512x320, or leave it out for the model's own.",
    "fps": "Give pictures per second, or leave it out for the model's own.",
    "continue": "Take it out, or move the scene.",
}
_LIMITS = {
    "gt": "more than {}",
    "ge": "at least {}",
    "lt": "less than {}",
    "le": "at most {}",
    "min_length": "at least {}",
    "max_length": "at most {} characters",
    "expected": "{}",
}


def problems_of(wrong: ValidationError, where: SourceMap) -> list[Problem]:
    """Every one, but never more than anybody reads."""
    real = [error for error in wrong.errors(include_url=False) if not _is_echo(error)]
    found = [_problem(error, where) for error in real[:MOST_PROBLEMS]]
    left_out = len(real) - len(found)
    return [*found, _and_more(left_out)] if left_out else found


def _and_more(left_out: int) -> Problem:
    return Problem("storyboard", f"has {left_out} more problems", remedy="Begin with these.")


def shown(value: object) -> str:
    """The value as a person wrote it, cut to a line."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits
        text = f"a {type(value).__name__}"
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def path_of(loc: tuple[int | str, ...]) -> str:
    """`("scenes", 2, "seconds")` -> `scenes[2].seconds`."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + part[:_SHOWN_CHARACTERS]
    return path


def _is_echo(error: ErrorDetails) -> bool:
    """Scenes that are wrong one by one are counted as missing too: once is enough."""
    return error["type"] == "too_short" and error["loc"] == ("scenes",) and bool(error["input"])


def _problem(error: ErrorDetails, where: SourceMap) -> Problem:
    kind, path = error["type"], path_of(error["loc"])
    said = _SAID.get(kind, error["msg"].removeprefix("Value error, "))
    value = "" if kind in {"missing", "string_too_short"} else shown(error.get("input"))
    if not path:  # said of the whole: `scenes[0].continue: the first scene ...`
        path, _, said = said.partition(": ") if ": " in said else ("storyboard", "", said)
        value = "true" if path.endswith("continue") else ""
    return Problem(path, said, value, _limit(error), _remedy(error, path), where.line(path))


def _limit(error: ErrorDetails) -> str:
    context = error.get("ctx") or {}
    if error["type"] == "literal_error":
        return str(context["expected"]).replace("'", "")
    if error["type"] == "int_parsing_size":
        return "19 digits"
    found = [
        _LIMITS[name].format(_plain(bound)) for name, bound in context.items() if name in _LIMITS
    ]
    return ", ".join(found)


def _plain(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _remedy(error: ErrorDetails, path: str) -> str:
    kind, name = error["type"], path.rpartition(".")[2]
    if kind == "extra_forbidden":
        return _did_you_mean(error["loc"])
    if kind == "literal_error":
        return "Choose one of those."
    if kind != "missing" and name in _REMEDIES_OF_FIELDS:
        return _REMEDIES_OF_FIELDS[name]
    return _REMEDIES.get(kind, "Correct it.")


def _did_you_mean(loc: tuple[int | str, ...]) -> str:
    kind = Scene if "scenes" in loc[:1] else Storyboard
    known = [field.alias or name for name, field in kind.model_fields.items()]
    near = difflib.get_close_matches(str(loc[-1])[:40], known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"The fields here are: {', '.join(known)}."
