"""Every open screen of this process: which channels there are, and what feeds them.

Never renders and never asks the farm itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

from dashboard.live.channel import Change, Channel
from dashboard.live.feed import Feed, Follow
from dashboard.screens import Screen
from reelyard.clock import Clock
from reelyard.errors import Unreachable
from reelyard.resources import EventView

LOOK_SECONDS = 2.0
"""How long a silent stream waits before it may look whether its tab is still there."""

MOST_STREAMS = 128

Paint = Callable[[str, Screen], Mapping[str, str]]
"""The fragments of a screen for the owner of a token."""


class Hub:
    """Seats for tabs. All tabs of one person on one screen share a channel."""

    def __init__(
        self,
        paint: Paint,
        follow: Callable[[str], Follow],
        clock: Clock,
        most: int = MOST_STREAMS,
    ) -> None:
        self._paint, self._follow, self._clock, self._most = paint, follow, clock, most
        self._lock = threading.Lock()
        self._channels: dict[tuple[str, Screen], Channel] = {}
        self._feeds: dict[str, Feed] = {}
        self._is_closed = False

    def listen(self, token: str, screen: Screen, position: str) -> Listener:
        """A seat at that screen. Raises Unreachable when all are taken."""
        with self._lock:
            if self._is_closed or self.streams >= self._most:
                raise Unreachable(
                    f"all {self._most} live connections are in use.",
                    "The page looks again every few seconds instead.",
                )
            channel = self._channel(token, screen)
            channel.join()
            feed = self._feed(token)
        # Outside the lock: a feed that is about to end asks the hub whether it is watched.
        feed.ensure()
        return Listener(channel, position, lambda: self._leave(token, screen))

    @property
    def streams(self) -> int:
        """How many tabs are connected."""
        return sum(channel.listeners for channel in self._channels.values())

    def close(self) -> None:
        """End every stream, for a server that stops."""
        with self._lock:
            self._is_closed = True
            for channel in self._channels.values():
                channel.close()

    def _channel(self, token: str, screen: Screen) -> Channel:
        key = (token, screen)
        if key not in self._channels:
            self._channels[key] = Channel(
                lambda: self._paint(token, screen), self._clock, screen.refresh_seconds
            )
        return self._channels[key]

    def _feed(self, token: str) -> Feed:
        if token not in self._feeds:
            self._feeds[token] = Feed(
                self._follow(token),
                lambda event: self._tell(token, event),
                lambda: self._is_watched(token),
                self._clock,
            )
        return self._feeds[token]

    def _tell(self, token: str, event: EventView | None) -> None:
        with self._lock:
            open_ones = [
                (screen, channel)
                for (owner, screen), channel in self._channels.items()
                if owner == token
            ]
        for screen, channel in open_ones:
            if event is None or screen.cares_for(event):
                channel.spoil()

    def _is_watched(self, token: str) -> bool:
        with self._lock:
            return not self._is_closed and any(owner == token for owner, _ in self._channels)

    def _leave(self, token: str, screen: Screen) -> None:
        with self._lock:
            channel = self._channels.get((token, screen))
            if channel is not None:
                channel.leave()
                if not channel.listeners:
                    del self._channels[token, screen]


class Listener:
    """One tab's place: iterate over it for changes; close it when the tab is gone."""

    def __init__(self, channel: Channel, position: str, leave: Callable[[], None]) -> None:
        self._channel, self._position, self._leave = channel, position, leave
        self._lock = threading.Lock()
        self._has_left = False

    def __iter__(self) -> Iterator[Change]:
        """Changes as they come; one without pieces when nothing happened for a while."""
        while change := self._channel.after(self._position, LOOK_SECONDS):
            self._position = change.position
            yield change

    def close(self) -> None:
        """Leave the seat; twice is harmless."""
        with self._lock:
            if not self._has_left:
                self._has_left = True
                self._leave()
