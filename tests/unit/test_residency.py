"""Which models stay in memory, which go, and what each is said to weigh."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from reelyard.clock import ManualClock
from worker.residency import Residency


@dataclass
class Memory:
    """A device whose use the test says. A load takes a second."""

    clock: ManualClock = field(default_factory=ManualClock)
    used: float = 1.0
    released: int = 0
    room: float = 10.0

    def residency(self) -> Residency:
        return Residency(self.room, self.clock, lambda: self.used, self._release)

    def load(self, gib: float) -> object:
        self.clock.advance(1.0)
        self.used += gib
        return object()

    def _release(self) -> None:
        self.released += 1


def test_a_model_is_loaded_once() -> None:
    memory = Memory()
    held = memory.residency()
    held.begin()
    first = held.get("a", lambda: memory.load(2.0), 3.0)
    assert (held.loaded, held.load_seconds) == (True, 1.0)
    held.begin()
    assert held.get("a", lambda: memory.load(2.0), 3.0) is first
    assert (held.loaded, held.load_seconds) == (False, 0.0)
    assert held.listed() == {"a": 2.0}


def test_another_variant_of_a_model_is_loaded_in_its_place() -> None:
    memory = Memory()
    held = memory.residency()
    first = held.get("a", lambda: memory.load(2.0), 3.0, "bf16")
    held.begin()
    assert held.get("a", lambda: memory.load(2.0), 3.0, "bf16") is first
    assert (held.loaded, held.load_seconds, memory.released) == (False, 0.0, 0)

    def load() -> object:
        assert held.listed() == {}, "the old one goes first"
        memory.used -= 2.0
        return memory.load(1.0)

    held.begin()
    second = held.get("a", load, 3.0, "int8")
    assert second is not first and held.get("a", load, 3.0, "int8") is second
    assert (held.loaded, held.load_seconds, memory.released) == (True, 1.0, 1)
    assert list(held.listed()) == ["a"]


def test_a_variant_that_cannot_be_loaded_leaves_neither() -> None:
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(2.0), 3.0, "bf16")

    def fail() -> object:
        raise MemoryError

    with pytest.raises(MemoryError):
        held.get("a", fail, 3.0, "fp32")
    assert held.listed() == {}


def test_the_one_used_longest_ago_makes_room() -> None:
    memory = Memory()
    held = memory.residency()
    for name in ("a", "b", "a", "c"):
        memory.clock.advance(1.0)
        held.get(name, lambda: memory.load(4.0), 5.0)
    assert set(held.listed()) == {"a", "c"}
    assert memory.released == 1


def test_all_that_can_go_goes_for_a_large_one_and_then_it_is_tried() -> None:
    memory = Memory()
    held = memory.residency()
    for name in ("a", "b"):
        held.get(name, lambda: memory.load(2.0), 3.0)
    held.get("large", lambda: memory.load(9.0), 50.0)
    assert set(held.listed()) == {"large"}


def test_a_model_that_is_held_gets_room_for_what_it_computes() -> None:
    """Its run may need far more than its weights: another that is held must go for it."""
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(2.0), 3.0)
    held.get("b", lambda: memory.load(5.0), 6.0)
    kept = held.get("a", lambda: memory.load(2.0), 8.0)
    assert set(held.listed()) == {"a"} and kept is not None
    assert memory.released == 1


def test_a_model_is_never_dropped_for_itself() -> None:
    memory = Memory()
    held = memory.residency()
    first = held.get("a", lambda: memory.load(9.0), 9.0)
    assert held.get("a", lambda: memory.load(9.0), 50.0) is first


def test_a_model_is_weighed_again_after_it_was_used() -> None:
    """Weights come in when they are first touched, or are placed in another way by another plan."""
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(0.5), 3.0)
    held.begin()
    held.get("b", lambda: memory.load(1.0), 3.0)
    memory.used += 2.0
    held.end()
    assert held.listed() == {"a": 0.5, "b": 3.0}
    held.begin()
    held.get("a", lambda: memory.load(0.0), 3.0)
    memory.used -= 0.25
    held.end()
    assert held.listed() == {"a": 0.25, "b": 3.0}


def test_an_attempt_that_used_no_model_weighs_none() -> None:
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(2.0), 3.0)
    held.begin()
    memory.used += 5.0
    held.end()
    assert held.listed() == {"a": 2.0}


def test_what_would_make_another_go_does_not_fit() -> None:
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(6.0), 6.0)
    assert held.fits("b", 4.0) and not held.fits("b", 4.5)
    assert held.fits("a", 9.0), "its own weights are part of what it needs"


def test_a_model_is_dropped_when_somebody_says_so() -> None:
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(2.0), 3.0)
    held.drop("a")
    held.drop("a")
    assert held.listed() == {} and memory.released == 1


def test_a_load_that_fails_leaves_nothing() -> None:
    memory = Memory()
    held = memory.residency()

    def fail() -> object:
        raise MemoryError

    try:
        held.get("a", fail, 3.0)
    except MemoryError:
        held.end()
    assert held.listed() == {}


def test_after_running_out_of_memory_nothing_is_kept() -> None:
    memory = Memory()
    held = memory.residency()
    held.get("a", lambda: memory.load(2.0), 3.0)
    held.clear()
    assert held.listed() == {} and held.total_gib() == 0 and memory.released == 1
