"""Many changes at once, asked of SQLite and of PostgreSQL: each is guarded as if it were alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from coordinator.core.lifecycle import AttemptEvent, TaskEvent
from coordinator.store.ledger import Ledger
from coordinator.store.tables import jobs, tasks, touched
from reelyard.failure import FailureKind
from reelyard.messages import Acknowledge, Progress, Resident, RunTask
from reelyard.task import VideoWork
from tests.support.farm_in_hand import CPU, FarmInHand

SILENT = {"picture": "a blue square moving up", "seconds": 3}
COUNT = 6


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FarmInHand]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'farm.db'}" if sqlite else request.getfixturevalue("postgres_url")
    farm = FarmInHand(url)
    held = (Resident(model="reelyard-demo", gib=1.0),)  # loads would be a few at a time
    farm.hello(*(CPU.model_copy(update={"id": f"cpu{n}", "resident": held}) for n in range(COUNT)))
    farm.turn()
    yield farm
    farm.database.close()


def all_sent(farm: FarmInHand) -> tuple[str, list[RunTask]]:
    """A job of as many shots as there are devices, all of them sent."""
    job_id = farm.submit(*[SILENT] * COUNT)
    orders = farm.turn()
    assert len(orders) == COUNT
    return job_id, orders


def states(farm: FarmInHand, job_id: str) -> list[str]:
    """Of the shots, in their order."""
    found = farm.tasks(job_id)
    return [found[role]["state"] for role in sorted(found) if role != "film"]


# Decisions.


def test_a_tick_sends_to_every_idle_device(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    assert {order.device_id for order in orders} == {f"cpu{n}" for n in range(COUNT)}
    assert states(farm, job_id) == ["assigned"] * COUNT
    assert farm.story(job_id).count("task.assigned") == COUNT
    assert farm.story(job_id).count("job.started") == 1
    for row in farm.attempts():
        assert (row["state"], row["boot_id"], row["number"]) == ("sent", "b1", 1)
        assert row["lease_until"] == pytest.approx(farm.clock.now() + 20.0)


def test_a_task_that_cannot_be_sent_fails_alone(
    farm: FarmInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coordinator import apply

    complete = apply.complete

    def stumble(work: Any, *given: Any) -> Any:
        if isinstance(work, VideoWork) and work.seed == 2:
            raise ValueError("nobody can read this")
        return complete(work, *given)

    monkeypatch.setattr(apply, "complete", stumble)
    other = farm.submit(SILENT)
    job_id = farm.submit(*({**SILENT, "seed": n} for n in (1, 2, 3)))
    orders = farm.turn()
    assert [order.job_id for order in orders].count(other) == 1
    job = farm.job(job_id)
    assert job["state"] == "failed" and "nobody can read this" in job["failure"]
    assert "running" not in states(farm, job_id) and "assigned" not in states(farm, job_id)
    assert farm.job(other)["state"] == "running"


def test_a_job_that_was_cancelled_meanwhile_is_not_sent(farm: FarmInHand) -> None:
    """Too late is no reason to hold up the others."""
    job_id, kept = farm.submit(SILENT, SILENT), farm.submit(SILENT)
    thought = farm.loop._apply

    def cancel_first(*given: Any) -> None:
        ledger = given[0]
        changes = {f"{job_id}.s0{n}.video1": {"because": "a test"} for n in (1, 2)}
        ledger.tasks(TaskEvent.CANCEL, changes)
        thought(*given)

    farm.loop._apply = cancel_first  # type: ignore[method-assign]
    assert [order.job_id for order in farm.turn()] == [kept]
    assert {row["job_id"] for row in farm.attempts()} == {kept}
    assert "task.assigned" not in farm.story(job_id)


# Reports.


def test_a_start_and_its_end_may_come_together(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    for order in orders:
        farm.finished(order)  # the wire may turn them round
        farm.started(order)
    farm.turn()
    assert states(farm, job_id) == ["done"] * COUNT
    story = farm.story(job_id)
    assert story.count("task.started") == story.count("task.done") == COUNT
    assert story.index("task.started") < story.index("task.done")
    assert {row["state"] for row in farm.attempts() if row["job_id"] == job_id} <= {"done", "sent"}
    assert all(task["started_at"] for role, task in farm.tasks(job_id).items() if role != "film")


def test_what_comes_twice_counts_once_and_is_acknowledged(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    for _ in range(2):
        for order in orders:
            farm.started(order)
            farm.finished(order)
    farm.turn()
    assert farm.story(job_id).count("task.done") == COUNT
    acknowledged = [o for o in farm.orders() if isinstance(o, Acknowledge)]
    assert sum(len(order.report_ids) for order in acknowledged) == 2 * COUNT


def test_of_several_deliveries_those_of_a_cancelled_job_come_too_late(farm: FarmInHand) -> None:
    one, two = farm.submit(SILENT), farm.submit(SILENT, SILENT)
    orders = farm.turn()
    farm.intake.cancel(one, "anna", "")
    for order in orders:
        farm.finished(order)
    farm.turn()
    assert states(farm, one) == ["cancelled"] and states(farm, two) == ["done", "done"]
    ended = {row["job_id"]: row["state"] for row in farm.attempts() if row["ended_at"]}
    assert ended == {one: "cancelled", two: "done"}


def test_a_report_that_cannot_be_applied_loses_only_itself(
    farm: FarmInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coordinator import endings

    follow_up, job_and_orders = endings.follow_up, all_sent(farm)
    job_id, orders = job_and_orders
    bad = orders[3].task_id

    def stumble(ledger: Any, job: str, task: Any, *rest: Any) -> None:
        if task.id == bad:
            raise KeyError("nobody thought of this")
        follow_up(ledger, job, task, *rest)

    monkeypatch.setattr(endings, "follow_up", stumble)
    for order in orders:
        farm.finished(order)
    farm.turn()
    assert sorted(states(farm, job_id)) == ["assigned"] + ["done"] * (COUNT - 1)
    acknowledged = [o for o in farm.orders() if isinstance(o, Acknowledge)]
    assert sum(len(order.report_ids) for order in acknowledged) == COUNT - 1
    assert farm.story(job_id).count("task.done") == COUNT - 1


def test_failures_and_deliveries_come_together(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    farm.failed(orders[0], FailureKind.CRASHED)
    for order in orders[1:]:
        farm.finished(order)
    (again,) = farm.turn()
    assert again.task_id == orders[0].task_id and again.attempt_id.endswith(".a2")
    assert sorted(states(farm, job_id)) == ["assigned"] + ["done"] * (COUNT - 1)


def test_of_many_steps_the_last_is_shown(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    farm.started(orders[0])
    for step in range(1, 5):
        for order in orders[:2]:  # the second one's "started" was lost on the way
            farm.reports.append(progress(farm, order, step))
    farm.turn()
    first, second, third, *_ = (farm.tasks(job_id)[f"s0{n}.video1"] for n in range(1, COUNT + 1))
    assert (first["state"], first["step"], first["steps"]) == ("running", 4, 9)
    assert (second["state"], third["state"]) == ("running", "assigned")
    assert farm.story(job_id).count("task.progress") == 1


def progress(farm: FarmInHand, order: RunTask, step: int) -> object:
    head = farm._head("w", "b1")
    said = Progress(**head, attempt_id=order.attempt_id, phase="denoise", step=step, steps=9)
    return said.model_dump(mode="json")


# The ledger.


def test_only_those_that_are_not_too_late_are_changed(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    late = orders[2]
    with farm.database.write() as connection:
        ledger = Ledger(connection, 1.0)
        assert ledger.task(late.task_id, TaskEvent.CANCEL)
        changes = {order.task_id: {"because": order.attempt_id} for order in orders}
        found = ledger.tasks(TaskEvent.RETRY, {**changes, "nobody": {"because": ""}})
    assert found == {order.task_id for order in orders} - {late.task_id}
    shots = {row["id"]: row for row in farm.tasks(job_id).values()}
    assert shots[late.task_id]["state"] == "cancelled"
    assert all(
        shots[order.task_id]["because"] == order.attempt_id for order in orders if order is not late
    )


def test_a_start_needs_the_present_attempt(farm: FarmInHand) -> None:
    job_id, orders = all_sent(farm)
    present = {order.task_id: order.attempt_id for order in orders}
    present[orders[0].task_id] = orders[0].attempt_id + "0"
    with farm.database.write() as connection:
        found = Ledger(connection, 1.0).start_tasks(present)
    assert {row["id"] for row in found} == {order.task_id for order in orders[1:]}
    assert states(farm, job_id) == ["assigned"] + ["running"] * (COUNT - 1)


def test_of_many_who_change_the_same_rows_each_row_has_one(farm: FarmInHand) -> None:
    _, orders = all_sent(farm)
    ids, together = [order.attempt_id for order in orders], threading.Barrier(4)

    def end(number: int) -> set[str]:
        together.wait()
        mine = ids[number:] + ids[:number]
        with farm.database.write() as connection:
            changes = {id: {"failure": str(number)} for id in mine}
            return Ledger(connection, 1.0).attempts(AttemptEvent.CANCEL, changes)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(end, range(4)))
    assert sorted(map(len, found)) == [0, 0, 0, COUNT]


def test_no_number_of_values_is_too_many_for_a_statement(farm: FarmInHand) -> None:
    _, orders = all_sent(farm)
    nobody = [f"nobody {number}" for number in range(70_000)]  # more than either takes one by one
    with farm.database.write() as connection:
        begun = Ledger(connection, 1.0).start_attempts([*nobody, *(o.attempt_id for o in orders)])
    assert {row["id"] for row in begun} == {order.attempt_id for order in orders}


def test_a_ledger_knows_what_the_scheduler_must_look_at(farm: FarmInHand) -> None:
    _, orders = all_sent(farm)
    with farm.database.write() as connection:
        ledger = Ledger(connection, 1.0)
        assert not ledger.task("nobody", TaskEvent.CANCEL)
        ledger.start_tasks({orders[2].task_id: orders[2].attempt_id})  # known since it was sent
        ledger.tasks(TaskEvent.RETRY, {orders[0].task_id: {"because": "a test"}})
        ledger.tasks(TaskEvent.RETRY, {orders[1].task_id: {"because": "a test"}})
        ledger.touch("worker", ["w"])
        expected = {("task", order.task_id) for order in orders[:2]} | {("worker", "w")}
        assert ledger.touched == expected
        before = connection.execute(select(func.count(touched.c.id))).scalar_one()
        ledger.flush_touched()
        rows = connection.execute(select(touched.c.kind, touched.c.ref).order_by(touched.c.id))
        assert {tuple(row) for row in list(rows)[before:]} == expected
        assert ledger.touched == set()


def test_a_cancelled_job_touches_all_that_it_had(farm: FarmInHand) -> None:
    from coordinator.apply import end_job
    from coordinator.core.lifecycle import JobEvent

    job_id, orders = all_sent(farm)
    with farm.database.write() as connection:
        ledger = Ledger(connection, 1.0)
        end_job(ledger, job_id, JobEvent.CANCEL, "a test")
        unfinished = {("task", order.task_id) for order in orders} | {("task", f"{job_id}.film")}
        assert ledger.touched == {("job", job_id)} | unfinished
        assert connection.execute(select(jobs.c.state)).scalar_one() == "cancelled"
        count = select(func.count(tasks.c.id)).where(tasks.c.state == "cancelled")
        assert connection.execute(count).scalar_one() == COUNT + 1
