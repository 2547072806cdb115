"""Opening hours: what people write, what the clock on the wall shows, the nights of a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelyard.errors import InvalidInput
from reelyard.rules.hours import ALWAYS, NEVER, Hours
from reelyard.rules.opening import LONGEST_TEXT, read_hours
from reelyard.rules.week import WEEK_MINUTES, Window

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = (
    (BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (ZoneInfo("America/New_York"), datetime(2026, 3, 8, 7, tzinfo=UTC)),
    (ZoneInfo("America/New_York"), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 4, 4, 15, tzinfo=UTC)),  # half an hour
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
)
MINUTES_AROUND = 4_000


@st.composite
def windows(draw: st.DrawFn) -> Sequence[Window]:
    """A few, of minutes to days; often around the small hours, when clocks are changed."""
    begins = st.integers(0, WEEK_MINUTES - 1) | st.integers(6 * 1440, 6 * 1440 + 240)
    lengths = st.integers(1, 600) | st.integers(1, WEEK_MINUTES)
    made = draw(st.lists(st.tuples(begins, lengths), min_size=1, max_size=4))
    return [(begin, begin + length) for begin, length in made]


def shows(at: float, zone: ZoneInfo) -> int:
    """The minute of the week that a clock on the wall shows."""
    shown = datetime.fromtimestamp(at, zone)
    return shown.weekday() * 1440 + shown.hour * 60 + shown.minute


def at_berlin(day: int, month: int, hour: int, minute: int = 0, fold: int = 0) -> float:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold).timestamp()


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@settings(max_examples=12, deadline=None)
@given(openings=windows())
def test_closes_and_opens_agree_with_every_minute_around_a_change(
    zone: ZoneInfo, change: datetime, openings: Sequence[Window]
) -> None:
    hours = Hours.of(openings, zone)
    week = {minute % WEEK_MINUTES for begin, end in openings for minute in range(begin, end)}
    first = change.timestamp() - MINUTES_AROUND * 30
    minutes = [first + n * 60 for n in range(MINUTES_AROUND)]
    is_open = [shows(at, zone) in week for at in minutes]
    until: float | None = None
    for place in range(MINUTES_AROUND - 2, -1, -1):
        at = minutes[place]
        if is_open[place] != is_open[place + 1]:
            until = minutes[place + 1]
        if place % 7 and until != minutes[place + 1]:
            continue
        assert hours.is_open(at) == is_open[place]
        assert (hours.closes(at) if not is_open[place] else hours.opens(at)) == at
        if until is not None:
            assert (hours.closes(at) if is_open[place] else hours.opens(at)) == until


@settings(max_examples=60, deadline=None)
@given(openings=windows())
def test_what_is_said_can_be_read_again(openings: Sequence[Window]) -> None:
    hours = Hours.of(openings, BERLIN)
    if len(hours.sentence()) <= LONGEST_TEXT:
        assert read_hours(hours.sentence(), BERLIN) == hours
    assert Hours.of(hours.windows(), BERLIN) == hours


@settings(max_examples=60, deadline=None)
@given(one=windows(), other=windows(), seconds=st.integers(0, 60 * 86_400))
def test_both_are_open_where_each_is(
    one: Sequence[Window], other: Sequence[Window], seconds: int
) -> None:
    first, second = Hours.of(one, BERLIN), Hours.of(other, BERLIN)
    at = at_berlin(1, 10, 0) + seconds
    assert (first & second).is_open(at) == (first.is_open(at) and second.is_open(at))
    assert first & second == second & first and first & first == first


def test_no_hours_and_all_hours() -> None:
    some = read_hours("Mon 09:00-17:00", BERLIN)
    assert ALWAYS & some == some & ALWAYS == some and NEVER & some == some & NEVER == NEVER
    assert some & read_hours("Tue", BERLIN) == NEVER
    assert ALWAYS.closes(1e9) == inf and NEVER.opens(1e9) == inf
    assert ALWAYS.opens(1e9) == NEVER.closes(1e9) == 1e9
    with pytest.raises(ValueError, match="two time zones"):
        some & read_hours("Tue", ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("day", "month", "hours"), [(28, 3, 7), (24, 10, 9), (24, 6, 8)], ids=["shorter", "longer", ""]
)
def test_a_night_is_as_long_as_it_is(day: int, month: int, hours: int) -> None:
    nights = read_hours("22:00-06:00", BERLIN)
    opened = at_berlin(day, month, 22)
    assert nights.opens(opened - 3600) == opened
    assert nights.closes(opened) - opened == timedelta(hours=hours).total_seconds()


def test_a_time_that_is_skipped_begins_when_the_clock_jumps() -> None:
    jump = at_berlin(29, 3, 3)
    assert read_hours("Sun 02:30-05:00", BERLIN).opens(at_berlin(29, 3, 1)) == jump
    skipped = read_hours("Sun 02:00-03:00", BERLIN)
    assert skipped.opens(at_berlin(29, 3, 1)) == at_berlin(5, 4, 2)


def test_a_time_that_comes_twice_is_open_twice() -> None:
    hours = read_hours("Sun 02:15-02:45", BERLIN)
    first, second = at_berlin(25, 10, 2, 15), at_berlin(25, 10, 2, 15, fold=1)
    assert (hours.opens(first - 60), hours.closes(first)) == (first, first + 1800)
    assert (hours.opens(first + 1800), hours.closes(second)) == (second, second + 1800)
    assert second - first == 3600


def test_within_a_minute() -> None:
    hours = read_hours("Mon 09:00-10:00")
    at = datetime(2026, 11, 23, 9, 59, 59, tzinfo=UTC).timestamp() + 0.75
    assert hours.is_open(at) and hours.closes(at) == at + 0.25
    assert not hours.is_open(at + 0.25)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("always", "always"),
        (" 24/7 ", "always"),
        ("Never", "never"),
        ("daily 00:00-24:00", "always"),
        ("Mon-Sun", "always"),
        ("22:00-06:00", "22:00-06:00"),
        ("daily 8:00 - 12:00", "08:00-12:00"),
        ("Mon-Fri 19:00-07:00, Sat, Sun", "Mon-Thu 19:00-07:00; Fri 19:00-Mon 00:00"),
        ("Mon Wed Fri 08:00-12:00 13:00-17:00", "Mon Wed Fri 08:00-12:00 13:00-17:00"),
        ("Fri 18:00-Mon 07:00", "Fri 18:00-Mon 07:00"),
        ("Sat; Sun 10:00-18:00", "Sat; Sun 10:00-18:00"),
        ("SATURDAY,SUNDAY", "Sat Sun"),
        ("Sun 22:00-06:00", "Sun 22:00-06:00"),
        ("Mon 08:00-24:00", "Mon 08:00-24:00"),
        ("Mon 08:00-09:00, Mon 08:30-10:00", "Mon 08:00-10:00"),
        ("Fri-Mon", "Mon Fri-Sun"),
    ],
)
def test_what_people_write(text: str, said: str) -> None:
    assert read_hours(text, BERLIN).sentence() == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a part of it is empty"),
        ("Mon,,Tue", "a part of it is empty"),
        ("Mon-", "a part of it is empty"),
        ("Sat, Sun 10:00-18:00", "may mean two things"),
        ("Mon 08:00-12:00, 13:00-17:00", "may mean two things"),
        ("monday to friday", "`to` is no day"),
        ("Funday", "`funday` is no day such as Mon"),
        ("Mon 8-17", "`8-17` is no time such as 19:00-07:00"),
        ("25:00-26:00", "there is no time 25:00"),
        ("08:00-09:60", "there is no time 09:60"),
        ("08:00-08:00", "begins when it ends"),
        ("Mon 08:00-Mon 08:00", "begins when it ends"),
        ("08:00-09:00 Mon", "a day comes after a time"),
        ("x" * 301, "are too long"),
    ],
)
def test_what_is_no_opening_hours(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match="hours") as refused:
        read_hours(text)
    (problem,) = refused.value.problems
    assert why in problem.message and problem.limit and problem.remedy
    assert problem.field == "hours"
