"""Figures, bars and marks: what people read must be right to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard import format as written
from dashboard.marks import mark
from dashboard.present.bars import memory_bar, stacked, task_bar, used_gib
from reelyard.resources import DeviceView, ResidentView
from reelyard.states import AttemptState, JobState, TaskState, WorkerState

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.84, "0.84 s"),
        (7.23, "7.2 s"),
        (64, "1:04"),
        (3723, "1:02:03"),
        (None, written.DASH),
    ],
)
def test_an_exact_length(seconds: float | None, text: str) -> None:
    assert written.seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(40, "40 s"), (200, "3 min 20 s"), (8040, "2 h 14 min"), (4 * 86400, "4 d"), (-3, "0 s")],
)
def test_a_rough_length(seconds: float, text: str) -> None:
    assert written.span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(812, "812 B"), (14541, "14.2 KiB"), (3 << 20, "3.0 MiB"), (0, "0 B")]
)
def test_a_size(count: int, text: str) -> None:
    assert written.size(count) == text


def test_a_size_in_memory_is_never_nothing_that_is_something() -> None:
    shown = [written.gib(12.36), written.gib(0.03), written.gib(0.0), written.gib(0.2, 0)]
    assert shown == ["12.4 GiB", "< 0.1 GiB", "0.0 GiB", "< 1 GiB"]
    assert written.gib(None) == written.DASH


def test_what_is_not_whole_never_reads_as_whole() -> None:
    assert written.percent(0.999) == "99 %"
    assert written.percent(1.0) == "100 %"


def test_one_and_many() -> None:
    assert written.count(1, "task") == "1 task"
    assert written.count(12_000, "task").replace("\u202f", " ") == "12 000 tasks"


def test_times_are_written_in_utc() -> None:
    assert written.stamp(NOON) == "2026-11-25T12:00:00Z"
    assert written.when(NOON) == "25 Nov 12:00 UTC"
    assert written.ago(NOON, NOON.timestamp() + 90) == "1 min 30 s ago"


def test_every_state_has_a_mark_of_its_own() -> None:
    for life in (JobState, TaskState, AttemptState, WorkerState):
        marks = [mark(state) for state in life]
        assert all(m.word != "unknown" for m in marks)
        assert len({(m.letter, m.shape) for m in marks}) == len(marks)


def test_a_stacked_bar_never_runs_over_its_end() -> None:
    segments = stacked([("a", "good", 70, "70"), ("b", "bad", 70, "70"), ("c", "off", 9, "9")], 100)
    assert [segment.name for segment in segments] == ["a", "b"]
    assert segments[-1].start + segments[-1].width == pytest.approx(100)


def test_a_bar_of_nothing_is_empty() -> None:
    assert task_bar({}) == ()


def device(**more: object) -> DeviceView:
    usual = {"id": "n:cuda0", "kind": "cuda", "name": "GPU", "memory_gib": 24.0, "free_gib": 10.0}
    return DeviceView.model_validate({**usual, **more})


def test_memory_is_split_into_what_holds_it() -> None:
    shown = device(
        foreign_gib=2, resident=[ResidentView(model="m", gib=5)], running=["job.s01.video1.a1"]
    )
    parts = {segment.name: segment.text for segment in memory_bar(shown)}
    assert parts == {
        "resident models": "5.0 GiB",
        "this task": "7.0 GiB",
        "other processes": "2.0 GiB",
        "free": "10.0 GiB",
    }


def test_an_idle_device_has_no_task_in_its_bar() -> None:
    assert "this task" not in {segment.name for segment in memory_bar(device())}


def test_what_is_known_to_be_there_is_used_whatever_the_meter_says() -> None:
    shown = memory_bar(device(free_gib=24, resident=[ResidentView(model="m", gib=9)]))
    assert {segment.name: segment.text for segment in shown} == {
        "resident models": "9.0 GiB",
        "free": "15.0 GiB",
    }


def test_no_model_is_larger_than_its_device() -> None:
    assert used_gib(device(resident=[ResidentView(model="m", gib=99)])) == 24.0
