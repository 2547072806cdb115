"""Follows the farm's events for one person, once, whatever the number of tabs.

Keeps trying while anybody listens. Never looks into an event: it hands them on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from reelyard.clock import Clock
from reelyard.errors import ReelyardError
from reelyard.resources import EventView

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

Follow = Callable[[str], Iterator[EventView | None]]
"""Events after this position, as they happen; None when the connection stands or is silent.
Raises ReelyardError when the farm is away."""


class Feed:
    """One subscription. `tell` gets each event, and None when the connection came or went."""

    def __init__(
        self,
        follow: Follow,
        tell: Callable[[EventView | None], None],
        is_wanted: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._follow, self._tell, self._is_wanted = follow, tell, is_wanted
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._position = ""
        self._pause = FIRST_PAUSE_SECONDS

    def ensure(self) -> None:
        """Follow from now on, if it does not already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._goes_on():
            try:
                self._listen()
            except ReelyardError:
                # The screens say what is wrong: each asks the farm itself.
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            self._tell(None)
            self._clock.sleep(self._pause)

    def _listen(self) -> None:
        is_new = True
        for event in self._follow(self._position):
            self._pause = FIRST_PAUSE_SECONDS
            if event is not None:
                self._position = str(event.seq)
            # What happened before the connection stood was told to nobody: look at everything.
            if is_new or event is not None:
                self._tell(None if is_new else event)
            is_new = False
            if not self._is_wanted():
                return

    def _goes_on(self) -> bool:
        with self._lock:
            if self._is_wanted():
                return True
            self._thread = None
            # What happens meanwhile is not replayed: a new tab starts with a fresh page.
            self._position = ""
            return False
