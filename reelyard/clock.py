"""The only place that reads or waits for real time; everything else is handed a `Clock`.

Never used inside `coordinator.core`: the core gets `now` in its snapshot.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What a service may ask of time."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Stopwatch(Protocol):
    """What may be asked of the machine to say what something cost."""

    def wall(self) -> float:
        """Seconds of real time; only differences mean something."""
        ...

    def cpu(self) -> float:
        """Seconds that this process has spent computing."""
        ...


class SystemStopwatch:
    """The machine's own."""

    def wall(self) -> float:
        return time.perf_counter()

    def cpu(self) -> float:
        return time.process_time()


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to: for tests and simulations."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self._now += seconds
