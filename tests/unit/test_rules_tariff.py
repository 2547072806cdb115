"""Prices by the hour, and the cheapest time for a run."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelyard.rules.opening import read_hours
from reelyard.rules.tariff import Tariff

HOUR = 3600.0
ZONE = ZoneInfo("Europe/Berlin")
NIGHT = Tariff("EUR", 0.30, ((read_hours("22:00-06:00", ZONE), 0.20),))
STEPPED = Tariff(
    "EUR",
    0.30,
    (
        (read_hours("Sat Sun", ZONE), 0.10),
        (read_hours("22:00-06:00", ZONE), 0.20),
        (read_hours("17:00-20:00", ZONE), 0.50),
    ),
)
FLAT = Tariff("EUR", 0.25)


def at(day: int, hour: float) -> float:
    """In November 2026; the 25th is a Wednesday."""
    return datetime(2026, 11, day, tzinfo=ZONE).timestamp() + hour * HOUR


def test_the_price_of_a_moment() -> None:
    assert [NIGHT.price_at(at(25, h)) for h in (5.99, 6, 21.99, 22)] == [0.20, 0.30, 0.30, 0.20]
    assert STEPPED.price_at(at(28, 18)) == 0.10  # the first that is open
    assert FLAT.price_at(0) == 0.25


def test_the_steps_of_the_price() -> None:
    day = NIGHT.steps(at(25, 12), at(26, 12))
    assert day == [(at(25, 12), 0.30), (at(25, 22), 0.20), (at(26, 6), 0.30)]
    assert NIGHT.steps(at(25, 12), at(25, 22)) == [(at(25, 12), 0.30)]
    assert FLAT.steps(0, 1e6) == [(0, 0.25)]


def test_the_mean_price_of_a_run() -> None:
    assert NIGHT.mean_price(at(25, 21), at(25, 23)) == pytest.approx(0.25)
    assert NIGHT.mean_price(at(25, 12), at(26, 12)) == pytest.approx((0.2 * 8 + 0.3 * 16) / 24)
    assert NIGHT.mean_price(at(25, 23), at(25, 23)) == 0.20


@pytest.mark.parametrize(
    ("hours", "after", "by", "start"),
    [
        (2, at(25, 12), at(26, 12), at(25, 22)),
        (2, at(25, 23), at(26, 12), at(25, 23)),  # at once is as cheap as any
        (2, at(25, 12), at(25, 14), at(25, 12)),
        (2, at(25, 12), at(25, 13), None),
        (12, at(25, 12), at(26, 23), at(25, 18)),  # whole night inside, begun as early as can be
        (2, at(25, 12), at(25, 23), at(25, 21)),
        (2, at(25, 12), inf, at(25, 22)),
    ],
)
def test_the_cheapest_window(hours: float, after: float, by: float, start: float | None) -> None:
    assert NIGHT.cheapest_window(hours * HOUR, after, by) == start


def test_the_same_price_always_is_cheapest_at_once() -> None:
    assert FLAT.cheapest_window(HOUR, 5.0, inf) == 5.0


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.integers(1, 30 * 60), after=st.integers(0, 7 * 1440), room=st.integers(0, 3 * 1440)
)
def test_no_other_start_is_cheaper(minutes: int, after: int, room: int) -> None:
    begin, seconds = at(22, 0) + after * 60, minutes * 60.0
    last = begin + room * 60
    start = STEPPED.cheapest_window(seconds, begin, last + seconds)
    assert start is not None and begin <= start <= last
    paid = STEPPED.mean_price(start, start + seconds)
    for n in range(0, room + 1, 97):
        other = begin + n * 60.0
        assert paid <= STEPPED.mean_price(other, other + seconds) + 1e-9


def test_a_night_that_is_longer_costs_as_much_more() -> None:
    opened = datetime(2026, 10, 24, 22, tzinfo=ZONE).timestamp()
    assert NIGHT.mean_price(opened, opened + 9 * HOUR) == pytest.approx(0.20)
    assert NIGHT.price_at(datetime(2026, 10, 25, 5, tzinfo=UTC).timestamp()) == 0.30
