"""What can go on from a checkpoint makes room for interactive work, and for a door that closes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from coordinator.core.decisions import Preempt
from coordinator.core.schedule import schedule
from coordinator.core.snapshot import Device, Snapshot, UnderWay
from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.terms import Urgency
from coordinator.core.yard.wishes import Start, Stop
from coordinator.core.yard.yard import Yard
from reelyard.states import Band
from tests.support.core_values import SMALL, device, farm, shot, waiting

CARD = device("w", "gpu0", checkpoints=frozenset({SMALL}))


def busy(card: Device, since: float, band: Band = Band.BATCH) -> Snapshot:
    """The card has run a shot since then, and will for an hour; an interactive one waits."""
    running = waiting(shot(SMALL), "job-b.s01.video1", band=band)
    hurried = waiting(shot(SMALL), "job-a.s01.video1", band=Band.INTERACTIVE, queued_at=390.0)
    run = UnderWay(running, "try-1", *card.key, since, since + 3600.0, gib=8.0)
    return replace(farm(hurried, card, now=400.0), under_way=(run,))


def test_batch_work_makes_room_for_interactive_work() -> None:
    (found,) = (d for d in schedule(busy(CARD, since=0.0)) if isinstance(d, Preempt))
    assert (found.attempt_id, found.worker_id) == ("try-1", "w")


@pytest.mark.parametrize(
    "given",
    [
        {"card": replace(CARD, checkpoints=frozenset()), "since": 0.0},
        {"card": CARD, "since": 200.0},
        {"card": CARD, "since": 0.0, "band": Band.NORMAL},
    ],
    ids=["cannot go on", "has not had its minimum", "is no batch work"],
)
def test_other_work_is_left_alone(given: dict[str, Any]) -> None:
    assert not [d for d in schedule(busy(**given)) if isinstance(d, Preempt)]


@dataclass(frozen=True, slots=True)
class Given:
    """A clip of 900 s that loads for 60; `can` where it can be cut."""

    can: bool = True

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        return Price(900.0, 60.0, can_checkpoint=self.can)

    def model(self, shape: Hashable) -> str:
        return "m"


@dataclass(frozen=True, slots=True)
class Door(OpenHouse):
    """Closed from then on."""

    closes: float = 0.0

    def closes_in(self, kind: Hashable, now: float) -> float:
        return max(0.0, self.closes - now)

    def opens_in(self, kind: Hashable, now: float) -> float:
        return 0.0 if now < self.closes else float("inf")


def closing(closes: float, can: bool = True) -> Yard:
    yard = Yard(Given(can), Door({}, closes))
    yard.put("d", "card", "node")
    yard.wait("clip", LineKey("clip", "anna", Urgency.NORMAL, can_checkpoint=True), 0.0)
    return yard


def test_what_can_be_cut_starts_before_the_door_closes_and_is_cut_there() -> None:
    yard = closing(600.0)
    (start,) = yard.decide(0.0)
    assert isinstance(start, Start) and yard.wake(0.0) == 600.0
    assert yard.decide(599.0) == []
    assert yard.decide(600.0) == [Stop("clip", "its device closes")]
    assert yard.decide(601.0) == []  # once is enough


@pytest.mark.parametrize(
    ("closes", "can"),
    [(600.0, False), (350.0, True)],
    ids=["cannot be cut", "would not get its minimum done"],
)
def test_what_would_come_to_nothing_does_not_start(closes: float, can: bool) -> None:
    assert closing(closes, can).decide(0.0) == []


def test_a_yard_that_is_built_behind_a_closed_door_cuts_what_it_finds() -> None:
    yard = closing(600.0)
    yard.leave("clip")
    key = LineKey("clip", "anna", can_checkpoint=True)
    yard.begin("clip", key, ["d"], 100.0, 1060.0)
    assert yard.decide(700.0) == [Stop("clip", "its device closes")]


def test_a_door_is_waited_for_while_anything_runs_that_it_would_cut() -> None:
    yard = closing(600.0)
    yard.put("e", "card", "node")
    yard.decide(0.0)
    yard.begin("other", LineKey("clip", "ben", can_checkpoint=True), ["e"], 0.0, 960.0)
    yard.end("clip", 10.0)
    assert yard.wake(10.0) == 600.0
    yard.end("other", 20.0)
    assert yard.wake(20.0) is None
