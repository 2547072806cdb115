"""Two lanes of a device with real engine processes: making room, side by side, loading ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reelyard.artifact import Artifact
from reelyard.clock import SystemClock
from reelyard.failure import FailureKind
from reelyard.messages import Preload, RunTask, Unload
from reelyard.task import Checkpoint, VoiceWork
from tests.integration.test_lane import CANCELLED, Told, a_bench, after, an_order
from worker.lane import Lane
from worker.supervise import Supervisor

FILE = Artifact(name="place", media_type="x/y", size_bytes=1, sha256="0f" * 32)
BEFORE = Checkpoint(artifact=FILE, step=2, steps=9)


@dataclass
class Read:
    """What was asked to be read ahead, and what was left again."""

    fetched: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def fetch(self, model: str) -> None:
        self.fetched.append(model)

    def leave(self, model: str) -> None:
        self.left.append(model)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def read() -> Read:
    return Read()


@pytest.fixture
def both(tmp_path: Path, told: Told, read: Read) -> Iterator[Supervisor]:
    """A device's two lanes."""
    bench = a_bench(tmp_path)
    supervisor = Supervisor(
        lambda: [
            Lane(bench, told, SystemClock(), read),
            Lane(replace(bench, lane="side"), told, SystemClock()),
        ],
        read,
    )
    for lane in supervisor.all():
        lane.start()
    yield supervisor
    supervisor.stop(CANCELLED, 0.5)


def order(name: str, text: str = "ok", **more: Any) -> RunTask:
    return an_order(name, text).model_copy(update=more)


# Making room


def test_one_that_makes_room_says_where_it_goes_on_and_the_next_one_runs(
    both: Supervisor, told: Told
) -> None:
    lane = both.lanes["cpu"]
    both.take(order("one", "denoise"))
    both.take(order("two"))
    after(lambda: ("one", "denoise") in told.phases)
    pids = lane.pids()

    assert both.preempt("one", 30)

    after(lambda: "two" in told.made)
    place = told.left["one"]
    assert place is not None and place.steps == 1_000_000
    assert lane.pids() == pids and not told.failures


def test_one_that_has_no_place_to_keep_begins_anew(both: Supervisor, told: Told) -> None:
    both.take(order("one", "wait"))
    both.take(order("two", "wait", checkpoint=BEFORE))
    after(lambda: told.begun)
    both.preempt("one", 30)
    after(lambda: "two" in told.begun)
    assert told.left == {"one": None}
    both.preempt("two", 30)
    after(lambda: "two" in told.left)
    assert told.left["two"] == BEFORE, "what an earlier attempt has done is not lost"


def test_one_that_takes_too_long_over_its_step_is_killed(both: Supervisor, told: Told) -> None:
    both.take(order("one", "deaf", checkpoint=BEFORE))
    after(lambda: told.begun)
    both.preempt("one", 0.2)
    after(lambda: "one" in told.left)
    assert told.left["one"] == BEFORE and not told.failures


def test_one_that_dies_instead_has_failed(both: Supervisor, told: Told) -> None:
    both.take(order("one", "deaf"))
    after(lambda: told.begun)
    both.preempt("one", 60)
    both.lanes["cpu"]._child.kill()  # type: ignore[union-attr]
    after(lambda: "one" in told.failures)
    assert told.failures["one"].kind is FailureKind.OUT_OF_MEMORY and not told.left


def test_a_cancel_after_it_counts_more(both: Supervisor, told: Told) -> None:
    both.take(order("one", "deaf"))
    after(lambda: told.begun)
    both.preempt("one", 60)
    both.cancel("one", 0.1, CANCELLED)
    after(lambda: "one" in told.failures)
    assert told.failures["one"].kind is FailureKind.CANCELLED and not told.left


def test_one_that_waits_is_given_back_with_what_was_done_before(tmp_path: Path, told: Told) -> None:
    lane = Lane(a_bench(tmp_path), told, SystemClock())
    supervisor = Supervisor(lambda: [lane])
    supervisor.take(order("one", checkpoint=BEFORE))
    assert supervisor.preempt("one", 5)
    assert told.left == {"one": BEFORE} and supervisor.attempts() == ()


def test_an_order_to_make_room_that_overtakes_its_attempt_is_heeded_once(
    tmp_path: Path, told: Told
) -> None:
    supervisor = Supervisor(lambda: [Lane(a_bench(tmp_path), told, SystemClock())])
    assert not supervisor.preempt("one", 5)
    assert supervisor.take(order("one", checkpoint=BEFORE))
    assert told.left == {"one": BEFORE} and supervisor.attempts() == ()
    assert not supervisor.preempt("one", 5)


# Side by side


def test_a_side_lane_works_beside_and_its_crash_hurts_nobody(both: Supervisor, told: Told) -> None:
    main, side = both.lanes["cpu"], both.sides["cpu"]
    both.take(order("large", "wait"))
    after(lambda: told.begun)
    assert side.pids() == [], "an engine that nobody needs is not started"

    both.take(order("small", lane="side"))
    both.take(order("crash", "crash", lane="side"))
    both.take(order("last", "load", lane="side"))

    after(lambda: "last" in told.made)
    assert "small" in told.made
    assert told.failures["crash"].kind is FailureKind.CRASHED
    assert (main.running(), both.attempts()) == (["large"], ("large",))
    assert "a model" in side.resident() and not main.resident()


def test_an_engine_of_a_side_lane_goes_when_it_is_not_needed(
    both: Supervisor, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.lane.LINGER_SECONDS", 0.1)
    side = both.sides["cpu"]
    both.take(order("one", lane="side"))
    after(lambda: "one" in told.made and not side.pids())
    both.take(order("two", lane="side"))
    after(lambda: "two" in told.made)


def test_without_a_side_lane_the_main_one_does_it(tmp_path: Path, told: Told) -> None:
    lane = Lane(a_bench(tmp_path), told, SystemClock())
    Supervisor(lambda: [lane]).take(order("one", lane="side"))
    assert lane.attempts() == ["one"]


# Ahead


def test_the_weights_of_the_next_attempt_are_read_while_one_runs(
    both: Supervisor, told: Told, read: Read
) -> None:
    def speaks(voice: str) -> VoiceWork:
        return VoiceWork(text="ok", voice=voice, fps=12)

    both.take(order("one", "wait"))
    after(lambda: told.begun)
    assert read.fetched == []
    both.take(order("two", work=speaks("bella")))
    both.take(order("three", work=speaks("bella")))
    both.take(order("four", work=speaks("heart")))
    assert read.fetched == ["bella"], "of what waits, the next"
    both.preempt("one", 30)
    after(lambda: "four" in told.made)
    assert read.fetched == ["bella", "heart"]
    assert set(read.left) == {"heart", "bella"}, "what is loaded now needs no reading"


def test_a_model_is_loaded_while_there_is_nothing_to_do_and_dropped_again(
    both: Supervisor, told: Told, tmp_path: Path
) -> None:
    lane, hold = both.lanes["cpu"], tmp_path / "scratch" / "hold"
    hold.parent.mkdir()
    hold.touch()
    after(lane.pids)

    both.preload(Preload(device_id="cpu", model="heart", predicted_gib=0.1))

    after(lambda: lane.loading() == "heart")
    assert not lane.resident()
    hold.unlink()
    after(lambda: lane.resident().get("heart", 0) > 0.04)
    assert lane.loading() == ""
    both.unload(Unload(device_id="cpu", model="heart"))
    after(lambda: not lane.resident())


def test_what_does_not_fit_is_not_loaded_ahead(both: Supervisor) -> None:
    lane = both.lanes["cpu"]
    after(lane.pids)
    for model, gib in (("heart", 0.1), ("mms-tts-eng", 3.99), ("no-such-model", 0.1)):
        both.preload(Preload(device_id="cpu", model=model, predicted_gib=gib))
    both.preload(Preload(device_id="cuda:7", model="heart"))
    both.preload(Preload(device_id="cpu", model="mms-tts-eng", predicted_gib=0.1))
    after(lambda: "mms-tts-eng" in lane.resident())
    assert set(lane.resident()) == {"heart", "mms-tts-eng"}


def test_a_busy_device_loads_nothing_ahead_and_keeps_what_it_needs(
    both: Supervisor, told: Told
) -> None:
    lane = both.lanes["cpu"]
    both.take(order("one", "wait"))
    after(lambda: told.begun)
    assert not lane.preload(Preload(device_id="cpu", model="bella"))
    assert not lane.unload(Unload(device_id="cpu", model="heart")), "it is speaking with it"
    assert lane.unload(Unload(device_id="cpu", model="bella"))
    assert not both.sides["cpu"].unload(Unload(device_id="cpu", model="bella")), "no engine"
