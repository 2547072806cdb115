"""Many tabs, one look at the farm: who is sent what, and when nothing is done at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from dashboard.live.channel import REST_SECONDS, Channel
from dashboard.live.hub import Hub
from dashboard.screens import Screen
from dashboard.views.live import has_gone
from reelyard.clock import SystemClock
from reelyard.errors import Unreachable
from reelyard.resources import EventView
from tests.support.played_jobs import Times, event
from tests.support.waiting import eventually

OVERVIEW, JOB = Screen.of("overview", {}), Screen.of("job", {"id": "job-a"})


class Wall:
    """What is painted, and a farm whose events a test decides."""

    def __init__(self) -> None:
        self.pieces: dict[str, str] = {"cards": "one", "queue": "empty"}
        self.painted: list[tuple[str, Screen]] = []
        self.subscriptions = 0
        self.seq = 0
        self.news = threading.Condition()
        self.waiting: list[EventView] = []
        self.hub = Hub(self.paint, lambda token: self.follow, SystemClock(), most=3)

    def paint(self, token: str, screen: Screen) -> Mapping[str, str]:
        self.painted.append((token, screen))
        return dict(self.pieces)

    def follow(self, after: str) -> Iterator[EventView | None]:
        self.subscriptions += 1
        yield None
        while True:
            with self.news:
                self.news.wait_for(lambda: bool(self.waiting), 5)
                fresh, self.waiting = self.waiting, []
            yield from fresh or [None]

    def happens(self, job_id: str | None) -> None:
        with self.news:
            self.seq += 1
            self.waiting.append(event(self.seq, Times(0).now, "task.done", "x", job_id=job_id))
            self.news.notify_all()

    def settled(self) -> None:
        """Every tab has been told that the connection stands, and painting has come to rest."""
        eventually(lambda: self.subscriptions, what="a subscription")
        seen = -1
        while seen != len(self.painted):
            seen = len(self.painted)
            threading.Event().wait(2 * REST_SECONDS)


@pytest.fixture
def wall() -> Iterator[Wall]:
    made = Wall()
    yield made
    made.hub.close()


def test_a_new_tab_gets_everything_and_then_only_what_changed(wall: Wall) -> None:
    with closing(wall.hub.listen("t", OVERVIEW, "")) as tab:
        changes = iter(tab)
        assert next(changes).pieces == {"cards": "one", "queue": "empty"}
        wall.pieces["cards"] = "two"
        wall.happens(None)
        assert next(changes).pieces == {"cards": "two"}


def test_tabs_of_one_screen_share_one_painting_and_all_share_one_subscription(wall: Wall) -> None:
    with (
        closing(wall.hub.listen("t", OVERVIEW, "")) as first,
        closing(wall.hub.listen("t", OVERVIEW, "")) as second,
        closing(wall.hub.listen("t", JOB, "")),
    ):
        assert next(iter(first)).pieces == next(iter(second)).pieces
        wall.settled()
        before = len(wall.painted)
        wall.happens("job-b")
        eventually(lambda: len(wall.painted) > before, what="a painting")
        wall.settled()
        assert {screen for _, screen in wall.painted[before:]} == {OVERVIEW}
        assert wall.subscriptions == 1


def test_tabs_of_two_people_share_nothing(wall: Wall) -> None:
    with (
        closing(wall.hub.listen("anna", OVERVIEW, "")),
        closing(wall.hub.listen("ben", OVERVIEW, "")),
    ):
        eventually(lambda: {token for token, _ in wall.painted} == {"anna", "ben"})
        eventually(lambda: wall.subscriptions == 2)


def test_a_tab_that_comes_back_is_sent_what_it_missed(wall: Wall) -> None:
    with closing(wall.hub.listen("t", OVERVIEW, "")):
        with closing(wall.hub.listen("t", OVERVIEW, "")) as tab:
            position = next(iter(tab)).position
        wall.settled()
        wall.pieces["queue"] = "full"
        wall.happens(None)
        with closing(wall.hub.listen("t", OVERVIEW, position)) as again:
            assert next(iter(again)).pieces == {"queue": "full"}


def test_nothing_is_painted_when_nobody_watches(wall: Wall) -> None:
    with closing(wall.hub.listen("t", OVERVIEW, "")):
        wall.settled()
    assert wall.hub.streams == 0
    before = len(wall.painted)
    wall.happens(None)
    with closing(wall.hub.listen("t", JOB, "")) as other:
        next(iter(other))
    assert {screen for _, screen in wall.painted[before:]} == {JOB}


def test_there_are_so_many_seats_and_a_seat_is_given_back_once(wall: Wall) -> None:
    tabs = [wall.hub.listen("t", OVERVIEW, "") for _ in range(3)]
    with pytest.raises(Unreachable):
        wall.hub.listen("t", OVERVIEW, "")
    tabs[0].close()
    tabs[0].close()
    assert wall.hub.streams == 2
    wall.hub.listen("t", OVERVIEW, "")


def test_closing_ends_every_stream(wall: Wall) -> None:
    tab = iter(wall.hub.listen("t", OVERVIEW, ""))
    next(tab)
    wall.hub.close()
    assert list(tab) == []


def test_a_foreign_position_is_no_position() -> None:
    channel = Channel(lambda: {"a": "x"}, SystemClock(), 60)
    channel.join()
    change = channel.after("somebody-else.99", 20)
    assert change is not None
    assert change.pieces == {"a": "x"}
    channel.close()


def test_a_farm_that_went_away_is_followed_again() -> None:
    tries: list[str] = []

    def follow(after: str) -> Iterator[EventView | None]:
        tries.append(after)
        if len(tries) == 1:
            raise Unreachable("gone.")
        yield event(7, Times(0).now, "task.done", "x")
        raise Unreachable("gone again.")

    hub = Hub(lambda *_: {"a": "x"}, lambda _: follow, SystemClock())
    with closing(hub.listen("t", OVERVIEW, "")):
        eventually(lambda: "7" in tries, what="it goes on after the last event it heard of")
    hub.close()


def test_a_tab_that_closed_its_end_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not has_gone(ours)
        theirs.sendall(b"a pipelined request")
        assert not has_gone(ours)
        assert not has_gone(None)
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        assert has_gone(ours)
