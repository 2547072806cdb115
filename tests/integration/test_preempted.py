"""The coordinator hears that an attempt has made room: its task waits, and goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coordinator.store.tables import events
from reelyard.failure import FailureKind
from reelyard.messages import Acknowledge, DeviceReport, Measured, Preempt, Preempted, RunTask
from reelyard.states import Band
from reelyard.storyboard import Storyboard
from reelyard.task import Checkpoint
from reelyard.terms import Terms
from tests.support.farm_in_hand import PATIENCE, FarmInHand, an_artifact, sqlite

SILENT = {"picture": "a blue square moving up", "seconds": 3}
LARGE = "wan2.1-t2v-14b"
CARD = DeviceReport(
    id="gpu0", kind="cuda", name="NVIDIA A100-SXM4-80GB", memory_gib=80.0, free_gib=79.0
)
PLACE = Checkpoint(artifact=an_artifact("place"), step=3, steps=8)


@pytest.fixture
def farm(tmp_path: Path) -> FarmInHand:
    farm = sqlite(tmp_path)
    farm.hello()
    farm.turn()
    return farm


def preempted(farm: FarmInHand, order: RunTask, checkpoint: Checkpoint | None) -> None:
    report = Preempted(
        report_id=f"left-{order.attempt_id}",
        worker_id="w",
        boot_id="b1",
        at=farm.clock.now(),
        attempt_id=order.attempt_id,
        checkpoint=checkpoint,
        measured=Measured(run_seconds=2.5, warm=False, load_seconds=1.0),
    )
    farm.reports.append(report.model_dump(mode="json"))


def on_a_card(folder: Path) -> FarmInHand:
    """A farm of one card, whose shots of a large model take minutes and can be cut."""
    farm = sqlite(folder)
    farm.hello(CARD, checkpoints=(LARGE,))
    farm.turn()
    return farm


def submit(farm: FarmInHand, band: Band) -> str:
    """A job of one long shot."""
    storyboard = Storyboard.model_validate({"scenes": [SILENT], "model": LARGE})
    return farm.intake.submit(storyboard, "anna", None, band, terms=Terms(band=band))[0]


def again(farm: FarmInHand) -> RunTask:
    """The next try that is sent."""
    for _ in range(90):
        if sent := farm.turn(1.0):
            return sent[0]
        farm.heartbeat()
    raise AssertionError("it was not tried again")


def shot(farm: FarmInHand, job_id: str) -> dict[str, Any]:
    return farm.tasks(job_id)["s01.video1"]


def test_its_task_waits_and_its_next_try_goes_on_from_there(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    assert first.checkpoint is None
    farm.started(first)
    farm.turn()

    preempted(farm, first, PLACE)
    sent = farm.turn()

    (row,) = (row for row in farm.attempts() if row["id"] == first.attempt_id)
    assert (row["state"], row["failure_kind"]) == ("cancelled", "preempted")
    assert (row["run_seconds"], row["failure"]) == (
        2.5,
        "It made room and goes on after step 3 of 8.",
    )
    second = sent[0] if sent else again(farm)
    assert second.attempt_id != first.attempt_id and second.checkpoint == PLACE
    assert second.work == first.work
    task = shot(farm, job_id)
    assert (task["preemptions"], task["checkpoint"]) == (1, PLACE.model_dump(mode="json"))
    with farm.database.read() as connection:
        told = select(events.c.sentence).where(events.c.type == "task.preempted")
        (sentence,) = connection.execute(told).scalars()
    assert sentence.endswith("made room and goes on after step 3 of 8.")
    farm.started(second)
    farm.finished(second)
    farm.run_all()
    assert farm.job(job_id)["state"] == "done"


def test_it_is_acknowledged_and_a_second_copy_changes_nothing(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    preempted(farm, first, PLACE)
    preempted(farm, first, None)
    farm.turn()
    known = [order for order in farm.orders() if isinstance(order, Acknowledge)]
    assert known[0].report_ids == (f"left-{first.attempt_id}",) * 2
    assert shot(farm, job_id)["preemptions"] == 1
    assert shot(farm, job_id)["checkpoint"] is not None


def test_without_a_place_it_begins_anew(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    preempted(farm, first, PLACE)
    second = (farm.turn() or [again(farm)])[0]
    preempted(farm, second, None)
    third = (farm.turn() or [again(farm)])[0]
    assert (second.checkpoint, third.checkpoint) == (PLACE, None)
    assert shot(farm, job_id)["preemptions"] == 2


def test_one_that_comes_too_late_changes_nothing(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    farm.finished(first)
    preempted(farm, first, PLACE)
    farm.turn()
    assert (shot(farm, job_id)["state"], shot(farm, job_id)["checkpoint"]) == ("done", None)


def test_making_room_does_not_count_as_a_try(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (order,) = farm.turn()
    for _ in range(PATIENCE.max_attempts):
        preempted(farm, order, PLACE)
        order = (farm.turn() or [again(farm)])[0]
    farm.failed(order, FailureKind.CRASHED)
    next_one = (farm.turn() or [again(farm)])[0]
    assert shot(farm, job_id)["state"] == "assigned", "it was not given up"
    assert next_one.checkpoint == PLACE, "a try that broke took nothing away"


def test_the_device_goes_to_whom_it_was_cleared_for(tmp_path: Path) -> None:
    farm = on_a_card(tmp_path)
    submit(farm, Band.BATCH)
    (first,) = farm.turn()
    farm.started(first)
    farm.turn()
    urgent = submit(farm, Band.INTERACTIVE)
    asked: list[Preempt] = []
    while not asked:
        assert farm.clock.now() < first_end(farm), "nobody was asked to make room"
        farm.heartbeat(first.attempt_id, devices=(CARD,))
        farm.turn(1.0)
        asked = [order for order in farm.orders() if isinstance(order, Preempt)]

    preempted(farm, first, PLACE)
    (sent,) = farm.turn()

    assert sent.job_id == urgent
    (said,) = (one for one in farm.sentences(urgent) if " goes to " in one)
    assert "was cleared for it" in said


def first_end(farm: FarmInHand) -> float:
    """When the first try would end, as predicted."""
    return float(farm.attempts()[0]["ends_at"])
