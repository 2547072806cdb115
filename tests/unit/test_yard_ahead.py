"""A short task is queued behind one that is about to end; a long one, or one that loads, is not."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pytest

from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.terms import Terms
from coordinator.core.yard.wishes import Start
from coordinator.core.yard.yard import Yard

SECONDS: Mapping[str, float] = {"short": 5.0, "long": 300.0, "other": 5.0}


class Given:
    """One kind of device, two models."""

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        return Price(SECONDS[str(shape)], 8.0, gib=4.0)

    def model(self, shape: Hashable) -> str:
        return "n" if shape == "other" else "m"


class Doors(OpenHouse):
    """Closed in a while."""

    def closes_in(self, kind: Hashable, now: float) -> float:
        return max(0.0, 12.0 - now)


def farm(ends_at: float = 8.0, terms: Terms | None = None, house: OpenHouse | None = None) -> Yard:
    """A device that holds m and is busy until then."""
    terms = terms or Terms(ahead_seconds=10.0)
    yard = Yard(Given(), house or OpenHouse({}), terms)
    yard.put("d", "card", "node", held=("m",), room_gib=6.0, pool="d")
    yard.begin("first", LineKey("long", "anna"), ["d"], 0.0, ends_at, gib=4.0)
    return yard


def starts(yard: Yard, now: float) -> list[Start]:
    return [found for found in yard.decide(now) if isinstance(found, Start)]


def test_a_short_task_is_queued_and_goes_on_when_the_first_has_ended() -> None:
    yard = farm()
    yard.wait("second", LineKey("short", "anna"), 0.0)
    (start,) = starts(yard, 0.0)
    assert (start.task, start.step, start.begins_in) == ("second", "ahead", 8.0)
    yard.wait("third", LineKey("short", "anna"), 1.0)
    assert starts(yard, 1.0) == []  # one behind the other, no more
    yard.end("first", 6.0)
    assert [start.task for start in starts(yard, 6.0)] == ["third"]
    assert yard.runs["second"].ends_at == 11.0 and not yard.runs["second"].is_queued


@pytest.mark.parametrize(
    ("shape", "ends_at", "terms"),
    [
        ("long", 8.0, Terms(ahead_seconds=10.0)),
        ("other", 8.0, Terms(ahead_seconds=10.0)),
        ("short", 11.0, Terms(ahead_seconds=10.0)),
        ("short", 8.0, Terms()),
    ],
    ids=["is long", "needs a load", "the first runs for long", "nobody asked"],
)
def test_it_waits_for_the_device(shape: str, ends_at: float, terms: Terms) -> None:
    yard = farm(ends_at, terms)
    yard.wait("second", LineKey(shape, "anna"), 0.0)
    assert starts(yard, 0.0) == []


def test_nothing_is_queued_that_would_not_end_before_the_door_closes() -> None:
    yard = farm(house=Doors({}))
    yard.wait("second", LineKey("short", "anna"), 0.0)
    assert starts(yard, 0.0) == []


def test_one_that_is_called_off_in_the_queue_costs_nothing_and_makes_room() -> None:
    yard = farm()
    yard.wait("second", LineKey("short", "anna"), 0.0)
    assert len(starts(yard, 0.0)) == 1
    used = yard.accounts.ahead()[0]
    yard.end("second", 1.0)
    assert yard.accounts.ahead()[0] <= used
    yard.wait("third", LineKey("short", "anna"), 1.0)
    assert [start.task for start in starts(yard, 1.0)] == ["third"]
    assert yard.accounts.running[0] == 2


def test_the_larger_of_the_two_is_what_neighbours_have_to_leave_room_for() -> None:
    yard = farm()
    yard.put("side", "card", "node", held=("m",), room_gib=6.0, pool="d")
    yard.wait("second", LineKey("short", "anna"), 0.0)
    assert [start.seats for start in starts(yard, 0.0)] == [("d",)]
    assert yard.seats.seats[0].most_gib == 4.0  # one after the other
