"""One stage of a run in time, and where the time goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """One stage's seconds and where they go. `transfer`: copies and talk that nothing hides."""

    name: str
    matmul: float = 0.0
    attention: float = 0.0
    memory: float = 0.0
    transfer: float = 0.0
    fixed: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.matmul + self.attention + self.memory + self.transfer + self.fixed

    @property
    def bound_by(self) -> str:
        """The largest term."""
        terms = ("matmul", "attention", "memory", "transfer", "fixed")
        return max(terms, key=lambda term: float(getattr(self, term)))
