"""What the yard asks of a farm's own rules: doors, shares, limits, storages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol


class House(Protocol):
    """The farm's own rules, as far as the yard asks for them."""

    def closes_in(self, kind: Hashable, now: float) -> float:
        """Seconds until devices of the kind stop taking work: 0 when closed, endless for never."""
        ...

    def opens_in(self, kind: Hashable, now: float) -> float:
        """Seconds until devices of the kind take work again: 0 when open, endless for never."""
        ...

    def share(self, owner: str) -> tuple[float, float]:
        """The owner's weight, and how many tasks may run at once (endless for any number)."""
        ...

    def most_at_once(self, limit: str) -> float:
        """How many running tasks may hold the named limit."""
        ...

    def most_on_node(self, limit: str) -> float:
        """How many running tasks on one node may hold the named limit."""
        ...

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """Where devices of the kind load from, and how many loads it bears at once."""
        ...


@dataclass(frozen=True, slots=True)
class OpenHouse:
    """No rules: always open, equal weights, no limits."""

    weights: Mapping[str, float]

    def closes_in(self, kind: Hashable, now: float) -> float:
        """Never."""
        return inf

    def opens_in(self, kind: Hashable, now: float) -> float:
        """Always open."""
        return 0.0

    def share(self, owner: str) -> tuple[float, float]:
        """The weight given, else 1; no cap."""
        return self.weights.get(owner, 1.0), inf

    def most_at_once(self, limit: str) -> float:
        """Any number."""
        return inf

    def most_on_node(self, limit: str) -> float:
        """Any number."""
        return inf

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """Everybody loads from their own disk."""
        return "", inf
