"""What runs have taught: measured over predicted, as bars to both sides of "as predicted". Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reelyard.predict.views import LessonView

_MOST: Final = 0.5
"""The end of a bar: 50 % more or less than predicted."""

_WITHIN: Final = 0.10
"""What still counts as predicted well."""

MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Deviation:
    """`text`: `+12 %`. The bar begins at `start` and is `width` wide, both in percent of its place,
    whose middle is "as predicted"."""

    text: str
    start: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class LessonRow:
    """A lesson as it is shown; what was never timed or never loaded has no deviation."""

    lesson: LessonView
    memory: Deviation | None
    most: str
    time: Deviation | None
    spread: str
    load: Deviation | None


def lesson_rows(lessons: Sequence[LessonView], query: str) -> tuple[LessonRow, ...]:
    """What has run most comes first."""
    named = query.strip().lower()
    ordered = sorted(lessons, key=lambda one: (-one.runs, one.model, one.device, one.plan))
    return tuple(_row(one) for one in ordered if named in one.model.lower())


def _row(lesson: LessonView) -> LessonRow:
    return LessonRow(
        lesson,
        deviation(lesson.memory) if lesson.most_memory else None,
        change(lesson.most_memory) if lesson.most_memory else "",
        deviation(lesson.seconds) if lesson.timed else None,
        _spread(lesson),
        deviation(lesson.load) if lesson.loads else None,
    )


def _spread(lesson: LessonView) -> str:
    return f"±{(lesson.spread - 1) * 100:.0f} %" if lesson.timed > 1 else ""


def deviation(ratio: float) -> Deviation:
    """More than predicted goes to the right, less to the left."""
    amount = max(-_MOST, min(_MOST, ratio - 1))
    width = abs(amount) / _MOST * 50
    start = 50.0 if amount >= 0 else 50.0 - width
    tone = "good" if abs(ratio - 1) <= _WITHIN else "soon"
    return Deviation(change(ratio), round(start, 2), round(width, 2), tone)


def change(ratio: float) -> str:
    """1.12 -> `+12 %`; 0.94 -> a minus and `6 %`; 4.2 -> `4.2 times`."""
    if ratio >= 3:
        return f"{ratio:.1f} times" if ratio < 9.95 else f"{ratio:.0f} times"
    percent = round((ratio - 1) * 100)
    if not percent:
        return "0 %"
    return f"+{percent} %" if percent > 0 else f"{MINUS}{-percent} %"
