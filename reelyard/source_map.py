"""What was read from a script before it becomes a storyboard, and where each field stood.

Values only: never reads anything itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reelyard.errors import InvalidInput, Problem

MOST_PROBLEMS = 100
"""More than that nobody reads, and whoever sends more shall not make us search for remedies."""


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


@dataclass(frozen=True, slots=True)
class Reading:
    """A script as plain data. `problems` did not keep it from being read to its end."""

    data: object
    lines: Mapping[str, int]
    problems: tuple[Problem, ...] = ()


def refusal(
    name: str, message: str, value: str = "", remedy: str = "", line: int | None = None
) -> InvalidInput:
    """One problem that keeps the rest from being read."""
    return InvalidInput([Problem(name, message, value=value, remedy=remedy, line=line)])
