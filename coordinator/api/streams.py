"""Live events for many listeners from one look at the database.

One thread looks for new events while anybody listens; listeners read them from its memory, or from
the table when they are further behind. Never keeps a queue per listener: a slow one costs nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.api.problems import Refused
from reelyard.clock import Clock
from reelyard.resources import EventView

LOOK_SECONDS = 0.1
HEARTBEAT_SECONDS = 15.0
GAP_SECONDS = 1.0
MOST_STREAMS = 120
_KEPT = 2_000
_PAGE = 500

Read = Callable[[int, int], Sequence[EventView]]
"""Events after this number, at most so many, in order."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What followed, and the number to go on from (it may be past the last event heard)."""

    events: Sequence[EventView]
    position: int


class Streams:
    """Hands every event to every listener, in order and once, within LOOK_SECONDS or so."""

    def __init__(
        self, read: Read, last: Callable[[], int], clock: Clock, most: int = MOST_STREAMS
    ) -> None:
        self._read, self._last, self._clock, self._most = read, last, clock, most
        self._news = threading.Condition()
        self._listeners = 0
        self._closed = False
        self._watcher: threading.Thread | None = None
        self._kept: deque[EventView] = deque(maxlen=_KEPT)
        self._known_from = 0  # everything after this number and up to `_known_to` is in `_kept`
        self._known_to = 0
        self._gap_since: float | None = None

    def take_seat(self) -> None:
        """Room for one more listener; to be left again. Raises Refused (503) when there is none."""
        with self._news:
            if self._closed or self._listeners >= self._most:
                raise Refused(
                    503,
                    f"All {self._most} event streams are in use.",
                    "Read the story of the job every few seconds instead, or try again.",
                    headers={"Retry-After": "5"},
                )
            self._wake_watcher()  # before the seat is taken: it may find the database away
            self._listeners += 1

    def leave_seat(self) -> None:
        """One listener fewer."""
        with self._news:
            self._listeners -= 1

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return self._listeners

    def start(self, wanted: int | None) -> int:
        """Where a stream begins: after `wanted`, or after the newest event when nothing shall be
        replayed. A number that is not there yet belongs to another database: nobody waits for it.
        """
        newest = self._last()
        return newest if wanted is None else min(wanted, newest)

    def after(self, position: int, seconds: float, read: Read | None = None) -> Heard | None:
        """What follows `position`; empty when nothing came within `seconds`, None at the end.

        `read` takes the place of the table for who is further behind than our memory reaches.
        """
        with self._news:
            self._news.wait_for(lambda: self._closed or self._known_to > position, seconds)
            if self._closed:
                return None
            limit = max(self._known_to, position)
            if position >= self._known_from:
                return Heard([event for event in self._kept if event.seq > position], limit)
        page = (read or self._read)(position, _PAGE)
        found = [event for event in page if event.seq <= limit]
        return Heard(found, found[-1].seq if len(found) == _PAGE else limit)

    def close(self) -> None:
        """End every stream, for a server that stops."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _wake_watcher(self) -> None:
        if self._watcher is None or not self._watcher.is_alive():
            self._kept.clear()
            self._known_from = self._known_to = self._last()
            self._watcher = threading.Thread(target=self._watch, name="events", daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        while self._wanted():
            try:
                self._look()
            except Exception:  # the database may be away for a while; listeners wait
                self._clock.sleep(GAP_SECONDS)
            self._clock.sleep(LOOK_SECONDS)

    def _wanted(self) -> bool:
        with self._news:
            if self._closed or not self._listeners:
                self._watcher = None
                return False
            return True

    def _look(self) -> None:
        found = self._read(self._known_to, _PAGE)
        ready = self._settled(found)
        if not ready:
            return
        with self._news:
            for event in ready:
                if len(self._kept) == _KEPT:
                    self._known_from = self._kept[0].seq
                self._kept.append(event)
            self._known_to = ready[-1].seq
            self._news.notify_all()

    def _settled(self, found: Sequence[EventView]) -> Sequence[EventView]:
        """What may be told already. Where a number is missing, its transaction may still be under
        way: it is waited for, but not for ever, since a rolled-back one leaves a hole."""
        whole = unbroken(self._known_to, found)
        if len(whole) == len(found):
            self._gap_since = None
            return whole
        now = self._clock.monotonic()
        self._gap_since = now if self._gap_since is None or whole else self._gap_since
        if now - self._gap_since < GAP_SECONDS:
            return whole
        self._gap_since = None
        return found


def unbroken(position: int, events: Sequence[EventView]) -> Sequence[EventView]:
    """The events that follow `position` without a missing number."""
    count = 0
    for event in events:
        if event.seq != position + count + 1:
            break
        count += 1
    return events[:count]
