"""Why a task waits: what devices answer, whether any ever will take it, and its turn."""

from __future__ import annotations

import pytest

from coordinator.api.why import can_ever_run, position
from coordinator.core.schedule import schedule
from coordinator.store.view_farm import REASON_KINDS, reason_kind
from reelyard.states import WorkerState
from tests.support.core_values import LARGE, device, farm, line, shot, waiting


def test_without_devices_nothing_is_known_to_be_impossible() -> None:
    task = waiting()
    assert can_ever_run(task, farm(task))


def test_too_large_for_every_device_can_never_run() -> None:
    task = waiting(shot(LARGE, frames=81))
    small = device(memory_gib=4.0)
    assert not can_ever_run(task, farm(task, small))
    assert can_ever_run(task, farm(task, small, device("big", "cuda:0", memory_gib=140.0)))


def test_away_for_now_is_not_for_ever() -> None:
    task = waiting()
    assert can_ever_run(task, farm(task, device(state=WorkerState.OFFLINE)))


def test_the_turn_counts_those_that_only_wait_for_a_device() -> None:
    first = waiting(id="job-a.s01.video1", queued_at=1.0)
    blocked = waiting(id="job-b.s01.video1", queued_at=2.0, open_needs=("the line",))
    later = waiting(id="job-c.s01.video1", queued_at=3.0)
    urgent = waiting(id="job-d.s01.video1", queued_at=9.0, priority=90)
    yard = farm(first, blocked, later, urgent)
    assert [position(task, yard) for task in (urgent, first, later)] == [1, 2, 3]
    assert position(blocked, yard) is None


@pytest.mark.parametrize(
    ("tasks", "devices", "kind"),
    [
        ([waiting(open_needs=("x",))], [device()], "waits for another task"),
        ([waiting(held_because="waits for the client")], [device()], "its job is held"),
        ([waiting(paused=True)], [device()], "its job is paused"),
        ([waiting(start_after=9000.0)], [device()], "starts later"),
        ([waiting(not_before=200.0)], [device()], "tries again soon"),
        ([waiting()], [], "no worker has joined"),
        ([waiting(shot(LARGE, frames=81))], [device(memory_gib=4.0)], "nobody can run it"),
        ([waiting(line("nobody"))], [device(voices=frozenset())], "nobody can run it"),
        ([waiting()], [device(busy="another")], "devices are busy"),
        ([waiting()], [device(state=WorkerState.OFFLINE)], "workers are away"),
    ],
)
def test_every_sentence_of_the_scheduler_is_of_a_kind(
    tasks: list[object], devices: list[object], kind: str
) -> None:
    decisions = schedule(farm(*tasks, *devices))  # type: ignore[arg-type]
    assert reason_kind(decisions[0].because) == kind
    assert kind in REASON_KINDS


def test_what_was_not_looked_at_and_what_is_not_known() -> None:
    assert reason_kind("") == "not looked at yet"
    assert reason_kind("the moon is full") == "something else"
    assert {reason_kind(""), reason_kind("x")} <= REASON_KINDS
