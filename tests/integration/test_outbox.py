"""Reports on their way: kept on disk until acknowledged, sent in order, and nothing stops them."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reelyard.clock import SystemClock
from reelyard.errors import Unreachable
from reelyard.failure import Failure, FailureKind
from reelyard.messages import Failed, Report, Started
from reelyard.wire import MOST_BYTES_IN_A_MESSAGE, MOST_IN_A_MESSAGE
from tests.support.waiting import eventually
from worker.outbox import KeptReports, Outbox


@dataclass
class Road:
    """What arrives. `broken` is raised instead of carrying."""

    arrived: list[str] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    broken: Exception | None = None
    tries: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    busy: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.held.set()

    def carry(self, payloads: Sequence[dict[str, Any]]) -> None:
        self.busy.set()
        self.held.wait(30)
        self.tries += 1
        if self.broken:
            raise self.broken
        self.messages.append(len(payloads))
        self.arrived += [payload["report_id"] for payload in payloads]


def started(name: str) -> Report:
    return Started(report_id=name, worker_id="w", boot_id="b", at=0.0, attempt_id="a")


def failed(name: str, detail: str = "") -> Report:
    failure = Failure(kind=FailureKind.UNKNOWN, sentence="It broke.", detail=detail)
    return Failed(
        report_id=name, worker_id="w", boot_id="b", at=0.0, attempt_id="a", failure=failure
    )


@pytest.fixture
def road() -> Road:
    return Road()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptReports]:
    kept = KeptReports(tmp_path / "outbox.db")
    yield kept
    kept.close()


@pytest.fixture
def outbox(kept: KeptReports, road: Road) -> Iterator[Outbox]:
    outbox = Outbox(kept, road.carry, SystemClock(), again_after=0.3)
    yield outbox
    outbox.stop()


# What is kept.


def test_what_is_kept_survives_and_is_forgotten_by_name(tmp_path: Path) -> None:
    first = KeptReports(tmp_path / "outbox.db")
    for name in ("a", "b"):
        first.keep(name, {"report_id": name, "text": "Straße"}, now=100.0)
    first.close()
    again = KeptReports(tmp_path / "outbox.db")
    assert [payload["report_id"] for payload in again.due(200.0, 3.0)] == ["a", "b"]
    again.forget(["a", "unheard of"])
    assert again.count() == 1
    again.close()


def test_pauses_double_up_to_a_minute(kept: KeptReports) -> None:
    """A coordinator that is away for hours does not find hours of repetitions."""
    kept.keep("a", {}, now=0.0)
    sent = []
    for second in range(1200):
        if kept.due(float(second), 3.0):
            kept.mark_sent(["a"], float(second))
            sent.append(second)
    gaps = [after - before for before, after in itertools.pairwise(sent)]
    assert sent[0] == 4 and gaps[0] <= 5
    assert gaps == sorted(gaps) and max(gaps) == 61
    assert len(sent) < 30


def test_a_clock_that_was_put_back_delays_nothing(kept: KeptReports) -> None:
    kept.keep("a", {}, now=5000.0)
    assert kept.due(100.0, 3.0)


def test_a_folder_that_takes_no_files_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(Unreachable, match="REELYARD_STATE"):
        KeptReports(tmp_path / "a file" / "outbox.db")
    (tmp_path / "outbox.db").write_text("this is no database, however long one looks at it " * 9)
    with pytest.raises(Unreachable, match=r"outbox\.db cannot be used"):
        KeptReports(tmp_path / "outbox.db")


# What is sent.


def test_reports_arrive_in_order_and_once(outbox: Outbox, road: Road, kept: KeptReports) -> None:
    """A delivery does not overtake the start of its own task."""
    road.held.clear()
    outbox.start()
    names = [f"{kind}{n}" for n in range(5) for kind in ("started", "failed")]
    for name in names:
        outbox.tell(started(name) if name.startswith("started") else failed(name))
    outbox.forget([name for name in names if name.startswith("failed")])
    road.held.set()
    eventually(lambda: len(road.arrived) == len(names), 20)
    assert road.arrived == names
    assert kept.count() == 0


def test_the_first_goes_at_once_and_what_comes_meanwhile_goes_together(
    outbox: Outbox, road: Road
) -> None:
    road.held.clear()
    outbox.start()
    outbox.tell(started("s0"))
    eventually(road.busy.is_set, 20)
    for number in range(1, 101):
        outbox.tell(started(f"s{number}"))
    road.held.set()
    eventually(lambda: len(road.arrived) == 101, 20)
    assert road.arrived == [f"s{number}" for number in range(101)]
    assert road.messages == [1, MOST_IN_A_MESSAGE, 100 - MOST_IN_A_MESSAGE]


def test_no_message_is_larger_than_it_may_be(outbox: Outbox, road: Road) -> None:
    road.held.clear()
    outbox.start()
    outbox.tell(started("s"))
    eventually(road.busy.is_set, 20)
    for number in range(5):
        outbox.tell(failed(f"f{number}", detail="x" * (MOST_BYTES_IN_A_MESSAGE * 2 // 5)))
    road.held.set()
    eventually(lambda: len(road.arrived) == 6, 20)
    assert road.arrived == ["s", *(f"f{number}" for number in range(5))]
    assert road.messages == [1, 2, 2, 1]


def test_what_many_threads_keep_at_once_is_all_on_disk(kept: KeptReports) -> None:
    together = threading.Barrier(8)

    def keep(number: int) -> None:
        together.wait()
        for turn in range(20):
            kept.keep(f"r{number}.{turn}", {"report_id": f"r{number}.{turn}"}, now=100.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(8)))
    assert kept.count() == len(kept.due(200.0, 3.0)) == 160


def test_where_a_disk_is_full_everybody_who_waited_hears_of_it(
    kept: KeptReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    together = threading.Barrier(4)
    monkeypatch.setattr(kept, "_write", full)

    def keep(number: int) -> bool:
        together.wait()
        with pytest.raises(sqlite3.OperationalError, match="full"):
            kept.keep(f"r{number}", {}, now=100.0)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(keep, range(4)))
    monkeypatch.undo()
    kept.keep("r", {}, now=100.0)
    assert kept.count() == 1


def test_what_ends_an_attempt_is_sent_again_until_it_is_acknowledged(
    outbox: Outbox, road: Road, kept: KeptReports
) -> None:
    outbox.start()
    outbox.tell(started("s"))
    outbox.tell(failed("f"))
    eventually(lambda: road.arrived.count("f") >= 3, 20)
    assert road.arrived.count("s") == 1
    outbox.forget(["f"])
    assert kept.count() == 0


def test_while_the_broker_is_away_only_what_is_kept_waits(outbox: Outbox, road: Road) -> None:
    road.broken = ConnectionError("away")
    outbox.start()
    outbox.tell(started("s"))
    outbox.tell(failed("f"))
    eventually(lambda: road.tries >= 2, 20)
    road.broken = None
    eventually(lambda: road.arrived, 20)
    assert set(road.arrived) == {"f"}


def test_whatever_happens_on_the_way_the_next_report_is_sent(outbox: Outbox, road: Road) -> None:
    road.broken = RuntimeError("nobody thought of this")
    outbox.start()
    outbox.tell(started("s"))
    eventually(lambda: road.tries >= 1, 20)
    road.broken = None
    outbox.tell(started("t"))
    eventually(lambda: "t" in road.arrived, 20)


def test_where_the_disk_takes_nothing_it_is_sent_all_the_same(
    outbox: Outbox, road: Road, kept: KeptReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(kept, "keep", full)
    monkeypatch.setattr(kept, "due", full)
    outbox.start()
    outbox.tell(failed("f"))
    eventually(lambda: "f" in road.arrived, 20)


def test_a_queue_that_overflows_loses_nothing_that_is_kept(
    outbox: Outbox, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2100):
        outbox.tell(started(f"s{number}"))
    outbox.tell(failed("f"))
    outbox.start()
    eventually(lambda: "f" in road.arrived, 30)


def test_what_an_earlier_run_left_is_sent(road: Road, kept: KeptReports) -> None:
    kept.keep("old", {"type": "failed", "report_id": "old"}, now=SystemClock().now() - 60)
    outbox = Outbox(kept, road.carry, SystemClock())
    outbox.start()
    eventually(lambda: "old" in road.arrived, 20)
    outbox.stop()


def test_stopping_sends_what_is_there(outbox: Outbox, road: Road) -> None:
    outbox.start()
    for number in range(50):
        outbox.tell(started(f"s{number}"))
    outbox.stop(seconds=20)
    assert len(road.arrived) == 50


def test_stopping_one_that_never_started_is_harmless(outbox: Outbox) -> None:
    outbox.stop()
