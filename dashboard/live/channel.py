"""One screen of one person, rendered anew when something happened, for every tab that shows it.

Remembers only what it rendered last. Never renders without a listener.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reelyard.clock import Clock

REST_SECONDS = 0.25
"""Between two renderings: four a second are as many as a person can read."""

REST_SHARE = 4.0
"""A slow screen rests longer, so that watching never takes more than a fifth of one processor."""

Paint = Callable[[], Mapping[str, str]]
"""HTML by the id of the element that it belongs into."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, and the position to ask from next time."""

    position: str
    pieces: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Piece:
    html: str
    version: int


class Channel:
    """The newest rendering of a screen, numbered so that a tab is only sent what it lacks."""

    def __init__(self, paint: Paint, clock: Clock, refresh_seconds: float) -> None:
        self._paint, self._clock, self._refresh_seconds = paint, clock, refresh_seconds
        self._news = threading.Condition()
        self._pieces: dict[str, _Piece] = {}
        self._mark = secrets.token_hex(4)
        self._version = 0
        self._listeners = 0
        self._is_stale = True
        self._is_closed = False
        self._painter: threading.Thread | None = None

    @property
    def listeners(self) -> int:
        """How many tabs show it."""
        return self._listeners

    def join(self) -> None:
        """One tab more."""
        with self._news:
            self._listeners += 1
            self._is_stale = True
            if self._painter is None:
                self._painter = threading.Thread(target=self._run, name="painter", daemon=True)
                self._painter.start()
            self._news.notify_all()

    def leave(self) -> None:
        """One tab fewer."""
        with self._news:
            self._listeners -= 1
            self._news.notify_all()

    def spoil(self) -> None:
        """Something happened: what was rendered may be out of date."""
        with self._news:
            self._is_stale = True
            self._news.notify_all()

    def close(self) -> None:
        """End every tab's stream."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()

    def after(self, position: str, seconds: float) -> Change | None:
        """What has changed since `position`; no pieces if nothing did in time; None at the end."""
        known = self._known(position)
        with self._news:
            self._news.wait_for(lambda: self._is_closed or self._version > known, seconds)
            if self._is_closed:
                return None
            changed = {
                target: piece.html
                for target, piece in self._pieces.items()
                if piece.version > known
            }
            return Change(f"{self._mark}.{self._version}", changed)

    def _known(self, position: str) -> int:
        mark, _, version = position.partition(".")
        return int(version) if mark == self._mark and version.isdecimal() else 0

    def _run(self) -> None:
        while self._has_reason():
            started = self._clock.monotonic()
            self._show(self._paint())
            took = self._clock.monotonic() - started
            self._clock.sleep(max(REST_SECONDS, REST_SHARE * took))

    def _has_reason(self) -> bool:
        """Waits until the screen should be rendered; False when nobody watches any more."""
        with self._news:
            self._news.wait_for(
                lambda: self._is_stale or self._is_closed or not self._listeners,
                self._refresh_seconds,
            )
            if self._is_closed or not self._listeners:
                self._painter = None
                return False
            self._is_stale = False
            return True

    def _show(self, pieces: Mapping[str, str]) -> None:
        with self._news:
            fresh = {
                target: html
                for target, html in pieces.items()
                if target not in self._pieces or self._pieces[target].html != html
            }
            if fresh:
                self._version += 1
                for target, html in fresh.items():
                    self._pieces[target] = _Piece(html, self._version)
                self._news.notify_all()
