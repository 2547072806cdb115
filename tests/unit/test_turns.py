"""Whose turn it is: bands, ranks, priorities and deadlines in order; what is held or starts later
takes no turn and says so."""

from __future__ import annotations

import random

import pytest

from coordinator.core.decisions import Assign, Hold
from coordinator.core.reasons import own_reason
from coordinator.core.schedule import schedule
from reelyard.states import Band
from tests.support.core_values import device, farm, waiting

HOUR = 3600.0


def test_first_the_band_then_the_rank_then_priority_deadline_and_age() -> None:
    order = [
        waiting(id="job-a.x", band=Band.INTERACTIVE, priority=0, queued_at=9.0),
        waiting(id="job-b.x", rank=-1.0, priority=0, queued_at=9.0),
        waiting(id="job-c.x", priority=60, queued_at=9.0),
        waiting(id="job-d.x", deadline=50.0, queued_at=9.0),
        waiting(id="job-e.x", deadline=60.0, queued_at=8.0),
        waiting(id="job-f.x", queued_at=1.0),
        waiting(id="job-g.x", queued_at=2.0),
        waiting(id="job-h.x", rank=1.0, priority=100),
        waiting(id="job-i.x", band=Band.BATCH, priority=100, rank=-5.0),
    ]
    mixed = random.Random(7).sample(order, len(order))
    assert sorted(mixed, key=lambda task: task.order) == order


def test_what_is_held_or_starts_later_leaves_its_turn_to_others() -> None:
    held = waiting(id="job-a.x", held_because="the client looks first", queued_at=1.0)
    later = waiting(id="job-b.x", start_after=100.0 + 3 * HOUR, queued_at=2.0)
    ready = waiting(id="job-c.x", start_after=99.0, queued_at=3.0)
    decisions = schedule(farm(held, later, ready, device()))
    by_task = {decision.task.id: decision for decision in decisions}
    assert by_task["job-a.x"] == Hold(held, "its job is held: the client looks first")
    assert by_task["job-b.x"] == Hold(later, "starts at 03:01 UTC (in 3 h)")
    assert isinstance(by_task["job-c.x"], Assign)


@pytest.mark.parametrize("at", [100.0, 100.5])
def test_it_starts_at_the_moment_itself(at: float) -> None:
    assert own_reason(waiting(start_after=100.0), at) == ""
    assert own_reason(waiting(start_after=100.0), 99.5) == "starts at 00:01 UTC (in 1 s)"


def test_a_hold_is_told_before_anything_else() -> None:
    task = waiting(held_because="by anna", paused=True, start_after=9e9, open_needs=("a line",))
    assert own_reason(task, 100.0) == "its job is held: by anna"
