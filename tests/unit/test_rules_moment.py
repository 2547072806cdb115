"""A moment as a person writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reelyard.errors import InvalidInput
from reelyard.rules.moment import moment
from reelyard.rules.zone import zone_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=BERLIN)  # a Wednesday


def read(text: str, now: datetime = NOW) -> str:
    at = moment(text, now.timestamp(), "Europe/Berlin")
    return f"{datetime.fromtimestamp(at, BERLIN):%a %d %b %H:%M:%S %Z}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("07:00", "Thu 26 Nov 07:00:00 CET"),
        ("18:00", "Wed 25 Nov 18:00:00 CET"),
        ("15:00", "Thu 26 Nov 15:00:00 CET"),
        (" 7:05 ", "Thu 26 Nov 07:05:00 CET"),
        ("today 07:00", "Wed 25 Nov 07:00:00 CET"),
        ("tomorrow 07:00", "Thu 26 Nov 07:00:00 CET"),
        ("Fri 18:00", "Fri 27 Nov 18:00:00 CET"),
        ("wednesday 16:00", "Wed 25 Nov 16:00:00 CET"),
        ("Wed 14:00", "Wed 02 Dec 14:00:00 CET"),
        ("+8h", "Wed 25 Nov 23:00:00 CET"),
        ("+1d12h", "Fri 27 Nov 03:00:00 CET"),
        ("+90min", "Wed 25 Nov 16:30:00 CET"),
        ("+1h30m5s", "Wed 25 Nov 16:30:05 CET"),
        ("2026-11-27 07:00", "Fri 27 Nov 07:00:00 CET"),
        ("2026-06-01 07:00", "Mon 01 Jun 07:00:00 CEST"),
        ("2026-11-27T07:00:00Z", "Fri 27 Nov 08:00:00 CET"),
        ("2026-11-27T07:00:00-05:00", "Fri 27 Nov 13:00:00 CET"),
        ("2026-11-27T07:00", "Fri 27 Nov 07:00:00 CET"),
    ],
)
def test_what_people_write(text: str, said: str) -> None:
    assert read(text) == said


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "soon", "+", "+5", "+8x", "25:00", "07:60", "Funday 07:00", "tomorrow"),
        *("2026-11-27", "2026-13-27 07:00", "2026-11-27T", "2026-11-27T99", "+99999d"),
        "07:00 tomorrow",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        moment(text, NOW.timestamp(), field="--by")
    (problem,) = refused.value.problems
    assert problem.field == "--by" and "tomorrow 07:00" in problem.limit and problem.remedy


def test_nights_on_which_clocks_are_changed() -> None:
    before = datetime(2026, 3, 28, 20, tzinfo=BERLIN)
    assert read("+8h", before) == "Sun 29 Mar 05:00:00 CEST"
    assert read("07:00", before) == "Sun 29 Mar 07:00:00 CEST"
    assert read("02:30", before) == "Sun 29 Mar 03:30:00 CEST"
    assert read("02:30", datetime(2026, 10, 24, 20, tzinfo=BERLIN)) == "Sun 25 Oct 02:30:00 CEST"


def test_without_a_time_zone_it_is_utc() -> None:
    assert moment("07:00", 0) == 7 * 3600 and zone_of("") is zone_of("UTC") is UTC


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Europe/Berln", "Did you mean `Europe/Berlin`?"),
        ("berlin", "Did you mean `Europe/Berlin`?"),
        ("new york", "Did you mean `America/New_York`?"),
        ("Mars", "Leave it out for UTC."),
        ("../../etc/passwd", "Leave it out for UTC."),
        ("Europe", "Leave it out for UTC."),
    ],
)
def test_time_zones_that_are_none(name: str, remedy: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        moment("07:00", 0, name)
    (problem,) = refused.value.problems
    assert (problem.field, problem.remedy) == ("timezone", remedy)
