"""The worked example of docs/scheduling.md, played."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from coordinator.core.yard.because import waits_because
from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.wishes import Start
from coordinator.core.yard.yard import Yard

CARD, SERVER = "rtx-4090", "h100"


class Seconds:
    """What the page says."""

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        seconds = {"B": {CARD: 210.0, SERVER: 60.0}, "B short": {CARD: 90.0, SERVER: 60.0}}
        return Price(seconds[str(shape)][str(kind)], 24.0)

    def model(self, shape: Hashable) -> str:
        return "B"


def farm(busy_seconds: float) -> Yard:
    """The card is idle; the server, which holds B, is busy for so long."""
    yard = Yard(Seconds(), OpenHouse({}))
    yard.put("card", CARD, "a")
    yard.put("server", SERVER, "b", held=("B",))
    yard.begin("running", LineKey("B", "anna"), ["server"], 0.0, busy_seconds)
    return yard


@pytest.mark.parametrize(
    ("shape", "busy", "starts_on"),
    [("B", 40.0, None), ("B short", 40.0, "card")],
    ids=["waits for the better device", "ends soon enough on this one"],
)
def test_what_the_page_says(shape: str, busy: float, starts_on: str | None) -> None:
    yard = farm(busy)
    yard.wait("clip", LineKey(shape, "anna"), 0.0)
    found = [d.seats[0] for d in yard.decide(0.0) if isinstance(d, Start)]
    assert found == ([starts_on] if starts_on else [])
    if starts_on is None:
        said = "B is in the memory of a device that can run it; a load elsewhere takes 24 s"
        assert waits_because(yard, "clip", 0.0).startswith(said)


def test_it_starts_on_the_better_device_once_that_is_free() -> None:
    yard = farm(40.0)
    yard.wait("clip", LineKey("B", "anna"), 0.0)
    assert yard.decide(0.0) == []
    yard.end("running", 40.0)
    (start,) = yard.decide(40.0)
    assert isinstance(start, Start)
    assert (start.seats, start.load_seconds) == (("server",), 0.0)
