"""Which models an engine process holds, and which go when another needs the room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from reelyard.clock import Clock

T = TypeVar("T")


@dataclass(slots=True)
class Held:
    """A model in memory. `variant`: in which form its weights are there."""

    value: Any
    gib: float
    used_at: float
    variant: str


class Residency:
    """The models of one engine process, at most `room_gib` of them."""

    def __init__(
        self,
        room_gib: float,
        clock: Clock,
        used_gib: Callable[[], float],
        release: Callable[[], None],
    ) -> None:
        self._room_gib, self._clock = room_gib, clock
        self._used_gib, self._release = used_gib, release
        self._held: dict[str, Held] = {}
        self._used, self._bare_gib = "", 0.0
        self.load_seconds, self.loaded = 0.0, False

    def begin(self) -> None:
        """A new attempt: loads are counted from here."""
        self.load_seconds, self.loaded, self._used = 0.0, False, ""

    def end(self) -> None:
        """The attempt is over: its model is weighed again. Weights may have come in only when they
        were used, or have been placed in another way than the time before."""
        held = self._held.get(self._used)
        if held is not None:
            others = self.total_gib() - held.gib
            held.gib = max(0.0, self._used_gib() - self._bare_gib - others)

    def get(self, key: str, load: Callable[[], T], needs_gib: float, variant: str = "") -> T:
        """The model under the key; loaded when it is not held, or held in another variant, which
        goes first. Room is made for the whole run: one that is held needs it too, for what it
        computes."""
        if key in self._held and self._held[key].variant != variant:
            self._drop(key)
        self.make_room(needs_gib, key)
        if key not in self._held:
            self._held[key] = self._load(load, variant)
        held, self._used = self._held[key], key
        held.used_at = self._clock.monotonic()
        value: T = held.value
        return value

    def make_room(self, needs_gib: float, key: str = "") -> None:
        """Drop the models that were used longest ago until the need fits, but never `key`: its own
        weights are part of the need."""
        others = {other: held for other, held in self._held.items() if other != key}
        while others and sum(held.gib for held in others.values()) + needs_gib > self._room_gib:
            oldest = min(others, key=lambda other: others[other].used_at)
            del others[oldest]
            self._drop(oldest)

    def fits(self, key: str, needs_gib: float) -> bool:
        """Whether nothing but `key` itself would have to go for that much of it."""
        others = sum(held.gib for other, held in self._held.items() if other != key)
        return others + needs_gib <= self._room_gib

    def drop(self, key: str) -> None:
        """Let go of it, if it is held."""
        if key in self._held:
            self._drop(key)

    def clear(self) -> None:
        """Drop everything: after an out-of-memory nothing held is worth keeping."""
        self._held.clear()
        self._release()

    def total_gib(self) -> float:
        """What the held models take together."""
        return sum(held.gib for held in self._held.values())

    def listed(self) -> dict[str, float]:
        """GiB by model."""
        return {key: round(held.gib, 3) for key, held in self._held.items()}

    def _drop(self, key: str) -> None:
        del self._held[key]
        self._release()

    def _load(self, load: Callable[[], Any], variant: str) -> Held:
        began, before = self._clock.monotonic(), self._used_gib()
        if not self._held:
            self._bare_gib = before
        value = load()
        self.load_seconds += self._clock.monotonic() - began
        self.loaded = True
        gib = max(0.0, self._used_gib() - before)
        return Held(value, gib, self._clock.monotonic(), variant)
