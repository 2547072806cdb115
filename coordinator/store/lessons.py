"""What finished runs taught: one row per model, plan and type of device.

A row is changed only as it was read: nobody's run is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from coordinator.store.tables import lessons
from reelyard.predict.lessons import Key, Lesson, Lessons, Seen, gathered, learn

_TRIES = 20
_FIGURES = (
    *("runs", "timed", "memory", "most_memory", "seconds"),
    *("spread", "load", "loads", "failures"),
)


def read_all(connection: Connection) -> list[Lesson]:
    """Every lesson."""
    return [_lesson(row) for row in connection.execute(select(lessons)).mappings()]


def read_lessons(connection: Connection) -> Lessons:
    """Every lesson by key, and what each type of device says over all models."""
    return gathered(read_all(connection))


def teach(connection: Connection, key: Key, seen: Seen, now: float) -> bool:
    """One more run; see `teach_runs`."""
    return teach_runs(connection, key, [seen], now)


def teach_runs(connection: Connection, key: Key, runs: Sequence[Seen], now: float) -> bool:
    """More runs, in this order. Who comes between is not overwritten: then they are learned on top
    of that. False when others were faster every time, and the runs are not counted."""
    for _ in range(_TRIES):
        row = connection.execute(select(lessons).where(_is(key))).mappings().one_or_none()
        known = Lesson(key) if row is None else _lesson(row)
        learned = reduce(learn, runs, known)
        if row is None:
            if _insert(connection, learned, now):
                return True
        elif _update(connection, row, learned, now):
            return True
    return False


def take_over(connection: Connection, given: Iterable[Lesson], now: float) -> int:
    """Lessons of another farm: where there is one already, the one with more runs stays. How many
    were taken."""
    return sum(_take(connection, lesson, now) for lesson in given)


def _take(connection: Connection, lesson: Lesson, now: float) -> bool:
    change = (
        update(lessons)
        .where(_is(lesson.key), lessons.c.runs < lesson.runs)
        .values(**_figures(lesson), revision=lessons.c.revision + 1, updated_at=now)
    )
    if connection.execute(change).rowcount == 1:
        return True
    found = connection.execute(select(lessons.c.runs).where(_is(lesson.key))).one_or_none()
    return found is None and _insert(connection, lesson, now)


def _insert(connection: Connection, lesson: Lesson, now: float) -> bool:
    """False when somebody else was first."""
    key = {"model": lesson.key.model, "plan": lesson.key.plan, "device": lesson.key.device}
    values = {**key, **_figures(lesson), "revision": 1, "updated_at": now}
    try:
        with connection.begin_nested():
            connection.execute(insert(lessons).values(**values))
        return True
    except IntegrityError:
        return False


def _update(connection: Connection, row: RowMapping, lesson: Lesson, now: float) -> bool:
    change = (
        update(lessons)
        .where(_is(lesson.key), lessons.c.revision == row["revision"])
        .values(**_figures(lesson), revision=row["revision"] + 1, updated_at=now)
    )
    return connection.execute(change).rowcount == 1


def _is(key: Key) -> ColumnElement[bool]:
    return and_(
        lessons.c.model == key.model, lessons.c.plan == key.plan, lessons.c.device == key.device
    )


def _figures(lesson: Lesson) -> dict[str, float]:
    return {name: getattr(lesson, name) for name in _FIGURES}


def _lesson(row: RowMapping) -> Lesson:
    key = Key(row["model"], row["plan"], row["device"])
    return Lesson(key, **{name: row[name] for name in _FIGURES})
