"""What is loaded, read and dropped ahead: pins, demand, what comes next, room for a start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coordinator.core.decisions import Assign, Fetch, Hold, Preload, Unload
from coordinator.core.living import LivingYard
from coordinator.core.schedule import schedule
from coordinator.core.snapshot import Device, Snapshot, UnderWay, Waiting
from reelyard.rules.parse import parse
from tests.support.core_values import (
    DEMO,
    FORESIGHT,
    LARGE,
    SMALL,
    device,
    farm,
    line,
    shot,
    waiting,
)

PINNED = f'[[pins]]\nmodel = "{SMALL}"\nnodes = ["a"]\n'
CARD = device("a", "gpu0")


def ruled(snapshot: Snapshot, text: str = PINNED) -> Snapshot:
    return replace(snapshot, rules=parse(text))


def of_kind(kind: type, snapshot: Snapshot) -> list[Any]:
    return [found for found in schedule(snapshot) if isinstance(found, kind)]


class TestPins:
    def test_an_idle_device_gets_what_is_pinned_there(self) -> None:
        (found,) = of_kind(Preload, ruled(farm(CARD, device("b", "gpu0"))))
        assert (found.device.key, found.model) == (CARD.key, SMALL)
        assert found.because == "it is pinned there" and found.fit.weights_gib > 0

    @pytest.mark.parametrize(
        "other",
        [
            replace(CARD, resident=frozenset({SMALL})),
            replace(CARD, busy="a shot"),
            replace(CARD, models=frozenset({LARGE})),
        ],
        ids=["holds it", "is busy", "does not have it"],
    )
    def test_no_other_does(self, other: Device) -> None:
        assert not of_kind(Preload, ruled(farm(other)))

    def test_nobody_is_asked_twice_in_a_row(self) -> None:
        yard = LivingYard.of(ruled(farm(CARD)), FORESIGHT)
        assert [isinstance(found, Preload) for found in yard.decide(100.0)] == [True]
        assert yard.decide(101.0) == []
        assert [isinstance(found, Preload) for found in yard.decide(300.0)] == [True]

    def test_what_would_throw_it_out_waits_and_says_so(self) -> None:
        large, small_card = waiting(shot(LARGE), "job-l.s01.video1"), replace(CARD, memory_gib=12.0)
        assert of_kind(Assign, farm(large, small_card))
        (hold,) = of_kind(Hold, ruled(farm(large, small_card)))
        assert hold.because.startswith(f"nobody may run this: is kept for {SMALL}, which leaves ")

    def test_one_without_a_place_is_kept_where_it_is(self) -> None:
        anywhere, large = f'[[pins]]\nmodel = "{SMALL}"\n', waiting(shot(LARGE), "job-l.s01.video1")
        small_card = replace(CARD, memory_gib=12.0)
        assert of_kind(Assign, ruled(farm(large, small_card), anywhere))
        held = replace(small_card, resident=frozenset({SMALL}))
        (hold,) = of_kind(Hold, ruled(farm(large, held), anywhere))
        assert f"is kept for {SMALL}" in hold.because
        assert not of_kind(Preload, ruled(farm(CARD), anywhere))

    def test_what_fits_beside_it_runs(self) -> None:
        assert of_kind(Assign, ruled(farm(waiting(shot(DEMO)), CARD)))


class TestDemand:
    def test_an_empty_device_gets_what_comes_often(self) -> None:
        yard = LivingYard.of(farm(*shots(5), device("a", "gpu0")), FORESIGHT)
        yard.decide(100.0)
        late = device("b", "gpu0")
        for task in shots(5):
            yard.yard.leave(task.id)
            yard.waiting.pop(task.id, None)
        yard._put_worker("b", [late])
        (found,) = (one for one in yard.decide(101.0) if isinstance(one, Preload))
        assert (found.device.key, found.model) == (late.key, DEMO)
        assert found.because == "it is asked for most"

    def test_a_single_clip_says_nothing(self) -> None:
        held = replace(CARD, resident=frozenset({DEMO}))
        assert not of_kind(Preload, farm(*shots(1), held, device("b", "gpu0")))


def shots(count: int) -> list[Waiting]:
    return [waiting(shot(DEMO), f"job-a.s{n:02}.video1") for n in range(count)]


def test_the_weights_of_what_comes_next_are_fetched_before_the_device_is_free() -> None:
    run = UnderWay(waiting(shot(SMALL), "job-b.s01.video1"), "b1", *CARD.key, 0.0, 130.0, gib=8.0)
    next_one = waiting(shot(LARGE), "job-l.s01.video1", queued_at=-9000.0)
    holds = replace(CARD, resident=frozenset({SMALL}))
    snapshot = replace(farm(next_one, holds), under_way=(run,))
    yard = LivingYard.of(snapshot, FORESIGHT, ahead_seconds=10.0)
    (found,) = (one for one in yard.decide(100.0) if isinstance(one, Fetch))
    assert (found.device.key, found.model) == (CARD.key, LARGE)
    early = LivingYard.of(snapshot, FORESIGHT, ahead_seconds=10.0)
    assert not [one for one in early.decide(60.0) if isinstance(one, Fetch)]


def test_a_model_that_idles_in_the_other_lane_leaves_where_the_room_is_needed() -> None:
    narrow = device("w", memory_gib=2.0, resident=frozenset({DEMO}), resident_gib=((DEMO, 1.9),))
    (found,) = of_kind(Unload, farm(waiting(line(), "job-a.s01.voice"), narrow))
    assert (found.model, found.device.key) == (DEMO, narrow.key)
    roomy = replace(narrow, memory_gib=16.0)
    assert not of_kind(Unload, farm(waiting(line(), "job-a.s01.voice"), roomy))
