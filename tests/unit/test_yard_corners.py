"""Single corners of the yard's rule, each of which once was wrong."""

from __future__ import annotations

import numpy as np
import pytest

from coordinator.core.yard.house import House, OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.mix import work_of
from coordinator.core.yard.terms import Urgency
from coordinator.core.yard.wishes import Decision, Start, Stop
from coordinator.core.yard.yard import Yard
from tests.support.told_days import a_day
from tests.support.told_yard import MODELS, Estimates, Kind, StrictHouse

FAST = Kind(1.0)


@pytest.mark.parametrize("order", [("warm", "cold"), ("cold", "warm")])
def test_a_single_large_task_is_put_where_its_model_is_whatever_the_order(
    order: tuple[str, ...],
) -> None:
    yard = a_yard(OpenHouse({}))
    for name in order:
        yard.put(name, FAST, "n1", held=("B",) if name == "warm" else ())
    yard.put("other", FAST, "n1")
    yard.wait("gang", LineKey("big", "anna", gang=2), 0.0)
    (start,) = _starts(yard.decide(0.0))
    assert "warm" in start.seats


def test_a_model_that_runs_somewhere_is_not_loaded_for_nothing_there() -> None:
    """Where one of its shapes cannot run there is no load to know; another's counts."""
    run = np.array([[10.0, 10.0], [10.0, np.inf]])
    load = np.array([[30.0, 40.0], [30.0, 0.0]])
    work = work_of(run, load, np.array([0, 0]), np.ones(2), np.ones(2))
    assert work.load.tolist() == [[30.0, 40.0]]


def test_nobody_makes_way_for_an_owner_who_may_not_have_more() -> None:
    yard = a_yard(StrictHouse())
    for n in range(3):
        yard.put(f"d{n}", FAST, "n1")
    for n in range(2):
        key = LineKey("a", "anna", Urgency.INTERACTIVE)
        yard.begin(f"anna{n}", key, [f"d{n}"], 0.0, 9_000.0)
    key = LineKey("b", "ben", Urgency.BATCH, can_checkpoint=True)
    yard.begin("ben", key, ["d2"], 0.0, 9_000.0)
    yard.wait("third", LineKey("a", "anna", Urgency.INTERACTIVE), 0.0)
    assert yard.decide(400.0) == []
    yard.wait("cleo", LineKey("a", "cleo", Urgency.INTERACTIVE), 0.0)
    assert [type(found) for found in yard.decide(400.0)] == [Stop]


def test_what_a_door_kept_from_starting_starts_when_it_opens() -> None:
    yard = a_yard(StrictHouse(), {"a": 250.0, "b": 250.0})
    yard.put("d0", Kind(1.0, door="500"), "n1")
    for n in range(2):
        yard.wait(f"t{n}", LineKey("a", "ben"), 0.0)
    assert [start.task for start in _starts(yard.decide(0.0))] == ["t0"]
    yard.end("t0", 270.0)
    assert _starts(yard.decide(270.0)) == []
    assert [start.task for start in _starts(yard.decide(1_000.0))] == ["t1"]


def test_what_is_in_the_list_of_a_closed_device_is_not_forgotten() -> None:
    day = a_day(489)
    for _ in zip(range(200), day.moments(), strict=False):
        pass
    assert sorted(day.done) == sorted(day.tasks)


def test_what_a_device_can_run_no_more_is_not_put_there_by_its_list() -> None:
    estimates = Estimates({"a": 50.0})
    yard = Yard(estimates, OpenHouse({}))
    yard.put("d0", FAST, "n1")
    for n in range(6):
        yard.wait(f"t{n}", LineKey("a", "anna"), 0.0)
    (first,) = _starts(yard.decide(0.0))
    estimates.barred.add(("a", FAST.speed))
    yard.prices.ask_again()
    yard.end(first.task, 70.0)
    assert _starts(yard.decide(70.0)) == []


def test_a_deadline_beside_what_nobody_can_run_is_no_trouble() -> None:
    yard = a_yard(OpenHouse({}))
    yard.put("d0", FAST, "n1")
    yard.wait("never", LineKey("plain", "anna"), 0.0)
    yard.wait("dated", LineKey("a", "anna", deadline=100.0), 0.0)
    assert [start.task for start in _starts(yard.decide(0.0))] == ["dated"]


def test_a_gang_does_not_start_on_what_runs_longer_than_predicted() -> None:
    yard = a_yard(OpenHouse({}))
    for n in range(2):
        yard.put(f"d{n}", FAST, "n1")
    yard.wait("small", LineKey("a", "anna"), 0.0)
    (small,) = _starts(yard.decide(0.0))
    yard.wait("gang", LineKey("big", "anna", gang=2), 1.0)
    long_after_its_end = small.load_seconds + small.seconds + 100.0
    assert yard.decide(long_after_its_end) == []
    yard.end("small", long_after_its_end + 1.0)
    (gang,) = _starts(yard.decide(long_after_its_end + 1.0))
    assert gang.task == "gang"


def test_a_gang_takes_what_is_free_before_what_runs_longer_than_predicted() -> None:
    yard = a_yard(OpenHouse({}))
    for n in range(3):
        yard.put(f"d{n}", FAST, "n1")
    yard.begin("late", LineKey("a", "ben"), ["d0"], 0.0, 10.0)
    yard.wait("gang", LineKey("big", "anna", gang=2), 20.0)
    (gang,) = _starts(yard.decide(20.0))
    assert set(gang.seats) == {"d1", "d2"}


def test_a_gang_that_no_device_can_run_is_given_none() -> None:
    yard = a_yard(OpenHouse({}))
    for n in range(2):
        yard.put(f"d{n}", FAST, "n1")
    yard.wait("gang", LineKey("plain", "anna", gang=2), 0.0)
    assert yard.decide(0.0) == []


def _pressed(ends_at: float, shape: str = "a") -> Yard:
    """Batch work on a slow device, other work on a fast one until then, and who is in a hurry."""
    yard = a_yard(OpenHouse({}))
    yard.put("fast", Kind(5.0), "n1", held=("A",))
    yard.put("slow", FAST, "n1", held=("B",))
    yard.begin("other", LineKey("a", "cleo"), ["fast"], 0.0, ends_at)
    key = LineKey("b", "ben", Urgency.BATCH, can_checkpoint=True)
    yard.begin("batch", key, ["slow"], 0.0, 9_000.0)
    yard.wait("hurry", LineKey(shape, "anna", Urgency.INTERACTIVE), 400.0)
    return yard


def test_nobody_makes_way_where_waiting_ends_much_sooner() -> None:
    assert _pressed(ends_at=405.0).decide(400.0) == []
    assert [type(found) for found in _pressed(ends_at=9_000.0).decide(400.0)] == [Stop]


def test_nobody_makes_way_for_what_no_device_can_run() -> None:
    assert _pressed(9_000.0, shape="plain").decide(400.0) == []


def test_one_makes_way_for_one_though_its_step_takes_a_while() -> None:
    yard = _pressed(ends_at=9_000.0)
    yard.put("slow too", FAST, "n1", held=("B",))
    key = LineKey("b", "ben", Urgency.BATCH, can_checkpoint=True)
    yard.begin("batch too", key, ["slow too"], 0.0, 9_000.0)
    assert len(yard.decide(600.0)) == 1
    assert yard.decide(610.0) == []


def a_yard(house: House, seconds: dict[str, float] | None = None) -> Yard:
    """One in which everything takes 50 s."""
    return Yard(Estimates(seconds or dict.fromkeys(MODELS, 50.0)), house)


def _starts(decisions: list[Decision]) -> list[Start]:
    return [decision for decision in decisions if isinstance(decision, Start)]
