"""Live events: what listeners are told, and what waits for a transaction that is under way."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coordinator.api.problems import Refused
from coordinator.api.streams import GAP_SECONDS, Streams, unbroken
from reelyard.clock import ManualClock, SystemClock
from reelyard.resources import EventView


def event(seq: int) -> EventView:
    at = "2026-11-25T08:00:00Z"
    return EventView.model_validate({"seq": seq, "at": at, "type": "t", "sentence": "."})


class Table:
    """The events there are, in order of their numbers."""

    def __init__(self, *seqs: int) -> None:
        self.seqs, self.reads = list(seqs), 0

    def read(self, after: int, limit: int) -> Sequence[EventView]:
        self.reads += 1
        return [event(seq) for seq in sorted(self.seqs) if seq > after][:limit]

    def last(self) -> int:
        return max(self.seqs, default=0)


def listening(table: Table, most: int = 3) -> Streams:
    streams = Streams(table.read, table.last, SystemClock(), most)
    streams.take_seat()
    return streams


def hear(streams: Streams, position: int, count: int) -> list[int]:
    """The numbers of the next so many events."""
    found: list[int] = []
    while len(found) < count:
        heard = streams.after(position, 10.0)
        assert heard is not None and heard.events, "nothing came for 10 s"
        found += [event.seq for event in heard.events]
        position = heard.position
    return found


def test_events_are_unbroken_up_to_the_first_hole() -> None:
    assert [e.seq for e in unbroken(4, [event(5), event(6), event(8)])] == [5, 6]
    assert unbroken(4, [event(6)]) == []
    assert unbroken(0, []) == []


def test_everybody_hears_everything_once_and_in_order() -> None:
    table = Table(1, 2)
    streams = listening(table)
    table.seqs += [3, 4]
    assert hear(streams, 2, 2) == [3, 4]  # live
    assert hear(streams, 3, 1) == [4]
    assert hear(streams, 0, 4) == [1, 2, 3, 4]  # from before anybody listened
    streams.close()


def test_an_event_that_commits_late_is_told_in_its_place() -> None:
    clock, table = ManualClock(), Table(1)
    streams = Streams(table.read, table.last, clock)
    streams._known_from = streams._known_to = 1
    table.seqs += [2, 4]
    streams._look()
    assert hear(streams, 1, 1) == [2]
    table.seqs += [3]
    streams._look()
    assert hear(streams, 2, 2) == [3, 4]


def test_a_hole_is_not_waited_for_for_ever() -> None:
    clock, table = ManualClock(), Table(1)
    streams = Streams(table.read, table.last, clock)
    streams._known_from = streams._known_to = 1
    table.seqs += [3]
    streams._look()
    heard = streams.after(1, 0.0)
    assert heard is not None and not heard.events and heard.position == 1
    clock.advance(GAP_SECONDS)
    streams._look()
    assert hear(streams, 1, 1) == [3]


def test_many_listeners_cost_one_look() -> None:
    table = Table(1)
    streams = listening(table, most=3)
    streams.take_seat()
    streams.take_seat()
    table.seqs += [2]
    assert hear(streams, 1, 1) == [2]
    reads = table.reads
    assert [hear(streams, 1, 1) for _ in range(50)] == [[2]] * 50
    assert table.reads - reads < 50  # from memory; the watcher looks on meanwhile
    streams.close()


def test_seats_are_counted_and_given_back() -> None:
    streams = listening(Table(1), most=1)
    with pytest.raises(Refused) as refused:
        streams.take_seat()
    assert refused.value.status == 503 and refused.value.headers["Retry-After"]
    streams.leave_seat()
    streams.take_seat()
    assert streams.listeners == 1
    streams.close()


def test_a_seat_is_not_lost_when_the_database_is_away() -> None:
    def away() -> int:
        raise OSError("away")

    streams = Streams(Table().read, away, SystemClock())
    with pytest.raises(OSError, match="away"):
        streams.take_seat()
    assert streams.listeners == 0


def test_a_stream_that_begins_nowhere_begins_now() -> None:
    streams = Streams(Table(1, 2, 3).read, Table(1, 2, 3).last, SystemClock())
    assert [streams.start(wanted) for wanted in (None, 0, 2, 99)] == [3, 0, 2, 3]


def test_a_closed_server_says_nothing_more() -> None:
    streams = listening(Table(1))
    streams.close()
    assert streams.after(0, 10.0) is None
    with pytest.raises(Refused):
        streams.take_seat()
