"""In a closed batch, too, what is more urgent or more important to its owner starts first."""

from __future__ import annotations

from dataclasses import replace

from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.terms import Urgency
from coordinator.core.yard.wishes import Start
from coordinator.core.yard.yard import Yard
from tests.support.told_yard import Estimates, Kind

_LONG, _SHORT = LineKey("a", "anna"), LineKey("b", "anna")


def a_batch(*lines: tuple[LineKey, int]) -> Yard:
    """Three devices that hold the long shape's model, and so many tasks of each line."""
    yard = Yard(Estimates({"a": 100.0, "b": 10.0}, load_seconds=1.0), OpenHouse({}))
    for name in ("d0", "d1", "d2"):
        yard.put(name, Kind(1.0), "n1", held=("A",))
    for key, count in lines:
        for number in range(count):
            yard.wait(f"{key.shape} {key.priority} {key.band} {number:02}", key, 0.0)
    return yard


def in_order(yard: Yard) -> list[Start]:
    """Everything, as it starts, to the end."""
    found, now = list[Start](), 0.0
    while yard.lines.total() or yard.runs:
        found += [one for one in yard.decide(now) if isinstance(one, Start)]
        now = min(run.ends_at for run in yard.runs.values())
        for task in [task for task, run in yard.runs.items() if run.ends_at <= now]:
            yard.end(task, now)
    return found


def test_a_few_that_are_urgent_come_before_the_lists() -> None:
    urgent = replace(_SHORT, band=Urgency.INTERACTIVE)
    yard = a_batch((_LONG, 30), (urgent, 4))
    started = in_order(yard)
    assert {one.line for one in started[:4]} == {urgent} and len(started) == 34


def test_a_few_that_can_wait_come_after_the_lists() -> None:
    patient = replace(_SHORT, band=Urgency.BATCH)
    started = in_order(a_batch((_LONG, 30), (patient, 4)))
    assert {one.line for one in started[:27]} == {_LONG}


def test_the_more_important_of_one_owner_come_first() -> None:
    first = replace(_SHORT, priority=80)
    yard = a_batch((_LONG, 30), (first, 4))
    yard.decide(0.0)
    assert yard.batch.is_on
    started = in_order(a_batch((_LONG, 30), (first, 4)))
    assert {one.line for one in started[:4]} == {first} and len(started) == 34


def test_the_less_important_of_one_owner_come_last() -> None:
    last = replace(_SHORT, priority=20)
    started = in_order(a_batch((_LONG, 30), (last, 4)))
    assert {one.line for one in started[:27]} == {_LONG} and len(started) == 34


def test_another_owners_importance_is_its_own_affair() -> None:
    """Two owners share evenly, whatever they say of their own work."""
    other = replace(_LONG, owner="ben", priority=99)
    started = in_order(a_batch((_LONG, 15), (other, 15)))
    owners = [one.line.owner for one in started[:12]]
    assert 4 <= owners.count("ben") <= 8
