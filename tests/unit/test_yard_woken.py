"""What has to wait for a moment starts at that moment, though nothing else happens: each wake that
the yard can ask for has a yard of its own that needs it. The moment is found by looking all the
time, at copies; then the yard is looked at only when it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import deepcopy
from dataclasses import dataclass, field
from math import inf

import numpy as np
import pytest

from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.terms import Terms, Urgency
from coordinator.core.yard.yard import Yard

_STEP_SECONDS, _LONGEST_SECONDS, _MOST_LOOKS = 1.0, 700.0, 200
_LATE_SECONDS = 1.0 + _STEP_SECONDS
_AGES = 1e7
"""A run that ends so late does not end here."""


@dataclass(slots=True)
class Table:
    """Seconds by shape and kind; what is not in it cannot run. A load takes 20 s."""

    seconds: dict[tuple[Hashable, Hashable], float]

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        return Price(self.seconds.get((shape, kind), inf), 20.0 if self.model(shape) else 0.0)

    def model(self, shape: Hashable) -> str:
        return "" if str(shape).startswith("plain") else str(shape)[0]


@dataclass(frozen=True, slots=True)
class House(OpenHouse):
    """Devices of some kinds are open from a moment on, or until one; a storage bears one load."""

    opens: dict[Hashable, float] = field(default_factory=dict)
    closes: dict[Hashable, float] = field(default_factory=dict)
    shelf: str = ""

    def closes_in(self, kind: Hashable, now: float) -> float:
        until = self.closes.get(kind, inf)
        return max(0.0, until - now) if now >= self.opens.get(kind, 0.0) else 0.0

    def opens_in(self, kind: Hashable, now: float) -> float:
        return (
            max(0.0, self.opens.get(kind, 0.0) - now) if now < self.closes.get(kind, inf) else inf
        )

    def storage(self, kind: Hashable) -> tuple[str, float]:
        return self.shelf, 1.0


def a_yard(seconds: dict[tuple[str, str], float], house: House | None = None) -> Yard:
    """Of the kinds fast and slow; nothing is preempted before 300 s."""
    return Yard(Table(dict(seconds)), house or House({}))


def busy(yard: Yard, kind: str, holds: str = "", until: float = _AGES, name: str = "") -> None:
    """A device of the kind that works for another owner; it may well take longer than said."""
    yard.put(name or kind, kind, "n1", held=(holds,) if holds else ())
    yard.begin(f"on {name or kind}", LineKey("plain", "zoe"), [name or kind], 0.0, until)


def a_door_opens() -> Yard:
    yard = a_yard({("plain", "slow"): 10.0}, House({}, opens={"slow": 90.0}))
    yard.put("slow", "slow", "n1")
    yard.wait("task", LineKey("plain", "anna"), 0.0)
    return yard


def a_door_closes_and_what_waited_for_it_goes_elsewhere() -> Yard:
    yard = a_yard({("A", "fast"): 20.0, ("A", "slow"): 90.0}, House({}, closes={"fast": 70.0}))
    busy(yard, "fast", "A", until=60.0)
    yard.put("slow", "slow", "n1", held=("A",))
    yard.wait("task", LineKey("A", "anna"), 0.0)
    return yard


def a_storage_has_loaded() -> Yard:
    yard = a_yard({("A", "slow"): 50.0, ("B", "slow"): 50.0}, House({}, shelf="nas"))
    for n in range(2):
        yard.put(f"d{n}", "slow", "n1")
    for shape in "AB":
        yard.wait(shape, LineKey(shape, "anna"), 0.0)
    yard.decide(0.0)
    return yard


def a_load_is_worth_it() -> Yard:
    """The holder was to be free soon, and is not."""
    yard = a_yard({("A", "slow"): 50.0})
    busy(yard, "slow", "A", until=5.0)
    yard.put("other", "slow", "n1", held=("B",))
    yard.wait("task", LineKey("A", "anna"), 0.0)
    return yard


def patience_ends() -> Yard:
    yard = a_yard({("plain", "fast"): 20.0, ("plain", "slow"): 60.0})
    busy(yard, "fast")
    yard.put("slow", "slow", "n1")
    yard.wait("task", LineKey("plain", "anna"), 0.0)
    return yard


def who_has_hardly_anything_hurries() -> Yard:
    yard = a_yard({("A", "fast"): 50.0, ("A", "slow"): 90.0})
    for n in range(4):
        busy(yard, "fast", "A", until=5.0, name=f"f{n}")
    yard.put("slow", "slow", "n1", held=("B",))
    yard.wait("task", LineKey("A", "anna"), 0.0)
    return yard


def _behind_what_waits_for_better(**given: float) -> Yard:
    """What is more important waits for the fast device, and what is less could run on the slow."""
    seconds = {("plain", "fast"): 20.0, ("plain", "slow"): 200.0}
    yard = a_yard({**seconds, ("plain too", "fast"): 30.0, ("plain too", "slow"): 30.0})
    busy(yard, "fast")
    yard.put("slow", "slow", "n1")
    yard.wait("first", LineKey("plain", "anna", priority=90), 0.0)
    yard.wait("task", LineKey("plain too", "anna", **given), 0.0)  # type: ignore[arg-type]
    return yard


def a_deadline_draws_near() -> Yard:
    return _behind_what_waits_for_better(deadline=900.0)


def age_counts() -> Yard:
    yard = _behind_what_waits_for_better()
    yard.terms = Terms(age_seconds=150.0)
    return yard


def _pressed(began: float) -> Yard:
    yard = a_yard({("plain", "fast"): 20.0, ("plain", "slow"): 90.0, ("long", "slow"): _AGES})
    busy(yard, "fast", until=5.0)
    yard.put("slow", "slow", "n1", held=("l",))
    key = LineKey("long", "ben", Urgency.BATCH, can_checkpoint=True)
    yard.begin("long", key, ["slow"], began, _AGES)
    yard.wait("task", LineKey("plain", "anna", Urgency.INTERACTIVE), 0.0)
    return yard


def somebody_has_had_the_minimum_run() -> Yard:
    yard = a_yard({("plain", "slow"): 20.0, ("long", "slow"): _AGES})
    yard.put("slow", "slow", "n1", held=("l",))
    key = LineKey("long", "ben", Urgency.BATCH, can_checkpoint=True)
    yard.begin("long", key, ["slow"], -0.7, _AGES)
    yard.wait("task", LineKey("plain", "anna", Urgency.INTERACTIVE), 0.0)
    return yard


def patience_ends_with_what_could_make_way() -> Yard:
    return _pressed(-1_000.0)


def what_runs_is_cut_when_its_door_closes() -> Yard:
    yard = a_yard({("long", "slow"): _AGES}, House({}, closes={"slow": 450.0}))
    yard.put("slow", "slow", "n1")
    yard.wait("long", LineKey("long", "ben", can_checkpoint=True), 0.0)
    yard.decide(0.0)
    return yard


def a_batch_is_laid_out_again_for_a_device_that_came() -> Yard:
    yard = a_yard({("plain", "slow"): 50.0})
    yard.put("slow", "slow", "n1")
    for n in range(12):
        yard.wait(f"t{n:02}", LineKey("plain", "anna"), 0.0)
    yard.decide(0.0)
    yard.put("another", "slow", "n1")
    yard.decide(0.0)
    return yard


CASES = (
    *(a_door_opens, a_door_closes_and_what_waited_for_it_goes_elsewhere, a_storage_has_loaded),
    *(a_load_is_worth_it, patience_ends, who_has_hardly_anything_hurries, a_deadline_draws_near),
    *(age_counts, somebody_has_had_the_minimum_run, patience_ends_with_what_could_make_way),
    *(what_runs_is_cut_when_its_door_closes, a_batch_is_laid_out_again_for_a_device_that_came),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.replace("_", " "))
def test_what_waits_for_a_moment_has_it(case: Callable[[], Yard]) -> None:
    yard = case()
    could = next(
        at
        for at in np.arange(0.0, _LONGEST_SECONDS, _STEP_SECONDS)
        if deepcopy(yard).decide(float(at))
    )
    assert could > _LATE_SECONDS, "it has to wait for something"
    assert _looked_at_when_it_asks(yard) <= could + _LATE_SECONDS


def _looked_at_when_it_asks(yard: Yard) -> float:
    now: float | None = 0.0
    for _ in range(_MOST_LOOKS):
        if now is None or yard.decide(now):
            break
        now = yard.wake(now)
    return inf if now is None else now


@pytest.mark.parametrize("began", [300.0 + n / 7 for n in range(20)])
def test_a_minimum_run_is_over_whatever_moments_are_rounded_to(began: float) -> None:
    yard = _pressed(began)
    over = began + yard.terms.minimum_run_seconds
    assert over <= _looked_at_when_it_asks(yard) <= over + _LATE_SECONDS


def test_what_is_too_much_for_one_look_is_for_the_next_at_once() -> None:
    yard = a_yard({("plain", "slow"): 50.0})
    yard.terms = Terms(most_per_tick=2)
    for n in range(5):
        yard.put(f"d{n}", "slow", "n1")
        yard.wait(f"t{n}", LineKey("plain", "anna"), 0.0)
    assert len(yard.decide(0.0)) == 2 and yard.wake(0.0) == 0.0
    assert len(yard.decide(0.0)) == 2 and yard.wake(0.0) == 0.0
    assert len(yard.decide(0.0)) == 1 and yard.wake(0.0) is None
