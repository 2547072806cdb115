"""Lessons as files: exported by one farm, taken over by another, or by `reelyard predict`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from reelyard.errors import InvalidInput, Problem
from reelyard.predict.lessons import NOTHING, Key, Lesson, Lessons, gathered
from reelyard.predict.views import LessonList, LessonView

_MOST_BYTES = 64 * 1024 * 1024


def lesson_view(lesson: Lesson) -> LessonView:
    """A lesson as the API, the command line and files show it."""
    return LessonView(
        model=lesson.key.model,
        plan=lesson.key.plan,
        device=lesson.key.device,
        runs=lesson.runs,
        timed=lesson.timed,
        memory=lesson.memory,
        most_memory=lesson.most_memory,
        seconds=lesson.seconds,
        spread=lesson.spread,
        load=lesson.load,
        loads=lesson.loads,
        failures=lesson.failures,
    )


def lesson_of(view: LessonView) -> Lesson:
    """The way back."""
    return Lesson(
        key=Key(view.model, view.plan, view.device),
        runs=view.runs,
        timed=view.timed,
        memory=view.memory,
        most_memory=view.most_memory,
        seconds=view.seconds,
        spread=view.spread,
        load=view.load,
        loads=view.loads,
        failures=view.failures,
    )


def lesson_list(lessons: Iterable[Lesson]) -> LessonList:
    """In a steady order: exports can be compared."""
    ordered = sorted(lessons, key=lambda one: (one.key.model, one.key.device, one.key.plan))
    return LessonList(data=[lesson_view(lesson) for lesson in ordered])


def read_lessons(file: Path | None) -> Lessons:
    """The lessons in a file. Raises InvalidInput when it cannot be read; None: nothing learned."""
    return NOTHING if file is None else gathered(map(lesson_of, read_lesson_list(file).data))


def read_lesson_list(file: Path) -> LessonList:
    """The file's content. Raises InvalidInput with what is wrong and where."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InvalidInput(
                [Problem(str(file), "is far too large for lessons", limit=f"{_MOST_BYTES} bytes")]
            )
        return LessonList.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as wrong:
        raise InvalidInput(
            [Problem(str(file), f"cannot be read: {wrong}", remedy="Give an exported file.")]
        ) from None
    except ValidationError as wrong:
        raise InvalidInput(
            [
                Problem(
                    field=".".join(str(part) for part in error["loc"]) or str(file),
                    message=error["msg"],
                    value=str(error.get("input", ""))[:80],
                    remedy="Give a file that `reelyard models learned --export` wrote.",
                )
                for error in wrong.errors()
            ]
        ) from None
