"""The coordinator when something is wrong with itself, with its database, or with what it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from coordinator import endings
from coordinator.app import make_database
from coordinator.core.recover import Patience
from coordinator.dispatch import Dispatcher
from coordinator.leader import LEADER_LEASE, LEASE_SECONDS, Leader
from coordinator.loop import Loop
from coordinator.reports import ReportTaker
from coordinator.scheduler import Scheduler
from coordinator.store import leases
from coordinator.store.tables import tasks
from reelyard.clock import SystemClock
from reelyard.failure import FailureKind
from reelyard.messages import Acknowledge, Goodbye, Progress
from reelyard.settings import Settings
from tests.support.farm_in_hand import FarmInHand, KeptLetters, sqlite
from tests.support.waiting import eventually

SPOKEN = {"picture": "a red circle moving left", "say": "Hello there."}
SILENT = {"picture": "a blue square moving up", "seconds": 3}


@pytest.fixture
def farm(tmp_path: Path) -> FarmInHand:
    farm = sqlite(tmp_path)
    farm.hello()
    farm.turn()
    return farm


def running(farm: FarmInHand) -> Any:
    farm.submit(SILENT)
    (order,) = farm.turn()
    farm.started(order)
    farm.turn()
    return order


def test_a_report_that_cannot_be_applied_loses_only_itself(
    farm: FarmInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        farm.submit(SILENT)
    farm.hello(worker="v")
    bad, good = farm.turn()
    whole = endings.take_finished

    def stumble(ledger: Any, reports: Any, laws: Any, begun: Any) -> Any:
        if any(report.attempt_id == bad.attempt_id for report in reports):
            raise KeyError("nobody thought of this")
        return whole(ledger, reports, laws, begun)

    monkeypatch.setattr("coordinator.reports.take_finished", stumble)
    farm.finished(bad)
    farm.finished(good)
    ids = [report["report_id"] for report in farm.reports]  # type: ignore[index]
    farm.turn()
    assert farm.tasks(bad.job_id)["s01.video1"]["state"] == "assigned"
    assert farm.tasks(good.job_id)["s01.video1"]["state"] == "done"
    acknowledged = [o.report_ids for o in farm.orders() if isinstance(o, Acknowledge)]
    assert acknowledged == [(ids[1],)]


def test_each_step_of_a_task_does_not_make_the_scheduler_think_again(
    farm: FarmInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, thoughts = running(farm), []
    whole = Scheduler.look

    def think(self: Scheduler) -> Any:
        thoughts.append(self)
        return whole(self)

    monkeypatch.setattr(Scheduler, "look", think)
    for step in range(50):
        head = {"report_id": f"p{step}", "worker_id": "w", "boot_id": "b1", "at": 0.0}
        progress = Progress(**head, attempt_id=order.attempt_id, phase="denoise", step=step)
        farm.reports.append(progress.model_dump(mode="json"))
        farm.heartbeat(order.attempt_id)
        farm.turn(seconds=0.1)
    assert 4 <= len(thoughts) <= 6  # about once a second
    assert farm.tasks(order.job_id)["s01.video1"]["step"] == 49
    thoughts.clear()
    farm.finished(order)
    farm.loop.ring()
    (film,) = farm.turn(seconds=0.1)
    assert film.task_id.endswith("film") and len(thoughts) == 1


def test_a_task_that_makes_no_sense_fails_and_the_others_run(farm: FarmInHand) -> None:
    farm.turn()
    bad, good = farm.submit(SILENT), farm.submit(SILENT)
    with farm.database.write() as connection:
        broken = update(tasks).where(tasks.c.id == f"{bad}.s01.video1")
        connection.execute(broken.values(work={"kind": "hologram"}))
    (order,) = farm.turn()
    assert order.job_id == good
    job = farm.job(bad)
    assert job["state"] == "failed" and "makes no sense" in job["failure"]


def test_a_task_that_cannot_be_put_into_a_message_fails_and_the_others_run(
    farm: FarmInHand,
) -> None:
    bad = farm.submit(SILENT)
    farm.clock.advance(1.0)
    good = farm.submit(SILENT)
    with farm.database.write() as connection:
        lost_its_need = update(tasks).where(tasks.c.id == f"{bad}.s01.video1")
        connection.execute(lost_its_need.values(continues=True))
    (order,) = farm.turn() + farm.turn()
    assert order.job_id == good
    assert farm.job(bad)["state"] == "failed"
    assert "cannot be sent" in farm.job(bad)["failure"]


def test_acknowledgements_go_out_though_the_scheduler_stumbles(
    farm: FarmInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = running(farm)

    def stumble(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(Scheduler, "look", stumble)
    farm.finished(order)
    with pytest.raises(RuntimeError):
        farm.turn()
    assert any(isinstance(order, Acknowledge) for order in farm.orders())


def test_progress_says_that_it_has_started_when_started_was_lost(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (order,) = farm.turn()
    head = {"report_id": "p", "worker_id": "w", "boot_id": "b1", "at": 0.0}
    progress = Progress(**head, attempt_id=order.attempt_id, phase="denoise", step=1, steps=20)
    for _ in range(2):  # the first says that it has begun, the next how far it is
        farm.reports.append(progress.model_dump(mode="json"))
        farm.turn()
    task = farm.tasks(job_id)["s01.video1"]
    assert (task["state"], task["step"]) == ("running", 1)
    assert farm.attempts()[0]["state"] == "running"


def test_progress_after_the_end_changes_nothing(farm: FarmInHand) -> None:
    order = running(farm)
    farm.finished(order)
    farm.turn()
    head = {"report_id": "p", "worker_id": "w", "boot_id": "b1", "at": 0.0}
    late = Progress(**head, attempt_id=order.attempt_id, phase="denoise", step=1, steps=20)
    farm.reports.append(late.model_dump(mode="json"))
    farm.turn()
    task = farm.tasks(order.job_id)["s01.video1"]
    assert (task["state"], task["step"]) == ("done", 0)


@pytest.mark.parametrize("seconds", [60.0, 3600.0, -3600.0], ids=["away", "asleep", "back"])
def test_nobody_is_blamed_for_a_silence_of_our_own(farm: FarmInHand, seconds: float) -> None:
    """The loop was away, the machine asleep, or the clock was put back."""
    order = running(farm)
    farm.clock.advance(seconds)
    farm.turn()
    assert "worker.offline" not in farm.story()
    for _ in range(10):
        farm.heartbeat(order.attempt_id)
        farm.turn(seconds=3.0)
    assert [attempt["state"] for attempt in farm.attempts()] == ["running"]


def test_who_stays_silent_after_that_is_gone(farm: FarmInHand) -> None:
    running(farm)
    farm.clock.advance(3600.0)
    farm.turn(seconds=10.0)
    assert "worker.offline" not in farm.story()
    farm.turn(seconds=10.0)
    assert "worker.offline" in farm.story()
    assert farm.attempts()[0]["state"] == "lost"


def test_a_lease_that_nobody_renews_runs_out_though_the_worker_speaks(farm: FarmInHand) -> None:
    order = running(farm)
    for _ in range(12):
        farm.heartbeat()
        farm.turn(seconds=2.0)
    first = next(a for a in farm.attempts() if a["id"] == order.attempt_id)
    assert first["state"] == "lost" and "did not speak of it" in first["failure"]


def test_an_attempt_whose_message_was_lost_is_sent_again_before_its_lease_runs_out(
    farm: FarmInHand,
) -> None:
    farm.submit(SILENT)
    (order,) = farm.turn()
    farm.heartbeat()
    (again,) = farm.turn(seconds=6.5)
    assert again == order
    for _ in range(12):
        farm.heartbeat(order.attempt_id)
        farm.turn(seconds=2.0)
    assert [attempt["state"] for attempt in farm.attempts()] == ["sent"]


def test_a_heartbeat_of_an_earlier_boot_renews_nothing(farm: FarmInHand) -> None:
    order = running(farm)
    farm.hello(boot="b2")
    farm.heartbeat(order.attempt_id, boot="b1")
    (again,) = farm.turn()
    assert again.boot_id == "b2"
    assert farm.attempts()[0]["state"] == "lost"


def test_a_goodbye_of_an_earlier_boot_sends_nobody_away(farm: FarmInHand) -> None:
    farm.hello(boot="b2")
    farm.turn()
    late = Goodbye(report_id="g", worker_id="w", boot_id="b1", at=0.0)
    farm.reports.append(late.model_dump(mode="json"))
    farm.turn()
    assert "worker.offline" not in farm.story()


def test_what_a_worker_gives_back_when_it_leaves_is_tried_elsewhere(farm: FarmInHand) -> None:
    order = running(farm)
    farm.failed(order, FailureKind.LOST, "The worker was asked to stop.")
    farm.hello(worker="v")
    (again,) = farm.turn()
    assert again.task_id == order.task_id


def test_one_that_leads_no_more_changes_nothing_though_it_does_not_know_it_yet(
    farm: FarmInHand,
) -> None:
    """It slept between its look at the lease and its tick: another has given the device away."""
    farm.turn()
    with farm.database.write() as connection:
        leases.give_back(connection, LEADER_LEASE, "test")
        now = farm.clock.now()
        assert leases.take(connection, LEADER_LEASE, "other", now, now + LEASE_SECONDS)
    job_id = farm.submit(SILENT)
    assert farm.turn() == []
    assert farm.tasks(job_id)["s01.video1"]["state"] == "waiting"
    assert len(farm.turn(seconds=LEASE_SECONDS + 1)) == 1


def test_the_loop_waits_for_its_database_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, calls = True, 0
    farm = sqlite(tmp_path)
    database, clock, carrier = make_database(Settings(state=tmp_path)), SystemClock(), KeptLetters()
    write = type(database).write

    def sometimes(self: Any) -> Any:
        nonlocal calls
        calls += 1
        if away:
            raise OperationalError("BEGIN", {}, Exception("gone"))
        return write(self)

    patience = Patience(15.0, 5.0, 4)
    loop = Loop(
        database,
        Dispatcher(database, carrier, clock),
        ReportTaker(farm.catalog, patience, 20.0),
        Leader(database, clock, "real"),
        farm.catalog,
        patience,
        clock,
        0.05,
    )
    monkeypatch.setattr(type(database), "write", sometimes)
    farm.hello()
    loop.hand_in(farm.reports.pop())
    loop.start()
    try:
        eventually(lambda: calls >= 2, 20, "it tried again")
        away = False
        eventually(lambda: "worker.online" in farm.story(), 20, "the report was not lost")
    finally:
        loop.stop()
        database.close()
