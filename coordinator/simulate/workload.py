"""The traffic of a play, read from JSON lines: one task a line, blank lines allowed.

    {"at": 0, "owner": "anna", "kind": "video", "model": "wan2.1-t2v-1.3b", "frames": 81}
    {"at": 9.5, "owner": "ben", "kind": "voice", "model": "v", "seconds": {"rtx-4090": 4}}

A million lines are usual: what alike lines have in common is checked once and shared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from sys import intern
from typing import Any

from pydantic import ValidationError

from coordinator.simulate.line import (
    REMEDY,
    Common,
    own_problems,
    problems_of,
    shape_of,
    together,
)
from coordinator.simulate.policy import Task
from coordinator.simulate.shapes import Shape
from reelyard.catalog import Catalog
from reelyard.errors import InvalidInput, Problem

MOST_LINES, MOST_LINE_BYTES, MOST_PROBLEMS = 10_000_000, 65_536, 100
_MOST_CACHED = 200_000


@dataclass(frozen=True, slots=True)
class Workload:
    """All of it. `tasks` in order of arrival, a task's shape being its place in `shapes`."""

    tasks: list[Task]
    shapes: list[Shape]


@dataclass(frozen=True, slots=True)
class _Shared:
    common: Common
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
    if len(reader.tasks) > MOST_LINES:
        reader.say(None, "workload", "is too long", limit=f"{MOST_LINES} lines")
    if reader.problems:
        raise InvalidInput(reader.problems)
    return Workload(_in_order(reader.tasks), list(reader.shapes))


def _in_order(tasks: list[Task]) -> list[Task]:
    """By arrival, of equals as written; numbered anew where that changed anything."""
    if all(a.at <= b.at for a, b in pairwise(tasks)):
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
        own = own_problems(at, text, job, deadline, after)
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
        self.problems.append(Problem(name, message, value[:80], limit, REMEDY, line))

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
            common = Common.model_validate(found)
        except ValidationError as wrong:
            self.problems.extend(problems_of(number, found, wrong.errors()))
            return None
        if problems := list(together(number, common, self.catalog)):
            self.problems.extend(problems)
            return None
        for name in ("owner", "kind", "model", "band"):
            setattr(common, name, intern(getattr(common, name)))
        shape = shape_of(common)
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
