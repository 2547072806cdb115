"""The traffic of a play, read from JSON lines: one task a line, blank lines allowed.

    {"at": 0, "owner": "anna", "kind": "video", "model": "wan2.1-t2v-1.3b", "frames": 81, "steps": 30}
    {"at": 9.5, "owner": "ben", "kind": "voice", "model": "v", "seconds": {"rtx-4090": 4}, "id": "b"}

A million lines are usual: what alike lines have in common is checked once and shared.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.simulate.policy import Task
from coordinator.simulate.shapes import Given, Shape
from reelyard.catalog import Catalog
from reelyard.errors import InvalidInput, Problem
from reelyard.predict.ask import find_model, unmeasured

MOST_LINES, MOST_LINE_BYTES, MOST_PROBLEMS = 10_000_000, 65_536, 100
_LATEST = 1e9
_MOST_CACHED = 200_000
_REMEDY = "Correct the line; docs/simulator.md lists every field."
_OWN_TEXT, _OWN_NUMBERS = ("id", "job"), ("deadline", "start_after")

Text = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=1e8, allow_inf_nan=False, strict=True)]
Wait = Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False, strict=True)]
Pixels = Annotated[int, Field(ge=16, le=8192, strict=True)]


class _Common(BaseModel):
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


@dataclass(frozen=True, slots=True)
class Workload:
    """All of it. `tasks` in order of arrival, a task's shape being its place in `shapes`."""

    tasks: list[Task]
    shapes: list[Shape]


@dataclass(frozen=True, slots=True)
class _Shared:
    common: _Common
    shape: int


def read_workload(file: Path, catalog: Catalog) -> Workload:
    """The workload in a file. Raises InvalidInput with every problem, the first hundred of them."""
    try:
        with file.open("rb") as lines:
            return parse_workload(lines, catalog)
    except OSError as wrong:
        said = f"cannot be read: {wrong.strerror}"
        raise InvalidInput(
            [Problem(str(file), said, remedy="Give a file of JSON lines.")]
        ) from None


def parse_workload(lines: Iterable[bytes], catalog: Catalog) -> Workload:
    """The workload in these lines. Raises InvalidInput as above."""
    reader = _Reader(catalog)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            reader.take(number, line)
        if len(reader.problems) >= MOST_PROBLEMS or number > MOST_LINES:
            break
    if not reader.problems and not reader.tasks:
        reader.say(None, "workload", "holds no task", limit=f"1 to {MOST_LINES} lines")
    if number_of(reader.tasks) > MOST_LINES:
        reader.say(None, "workload", "is too long", limit=f"{MOST_LINES} lines")
    if reader.problems:
        raise InvalidInput(reader.problems)
    return Workload(_in_order(reader.tasks), list(reader.shapes))


def number_of(tasks: list[Task]) -> int:
    """How many."""
    return len(tasks)


def _in_order(tasks: list[Task]) -> list[Task]:
    """By arrival, of equals as written; numbered anew where that changed anything."""
    if all(a.at <= b.at for a, b in zip(tasks, tasks[1:], strict=False)):
        return tasks
    tasks.sort(key=lambda task: task.at)
    return [task._replace(index=n) for n, task in enumerate(tasks)]


@dataclass(slots=True)
class _Reader:
    catalog: Catalog
    tasks: list[Task] = field(default_factory=list)
    shapes: dict[Shape, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _shared: dict[Any, _Shared] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)

    def take(self, number: int, line: bytes) -> None:
        """One line that is not blank."""
        found = self._object(number, line)
        if found is None:
            return
        at, text = found.pop("at", None), found.pop("id", None)
        job, deadline = found.pop("job", ""), found.pop("deadline", None)
        after = found.pop("start_after", None)
        own = _own_problems(at, text, job, deadline, after)
        for name, message, value, limit in own:
            self.say(number, name, message, value, limit)
        shared = self._common(number, found)
        if own or shared is None or not self._is_new(number, text):
            return
        moment = float(at) if after is None or after <= at else float(after)
        c = shared.common
        self.tasks.append(
            Task(
                len(self.tasks),
                text or str(number),
                moment,
                c.owner,
                c.kind,
                c.model,
                shared.shape,
                c.priority,
                None if deadline is None else float(deadline),
                c.gang,
                c.band,
                intern(job) if job else "",
                c.checkpoint,
            )
        )

    def say(
        self, line: int | None, name: str, message: str, value: str = "", limit: str = ""
    ) -> None:
        """Note a problem."""
        self.problems.append(Problem(name, message, value[:80], limit, _REMEDY, line))

    def _object(self, number: int, line: bytes) -> dict[str, Any] | None:
        if len(line) > MOST_LINE_BYTES:
            self.say(number, "line", "is too long", f"{len(line)} bytes", f"{MOST_LINE_BYTES}")
            return None
        try:
            found = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as wrong:
            self.say(number, "line", f"is not JSON: {wrong}", repr(line[:60]))
            return None
        if isinstance(found, dict):
            return found
        self.say(number, "line", "is not an object", repr(line[:60]))
        return None

    def _is_new(self, number: int, text: str | None) -> bool:
        if text is None:
            return True
        if text in self._ids:
            self.say(number, "id", "is another task's too", text)
            return False
        self._ids.add(text)
        return True

    def _common(self, number: int, found: dict[str, Any]) -> _Shared | None:
        """What was checked before, if an alike line was; else checked now."""
        key = _key(found)
        shared = self._shared.get(key) if key is not None else None
        if shared is None:
            shared = self._checked(number, found)
            if shared is not None and key is not None and len(self._shared) < _MOST_CACHED:
                self._shared[key] = shared
        return shared

    def _checked(self, number: int, found: dict[str, Any]) -> _Shared | None:
        try:
            common = _Common.model_validate(found)
        except ValidationError as wrong:
            self.problems.extend(_problem(number, error) for error in wrong.errors())
            return None
        if problems := list(_together(number, common, self.catalog)):
            self.problems.extend(problems)
            return None
        for name in ("owner", "kind", "model", "band"):
            setattr(common, name, intern(getattr(common, name)))
        shape = _shape(common)
        return _Shared(common, self.shapes.setdefault(shape, len(self.shapes)))


def _key(found: dict[str, Any]) -> Any:
    """Equal for alike lines; None where they hold what cannot be compared (a list)."""
    values = tuple(
        tuple(value.items()) if type(value) is dict else (type(value), value)
        for value in found.values()
    )
    try:
        hash(values)
    except TypeError:
        return None
    return tuple(found), values


def _own_problems(
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


def _together(number: int, common: _Common, catalog: Catalog) -> Iterator[Problem]:
    """What only several fields together show."""
    if common.seconds is None:
        yield from _priced(number, common, catalog)
        return
    if isinstance(common.seconds, dict) and isinstance(common.load_seconds, dict):
        missing = [name for name in common.seconds if name not in common.load_seconds]
        if missing:
            limit = "a number for every type that seconds names"
            said = "lacks a type"
            yield Problem("load_seconds", said, ", ".join(missing)[:80], limit, _REMEDY, number)
    if common.seconds == {}:
        yield Problem("seconds", "names no type", "{}", "at least one", _REMEDY, number)


def _priced(number: int, common: _Common, catalog: Catalog) -> Iterator[Problem]:
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


def _shape(common: _Common) -> Shape:
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


def _problem(number: int, error: Any) -> Problem:
    name = ".".join(str(part) for part in error["loc"])
    limits = error.get("ctx") or {}
    remedy = _REMEDY
    if error["type"] == "extra_forbidden":
        known = [*_Common.model_fields, "at", "id", "job", "deadline", "start_after"]
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean `{near[0]}`?" if near else _REMEDY
    return Problem(
        field=name,
        message=error["msg"],
        value=str(error.get("input", ""))[:80] if error["type"] != "missing" else "",
        limit=", ".join(f"{key} {value}" for key, value in limits.items())[:120],
        remedy=remedy,
        line=number,
    )
