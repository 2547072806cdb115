"""Reads opening hours as people write them.

    always        24/7        never
    22:00-06:00        Mon-Fri 19:00-07:00, Sat, Sun
    Mon Wed Fri 08:00-12:00 13:00-17:00        Fri 18:00-Mon 07:00

Parts are set apart by commas or semicolons. A time that does not end later than it begins ends on
the next day, and belongs to the day on which it begins. A comma that might mean two things, as in
`Sat, Sun 10:00-18:00`, is refused; a semicolon never is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import pairwise

from reelyard.errors import InvalidInput, Problem
from reelyard.rules.hours import ALWAYS, NEVER, Hours
from reelyard.rules.week import DAY_MINUTES, DAYS, WEEK_MINUTES, Window

ACCEPTED = (
    "`always`, `never`, `22:00-06:00`, `Mon-Fri 19:00-07:00, Sat, Sun`, "
    "`Mon Wed 08:00-12:00 13:00-17:00` or `Fri 18:00-Mon 07:00`"
)
LONGEST_TEXT = 300
_REMEDY = "Write them like one of these."
_WORDS = {"always": ALWAYS, "24/7": ALWAYS, "never": NEVER}
_EVERY_DAY = tuple(range(7))
_SPAN = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
_OVER_DAYS = re.compile(r"([a-z]+) (\d{1,2}):(\d\d)-([a-z]+) (\d{1,2}):(\d\d)")


class _Wrong(Exception):
    """Says what is wrong."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between commas. No days: every day; no times: the whole day."""

    text: str
    windows: tuple[Window, ...]
    has_days: bool
    has_times: bool


def read_hours(text: str, zone: tzinfo = UTC, field: str = "hours") -> Hours:
    """The hours, on the wall clock of `zone`. Raises InvalidInput for what cannot be read."""
    if len(text) > LONGEST_TEXT:
        said, limit = f"{len(text)} characters", f"{LONGEST_TEXT} characters"
        raise InvalidInput([Problem(field, "are too long", said, limit, "Make them simpler.")])
    asked = re.sub(r" ?([-;,]) ?", r"\1", " ".join(text.lower().split()))
    if asked in _WORDS:
        return _WORDS[asked]
    try:
        windows = [window for group in asked.split(";") for window in _windows(group)]
    except _Wrong as wrong:
        said = f"cannot be read as opening hours: {wrong}"
        raise InvalidInput([Problem(field, said, text[:80], ACCEPTED, _REMEDY)]) from None
    return Hours.of(windows, zone)


def _windows(group: str) -> list[Window]:
    parts = [_part(text) for text in group.split(",")]
    for one, after in pairwise(parts):
        if one.has_days and after.has_times and not (one.has_times and after.has_days):
            first, second = one.text.title(), after.text.title()
            clear = f"a semicolon sets two parts apart: `{first}; {second}`"
            raise _Wrong(f"`{first}, {second}` may mean two things; {clear}")
    return [window for part in parts for window in part.windows]


def _part(text: str) -> _Part:
    if over := _OVER_DAYS.fullmatch(text):
        begin = _day(over[1]) * DAY_MINUTES + _minute(over[2], over[3])
        end = _day(over[4]) * DAY_MINUTES + _minute(over[5], over[6])
        return _Part(text, (_forward(begin, end, WEEK_MINUTES, text),), True, True)
    words = text.split(" ")
    spans = [_span(word) for word in words if word[:1].isdecimal()]
    named = [word for word in words if not word[:1].isdecimal()]
    if words != [*named, *(word for word in words if word[:1].isdecimal())]:
        raise _Wrong(f"in `{text}` a day comes after a time")
    days = [day for word in named for day in _days(word)] or _EVERY_DAY
    windows = (
        (day * DAY_MINUTES + begin, day * DAY_MINUTES + end)
        for day in days
        for begin, end in spans or [(0, DAY_MINUTES)]
    )
    return _Part(text, tuple(windows), bool(named), bool(spans))


def _span(word: str) -> Window:
    form = _SPAN.fullmatch(word)
    if form is None:
        raise _Wrong(f"`{word}` is no time such as 19:00-07:00")
    return _forward(_minute(form[1], form[2]), _minute(form[3], form[4]), DAY_MINUTES, word)


def _forward(begin: int, end: int, turn: int, text: str) -> Window:
    if begin % turn == end % turn and not end - begin == turn:
        raise _Wrong(f"`{text}` begins when it ends; leave the times out for a whole day")
    return begin % turn, begin % turn + ((end - begin) % turn or turn)


def _minute(hour: str, minute: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > DAY_MINUTES:
        raise _Wrong(f"there is no time {hour}:{minute}")
    return found


def _days(word: str) -> tuple[int, ...]:
    if word == "daily":
        return _EVERY_DAY
    first, dash, last = word.partition("-")
    begin = _day(first)
    end = _day(last) if dash else begin
    return tuple((begin + n) % 7 for n in range((end - begin) % 7 + 1))


def _day(name: str) -> int:
    if name not in DAYS:
        raise _Wrong(f"`{name}` is no day such as Mon" if name else "a part of it is empty")
    return DAYS[name]
