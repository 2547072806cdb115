"""A lane with a real engine process: it runs, stops, dies and comes back."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reelyard.clock import ManualClock, SystemClock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import Measured, RunTask
from reelyard.settings import Settings
from reelyard.task import Checkpoint, Result, VoiceWork
from tests.support.waiting import eventually
from worker.child import Child, start_child
from worker.lane import Lane
from worker.power import Lowered
from worker.supervise import Supervisor
from worker.talk import Bench

CANCELLED = Failure(kind=FailureKind.CANCELLED, sentence="It was stopped.")


@dataclass
class Told:
    """Everything a lane has said, by attempt."""

    begun: list[str] = field(default_factory=list)
    made: dict[str, Measured] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    left: dict[str, Checkpoint | None] = field(default_factory=dict)
    phases: set[tuple[str, str]] = field(default_factory=set)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def started(self, order: RunTask) -> None:
        self.begun.append(order.attempt_id)

    def progress(self, order: RunTask, phase: str, step: int, steps: int) -> None:
        self.phases.add((order.attempt_id, phase))

    def finished(self, order: RunTask, result: Result, measured: Measured) -> None:
        self.notes[order.attempt_id] = result.notes
        self.made[order.attempt_id] = measured

    def failed(self, order: RunTask, failure: Failure, measured: Measured) -> None:
        self.failures[order.attempt_id] = failure

    def preempted(self, order: RunTask, checkpoint: Checkpoint | None, measured: Measured) -> None:
        self.left[order.attempt_id] = checkpoint


def an_order(name: str, text: str = "ok", seconds: float = 60.0, **more: Any) -> RunTask:
    return RunTask(
        attempt_id=name,
        task_id="task",
        job_id="job",
        device_id="cpu",
        work=VoiceWork(text=text, voice="heart", fps=12),
        timeout_seconds=seconds,
        **more,
    )


@pytest.fixture
def told() -> Told:
    return Told()


def a_bench(folder: Path, **settings: Any) -> Bench:
    return Bench(
        device_id="cpu",
        memory_gib=4.0,
        folder=folder / "scratch",
        settings=Settings(state=folder, **settings),
        steps="tests.support.fake_steps",
    )


@pytest.fixture
def lane(tmp_path: Path, told: Told) -> Iterator[Lane]:
    lane = Lane(a_bench(tmp_path), told, SystemClock())
    lane.start()
    yield lane
    lane.stop(CANCELLED, 0.5)


def after(look: Callable[[], Any]) -> Any:
    return eventually(look, 30)


def test_attempts_run_in_order_and_a_model_stays(lane: Lane, told: Told) -> None:
    for name in ("one", "two"):
        lane.take(an_order(name, "load"))
    after(lambda: "two" in told.made)
    assert told.begun == ["one", "two"]
    assert (told.made["one"].warm, told.made["two"].warm) == (False, True)
    assert lane.resident()["a model"] > 0.04


def test_a_running_attempt_stops_when_asked_and_the_engine_lives_on(lane: Lane, told: Told) -> None:
    lane.take(an_order("one", "wait"))
    after(lambda: told.begun)
    pids = lane.pids()
    assert lane.cancel("one", 20, CANCELLED)
    after(lambda: "one" in told.failures)
    assert told.failures["one"].kind is FailureKind.CANCELLED
    assert lane.pids() == pids


def test_one_that_does_not_listen_is_killed(lane: Lane, told: Told) -> None:
    lane.take(an_order("one", "deaf"))
    after(lambda: told.begun)
    pids = lane.pids()
    lane.cancel("one", 0.2, CANCELLED)
    after(lambda: "one" in told.failures)
    assert lane.pids() != pids
    lane.take(an_order("two"))
    after(lambda: "two" in told.made)


def test_a_waiting_attempt_is_dropped(lane: Lane, told: Told) -> None:
    lane.take(an_order("one", "wait"))
    lane.take(an_order("two"))
    after(lambda: told.begun)
    assert lane.cancel("two", 5, CANCELLED)
    assert not lane.cancel("three", 5, CANCELLED)
    assert told.failures["two"].kind is FailureKind.CANCELLED


def test_an_attempt_that_takes_too_long_is_stopped(lane: Lane, told: Told) -> None:
    lane.take(an_order("one", "wait", seconds=0.3))
    after(lambda: "one" in told.failures)
    assert told.failures["one"].kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("crash", FailureKind.CRASHED),
        ("memory", FailureKind.OUT_OF_MEMORY),
        ("error", FailureKind.UNKNOWN),
    ],
)
def test_what_goes_wrong_has_a_kind_and_the_next_one_runs(
    lane: Lane, told: Told, text: str, kind: FailureKind
) -> None:
    lane.take(an_order("one", text))
    lane.take(an_order("two"))
    after(lambda: "two" in told.made)
    assert told.failures["one"].kind is kind
    assert told.failures["one"].sentence


def test_kill_nine_of_the_engine_is_told_and_survived(lane: Lane, told: Told) -> None:
    lane.take(an_order("one", "wait"))
    after(lambda: told.begun)
    os.kill(lane.pids()[0], signal.SIGKILL)
    after(lambda: "one" in told.failures)
    assert told.failures["one"].kind is FailureKind.OUT_OF_MEMORY
    lane.take(an_order("two"))
    after(lambda: "two" in told.made)


def test_an_attempt_is_taken_once(lane: Lane, told: Told) -> None:
    supervisor = Supervisor(lambda: [lane])
    assert supervisor.take(an_order("one"))
    assert not supervisor.take(an_order("one"))
    after(lambda: "one" in told.made)
    assert told.begun == ["one"]


def test_an_attempt_that_comes_from_many_sides_at_once_is_taken_once(
    lane: Lane, told: Told
) -> None:
    supervisor, together = Supervisor(lambda: [lane]), threading.Barrier(8)

    def take(_: int) -> bool:
        together.wait()
        return supervisor.take(an_order("one"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(take, range(8))).count(True) == 1
    after(lambda: "one" in told.made)
    assert told.begun == ["one"]


def test_a_cancel_that_overtakes_its_attempt_is_heeded(lane: Lane) -> None:
    supervisor = Supervisor(lambda: [lane])
    assert not supervisor.cancel("one", 5, CANCELLED)
    assert not supervisor.take(an_order("one"))
    assert supervisor.attempts() == ()


def test_an_engine_that_dies_at_its_start_is_started_again_after_growing_pauses(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, starts = ManualClock(), list[float]()

    def start(bench: Bench) -> Child:
        starts.append(clock.monotonic())
        return start_child(bench)

    monkeypatch.setattr("worker.lane.start_child", start)
    lane = Lane(a_bench(tmp_path, catalog_file=tmp_path / "none.toml"), told, clock)
    lane.start()
    lane.take(an_order("one"))
    after(lambda: "one" in told.failures)
    assert told.failures["one"].kind is FailureKind.CRASHED

    def later() -> bool:
        clock.advance(0.25)
        return len(starts) >= 4

    eventually(later, 60, "it was started four times")
    lane.stop(CANCELLED, 0.5)
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    assert all(gap >= least for gap, least in zip(gaps, (0.5, 1.0, 2.0), strict=False))


def test_an_engine_that_was_up_is_started_again_at_once(tmp_path: Path, told: Told) -> None:
    lane = Lane(a_bench(tmp_path), told, ManualClock())  # no pause would ever end
    lane.start()
    lane.take(an_order("one"))
    after(lambda: "one" in told.made)
    (old,) = lane.pids()
    os.kill(old, signal.SIGKILL)
    after(lambda: lane.pids() and lane.pids() != [old])
    lane.stop(CANCELLED, 0.5)


def test_whatever_the_lane_stumbles_over_its_attempt_ends_and_the_next_one_runs(
    lane: Lane, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        monkeypatch.undo()
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(lane, "_hear", stumble)
    lane.take(an_order("one", "wait"))
    after(lambda: "one" in told.failures)
    assert lane.attempts() == []
    lane.take(an_order("two"))
    after(lambda: "two" in told.made)
    assert told.begun == ["two"]


def test_a_lane_that_never_started_stops(tmp_path: Path, told: Told) -> None:
    lane = Lane(a_bench(tmp_path), told, SystemClock())
    lane.take(an_order("one"))
    lane.stop(CANCELLED, 0.5)
    assert "one" in told.failures


class RecordedPower:
    """What was asked of it; `refuses` to lower anything."""

    def __init__(self, refuses: bool = False) -> None:
        self.said: list[object] = []
        self.refuses = refuses

    def lower(self, device_id: str, share: float) -> Lowered:
        self.said.append((device_id, share))
        return Lowered(note="it ran without its cap") if self.refuses else Lowered(share)

    def restore(self, device_id: str) -> None:
        self.said.append(f"restored {device_id}")


@pytest.fixture
def capped(tmp_path: Path, told: Told) -> Iterator[tuple[Lane, RecordedPower]]:
    power = RecordedPower()
    lane = Lane(a_bench(tmp_path), told, SystemClock(), power=power)
    lane.start()
    yield lane, power
    lane.stop(CANCELLED, 0.5)


def test_the_power_limit_is_lowered_for_a_run_however_it_ends(
    capped: tuple[Lane, RecordedPower], told: Told
) -> None:
    lane, power = capped
    lane.take(an_order("one", power_cap=0.8))
    lane.take(an_order("two"))
    lane.take(an_order("three", "deaf", power_cap=0.7))
    after(lambda: "three" in told.begun)
    # 1. A run that ends well says at which limit it ran, the next one runs without.
    assert (told.made["one"].power_cap, told.made["two"].power_cap) == (0.8, None)
    assert power.said == [("cpu", 0.8), "restored cpu", ("cpu", 0.7)]
    # 2. Killing the engine restores it too.
    lane.cancel("three", 0.1, CANCELLED)
    after(lambda: power.said[3:] == ["restored cpu"])
    # 3. Where it is refused the result says so, and what was measured is that of a full limit.
    power.refuses = True
    lane.take(an_order("four", power_cap=0.6))
    after(lambda: "four" in told.made)
    assert told.notes["four"] == ("it ran without its cap",)
    assert told.made["four"].power_cap is None and told.notes["one"] == ()
