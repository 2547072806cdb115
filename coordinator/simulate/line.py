"""One line of a workload: its fields, their limits, and every problem with them. Pure."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from coordinator.simulate.shapes import Given, Shape
from reelyard.catalog import Catalog
from reelyard.errors import Problem
from reelyard.predict.ask import find_model, unmeasured

REMEDY = "Correct the line; docs/simulator.md lists every field."
_LATEST = 1e9
OWN_FIELDS = ("at", "id", "job", "deadline", "start_after")
"""What is a line's own; all others it may have in common with many."""

Text = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False, strict=True)]
Wait = Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False, strict=True)]
Pixels = Annotated[int, Field(ge=16, le=8192, strict=True)]


class Common(BaseModel):
    """What tasks may have in common: everything but when and what they are called."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    owner: Text
    kind: Text
    model: Annotated[str, Field(max_length=200)]
    priority: int = Field(default=50, ge=0, le=100, strict=True)
    gang: int = Field(default=1, ge=1, le=64, strict=True)
    band: Literal["interactive", "normal", "batch"] = "normal"
    checkpoint: bool = Field(default=False, strict=True)
    seconds: Seconds | dict[Text, Seconds] | None = None
    load_seconds: Wait | dict[Text, Wait] | None = None
    memory_gib: float | None = Field(default=None, ge=0, le=65_536, allow_inf_nan=False)
    width: Pixels | None = None
    height: Pixels | None = None
    frames: int | None = Field(default=None, ge=1, le=10_000, strict=True)
    steps: int | None = Field(default=None, ge=1, le=10_000, strict=True)
    guidance: float | None = Field(default=None, ge=0, le=1_000, allow_inf_nan=False)


def own_problems(
    at: Any, text: Any, job: Any, deadline: Any, after: Any
) -> list[tuple[str, str, str, str]]:
    """What is wrong with a line's own fields: name, message, value, limit."""
    found = []
    limit = f"0 to {_LATEST:g} s"
    if at is None:
        found.append(("at", "is missing", "", limit))
    for name, value in (("at", at), ("deadline", deadline), ("start_after", after)):
        if value is not None and not _is_moment(value):
            found.append((name, "is no moment", json.dumps(value), limit))
    if text is not None and not (isinstance(text, str) and 0 < len(text) <= 200):
        found.append(("id", "is no name", json.dumps(text), "text of 1 to 200 characters"))
    if not (isinstance(job, str) and len(job) <= 200):
        found.append(("job", "is no name", json.dumps(job), "text of up to 200 characters"))
    return found


def _is_moment(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= _LATEST


def together(number: int, common: Common, catalog: Catalog) -> Iterator[Problem]:
    """What only several fields together show."""
    if common.seconds is None:
        yield from _priced(number, common, catalog)
        return
    if isinstance(common.seconds, dict) and isinstance(common.load_seconds, dict):
        missing = [name for name in common.seconds if name not in common.load_seconds]
        if missing:
            limit = "a number for every type that seconds names"
            said = "lacks a type"
            yield Problem("load_seconds", said, ", ".join(missing)[:80], limit, REMEDY, number)
    if common.seconds == {}:
        yield Problem("seconds", "names no type", "{}", "at least one", REMEDY, number)


def _priced(number: int, common: Common, catalog: Catalog) -> Iterator[Problem]:
    """The predictor knows this model."""
    for name in ("load_seconds", "memory_gib"):
        if getattr(common, name) is not None:
            said = "is given without seconds"
            yield Problem(name, said, remedy="Give seconds too, or neither.", line=number)
    model = find_model(common.model, catalog)
    if model is None:
        near = difflib.get_close_matches(common.model, list(catalog.models), n=1)
        guess = f"Did you mean `{near[0]}`? " if near else ""
        said = "is not a video model of the catalog, so nobody can price it"
        remedy = f"{guess}Correct it, or give seconds."
        yield Problem("model", said, common.model[:80], remedy=remedy, line=number)
    elif part := unmeasured(model, catalog):
        said = f"has a part that was never measured: {part}"
        yield Problem("model", said, common.model, remedy="Give seconds.", line=number)


def shape_of(common: Common) -> Shape:
    """What it is priced by."""
    if common.seconds is not None:
        return Shape(
            model=common.model,
            gang=common.gang,
            seconds=_given(common.seconds),
            load_seconds=_given(common.load_seconds or 0.0),
            memory_gib=common.memory_gib or 0.0,
            steps=common.steps,
        )
    return Shape(
        model=common.model,
        gang=common.gang,
        width=common.width,
        height=common.height,
        frames=common.frames,
        steps=common.steps,
        guided=common.guidance is None or common.guidance > 1,
    )


def _given(value: float | dict[str, float]) -> Given:
    return tuple(sorted(value.items())) if isinstance(value, dict) else float(value)


def problems_of(number: int, found: dict[str, Any], errors: list[Any]) -> Iterator[Problem]:
    """What pydantic says of a line, as ours. Of "a number or an object" it tries both: only the one
    that was meant is told of."""
    for error in errors:
        where = list(error["loc"])
        if len(where) > 1 and where[0] in ("seconds", "load_seconds"):
            is_table = isinstance(found[where[0]], dict)
            if str(where[1]).startswith("dict") != is_table:
                continue
            del where[1]
        yield _problem(number, ".".join(str(part) for part in where), error)


def _problem(number: int, name: str, error: Any) -> Problem:
    limits, remedy = error.get("ctx") or {}, REMEDY
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, [*Common.model_fields, *OWN_FIELDS], n=1)
        remedy = f"Did you mean `{near[0]}`?" if near else REMEDY
    return Problem(
        field=name,
        message=error["msg"],
        value=str(error.get("input", ""))[:80] if error["type"] != "missing" else "",
        limit=", ".join(f"{key} {value}" for key, value in limits.items())[:120],
        remedy=remedy,
        line=number,
    )
