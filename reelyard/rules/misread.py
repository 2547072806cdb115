"""What pydantic found in a document of rules, in words for people: field, value, limit, remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from reelyard.errors import Problem
from reelyard.rules.written import Document

_SEE = "docs/rules.md shows every field."
_SAID = {
    "extra_forbidden": "is not a field of the rules",
    "missing": "is missing",
    "string_type": "is no text",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "is no name",
    "list_type": "is no list",
    "dict_type": "is no table",
    "model_type": "is no table",
    "bool_type": "is neither true nor false",
    "int_type": "is no whole number",
    "int_from_float": "is no whole number",
    "float_type": "is no number",
    "finite_number": "is no number",
    "too_long": "has too many entries",
}
_NAME_LIMIT = "64 letters, digits, '.', '_' and '-', a letter or digit first"
_OUT_OF_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})


def problem_of(error: ErrorDetails) -> Problem:
    """One of them."""
    kind, loc = error["type"], [part for part in error["loc"] if part != "[key]"]
    field = path_of(loc)
    if kind == "reelyard":
        given: Mapping[str, Any] = error.get("ctx", {})
        value = _shown(error.get("input"))
        return Problem(field, given["message"], value, given["limit"], given["remedy"])
    said = "is out of range" if kind in _OUT_OF_RANGE else _SAID.get(kind, error["msg"])
    if kind == "extra_forbidden":
        return _unknown(field, loc, error)
    value = "" if kind == "missing" else _shown(error.get("input"))
    if kind == "too_long":
        value = f"{error.get('ctx', {}).get('actual_length')} entries"
    about = _field_at(loc)
    remedy = "Give it another name." if "[key]" in error["loc"] else _remedy(about)
    return Problem(field, said, value, _limit(error, about), remedy)


def path_of(loc: Iterable[int | str]) -> str:
    """`nodes[1].match`."""
    said = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return said.lstrip(".")


def _unknown(field: str, loc: list[int | str], error: ErrorDetails) -> Problem:
    known = list(_fields(_kind_at(loc[:-1])))
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    remedy = f"Did you mean `{near[0]}`?" if near else f"Take it out. {_SEE}"
    value = _shown(error.get("input"))
    return Problem(field, _SAID["extra_forbidden"], value, ", ".join(known), remedy)


def _limit(error: ErrorDetails, about: FieldInfo | None) -> str:
    ctx = error.get("ctx", {})
    if error["type"] in _OUT_OF_RANGE:
        return _range(about, ctx)
    if error["type"] == "string_pattern_mismatch":
        return _NAME_LIMIT
    most, unit = ctx.get("max_length"), "characters" if "string" in error["type"] else "entries"
    return f"{most} {unit}" if most else ""


def _range(about: FieldInfo | None, ctx: Mapping[str, Any]) -> str:
    found = {
        name: getattr(one, name)
        for one in (about.metadata if about else ())
        for name in ("ge", "le")
        if hasattr(one, name)
    } or ctx
    least, most = found.get("ge"), found.get("le")
    if least is not None and most is not None:
        return f"{least:.10g} to {most:.10g}"
    return f"at least {least:.10g}" if least is not None else f"at most {most:.10g}"


def _remedy(about: FieldInfo | None) -> str:
    return f"Give {about.description}." if about and about.description else _SEE


def _field_at(loc: list[int | str]) -> FieldInfo | None:
    """The nearest field that the place lies in."""
    for end in range(len(loc), 0, -1):
        table = _kind_at(loc[: end - 1])
        found: FieldInfo | None = _fields(table).get(str(loc[end - 1]))
        if found is not None:
            return found
    return None


def _kind_at(loc: list[int | str]) -> Any:
    """What the document's place is declared as; None: nothing is declared there."""
    kind: Any = Document
    for part in loc:
        kind = _within(kind, part)
    return kind


def _within(kind: Any, part: int | str) -> Any:
    kind = _one_of(kind)
    if fields := _fields(kind):
        return _one_of(fields[str(part)].annotation) if part in fields else None
    if get_origin(kind) in (list, dict):
        return _one_of(get_args(kind)[-1])
    return None


def _one_of(kind: Any) -> Any:
    """The part of an optional type that is not None."""
    if get_origin(kind) in (Union, UnionType):
        return next(one for one in get_args(kind) if one is not type(None))
    return kind


def _fields(kind: Any) -> Mapping[str, FieldInfo]:
    """Of a table; what is none has no fields."""
    is_table = isinstance(kind, type) and issubclass(kind, BaseModel)
    return kind.model_fields if is_table else {}


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
