"""When a waiting task may start: worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.core.asks import FarmEstimates, FarmHouse
from coordinator.core.eta import starts_in
from coordinator.core.snapshot import Device, Snapshot, UnderWay, Waiting
from reelyard.rules.parse import parse
from tests.support.core_values import FORESIGHT, LARGE, device, farm, line, shot, waiting


def asked(task: Waiting, *rest: Waiting | Device, rules: str = "") -> tuple[float, float] | None:
    found = replace(farm(task, *rest), rules=parse(rules))
    return starts(task, found)


def starts(task: Waiting, found: Snapshot) -> tuple[float, float] | None:
    estimates = FarmEstimates(FORESIGHT, found.rules)
    return starts_in(task, found, estimates, FarmHouse(found.rules))


def test_an_idle_device_takes_it_at_once() -> None:
    assert asked(waiting(), device()) == (0.0, 0.0)


def test_what_runs_ends_first() -> None:
    task, runs = waiting(), waiting(id="job-b.1")
    busy = UnderWay(runs, "job-b.1.a1", "w", "cpu", since=0.0, ends_at=160.0)
    assert starts(task, replace(farm(task, device()), under_way=(busy,))) == (60.0, 90.0)


def test_a_voice_does_not_wait_for_a_picture() -> None:
    task, runs = waiting(line(), "job-a.l"), waiting(id="job-b.1")
    busy = UnderWay(runs, "job-b.1.a1", "w", "cpu", since=0.0, ends_at=160.0)
    assert starts(task, replace(farm(task, device()), under_way=(busy,))) == (0.0, 0.0)


def test_what_comes_first_takes_its_time_on_all_able_devices() -> None:
    task = waiting(id="job-z.1", queued_at=9.0)
    before = [waiting(id=f"job-a.{n}") for n in range(8)]
    one, two = (asked(task, *before, *devices) for devices in ([device()], [device(), device("v")]))
    assert one is not None and two is not None
    assert one[1] == pytest.approx(2 * two[1], rel=0.02) and one[0] == 0.0
    after = asked(replace(before[0], id="job-0.0", queued_at=-1.0), *before, device())
    assert after == (0.0, 0.0)


def test_a_door_that_is_closed_is_waited_for() -> None:
    rules = '[[nodes]]\nmatch = "*"\nhours = "02:00-06:00"\n'  # now is 00:01:40 UTC, a Thursday
    soonest, latest = asked(waiting(), device(), rules=rules) or (0.0, 0.0)
    assert soonest == 7100.0 and latest == 1.5 * 7100.0


@pytest.mark.parametrize(
    "task",
    [
        waiting(held_because="wrong script"),
        waiting(paused=True),
        waiting(open_needs=("Scene 1 · voice",)),
        waiting(shot(LARGE, 81)),
    ],
    ids=["held", "paused", "needs", "fits nowhere"],
)
def test_what_has_no_time_has_no_range(task: Waiting) -> None:
    assert asked(task, device()) is None
