"""The farm's events as they happen, read from a text/event-stream that may break at any time.

A broken stream is taken up again after the last event that was seen, so nothing is missed and
nothing comes twice. Never decides what an event means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
from pydantic import ValidationError

from reelyard.clock import Clock
from reelyard.errors import ReelyardError, Unreachable
from reelyard.problem_document import error_of
from reelyard.resources import EventView

# The stream carries a heartbeat every 15 s: silence of twice that is a dead connection.
SILENCE_SECONDS = 35.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(slots=True)
class EventStream:
    """Iterate over it. Gives up with Unreachable when nobody answers for `patience_seconds`; ends
    by itself only at the `deadline`, a time of the clock's `monotonic`."""

    http: httpx2.Client
    path: str
    clock: Clock
    last_seen: int | None = None
    patience_seconds: float = 60.0
    deadline: float | None = None

    def __iter__(self) -> Iterator[EventView]:
        heard_at, pause = self.clock.monotonic(), _FIRST_PAUSE_SECONDS
        while self._left() > 0:
            try:
                for event in self._connection():
                    yield event
                    heard_at, pause = self.clock.monotonic(), _FIRST_PAUSE_SECONDS
            except (httpx2.TransportError, Unreachable) as wrong:
                if self.clock.monotonic() - heard_at > self.patience_seconds:
                    raise _lost(self.http, wrong) from None
            self.clock.sleep(min(pause, self._left()))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _connection(self) -> Iterator[EventView]:
        headers = {"Accept": "text/event-stream"}
        if self.last_seen is not None:
            headers["Last-Event-ID"] = str(self.last_seen)
        timeout = httpx2.Timeout(10.0, read=min(SILENCE_SECONDS, self._left()))
        with self.http.stream("GET", self.path, headers=headers, timeout=timeout) as answer:
            if not answer.is_success:
                answer.read()
                raise error_of(answer)
            for told in messages(answer.iter_lines()):
                if isinstance(told, int):
                    self.last_seen = max(told, self.last_seen or 0)
                elif told and (self.last_seen is None or told.seq > self.last_seen):
                    self.last_seen = told.seq
                    yield told

    def _left(self) -> float:
        return (
            math.inf if self.deadline is None else max(0.0, self.deadline - self.clock.monotonic())
        )


def messages(lines: Iterator[str]) -> Iterator[EventView | int | None]:
    """The messages of a text/event-stream; unknown fields are passed over. A number is where to go
    on from when nothing has happened yet, None a comment: the stream stands."""
    data: list[str] = []
    position = ""
    for line in lines:
        name, _, value = line.partition(":")
        if line.startswith(":"):
            yield None
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif name == "id":
            position = value.strip()
        elif not line and data:
            yield _event("\n".join(data))
            data, position = [], ""
        elif not line and position.isdecimal():
            yield int(position)
            position = ""


def _event(text: str) -> EventView:
    try:
        return EventView.model_validate_json(text)
    except ValidationError:
        raise ReelyardError(
            f"the stream carries something that is no event: {text[:80]!r}.",
            "Is it a Reelyard of the same version?",
        ) from None


def _lost(http: httpx2.Client, wrong: Exception) -> Unreachable:
    address = str(http.base_url).rstrip("/")
    return Unreachable(f"the farm at {address} stopped answering ({type(wrong).__name__}).")
