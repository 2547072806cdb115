"""What the database promises the coordinator, asked of SQLite and of a real PostgreSQL server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from coordinator.core.lifecycle import AttemptEvent, JobEvent, TaskEvent
from coordinator.leader import LEASE_SECONDS, Leader
from coordinator.reports import ReportTaker
from coordinator.store import leases, lessons
from coordinator.store.database import Database
from coordinator.store.farm import read_devices
from coordinator.store.ledger import Ledger
from coordinator.store.tables import attempts, edges, events, jobs, outbox, tasks
from coordinator.store.view_events import Story
from coordinator.store.view_farm import FarmViews
from reelyard.catalog import load_catalog
from reelyard.clock import ManualClock
from reelyard.errors import Conflict
from reelyard.failure import FailureKind
from reelyard.messages import Acknowledge, CancelAttempt, Measured, RunTask
from reelyard.predict.lessons import Key, Lesson, Seen, learn
from reelyard.storyboard import Storyboard
from reelyard.task import ComposeWork, VideoWork
from tests.support.farm_in_hand import CPU, PATIENCE, FarmInHand

SPOKEN = {"picture": "a red circle moving left", "say": "Hello there."}
SILENT = {"picture": "a blue square moving up", "seconds": 3}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'farm.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def farm(url: str) -> Iterator[FarmInHand]:
    farm = FarmInHand(url)
    farm.hello()
    farm.turn()
    yield farm
    farm.database.close()


def count(farm: FarmInHand, column: Any) -> int:
    with farm.database.read() as connection:
        return int(connection.execute(select(func.count(column))).scalar_one())


def first_of(farm: FarmInHand, *scenes: dict[str, Any]) -> tuple[str, RunTask]:
    """A job, and its first task, which runs."""
    job_id = farm.submit(*(scenes or (SILENT,)))
    (order,) = farm.turn()
    farm.started(order)
    farm.turn()
    return job_id, order


def board(*scenes: dict[str, Any]) -> Storyboard:
    return Storyboard.model_validate({"scenes": scenes or (SILENT,)})


# Jobs come in once.


def test_a_job_comes_in_whole(farm: FarmInHand) -> None:
    job_id = farm.submit(SPOKEN, SILENT)
    found = farm.tasks(job_id)
    assert sorted(found) == ["film", "s01.video1", "s01.voice", "s02.video1"]
    assert {task["state"] for task in found.values()} == {"waiting"}
    assert count(farm, edges.c.task_id) == 1 + 3
    assert farm.story(job_id) == ["job.submitted"]
    assert farm.job(job_id)["storyboard"]["scenes"][1]["seconds"] == 3


def test_a_job_that_cannot_be_stored_leaves_nothing(
    farm: FarmInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr("coordinator.intake.Ledger.tell", break_off)
    with pytest.raises(RuntimeError):
        farm.submit(SILENT)
    assert count(farm, jobs.c.id) == count(farm, tasks.c.id) == 0


def test_many_who_submit_under_one_key_at_once_get_one_job(farm: FarmInHand) -> None:
    together = threading.Barrier(8)

    def submit(_: int) -> tuple[str, bool]:
        together.wait()
        return farm.intake.submit(board(), "anna", "key", "source")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(submit, range(8)))
    assert len({job_id for job_id, _ in answers}) == 1
    assert [created for _, created in answers].count(True) == 1
    assert count(farm, jobs.c.id) == 1 and count(farm, tasks.c.id) == 2


def test_a_key_belongs_to_its_owner_and_its_body(farm: FarmInHand) -> None:
    one, _ = farm.intake.submit(board(), "anna", "key", "source")
    two, _ = farm.intake.submit(board(), "bert", "key", "source")
    assert one != two
    with pytest.raises(Conflict, match="another storyboard"):
        farm.intake.submit(board(), "anna", "key", "another source")
    with pytest.raises(Conflict):
        farm.intake.submit(board(), "anna", "key", "source", priority=80)


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_each_submission_is_a_job(farm: FarmInHand, key: str | None) -> None:
    made = {farm.intake.submit(board(), "anna", key, "source")[0] for _ in range(2)}
    assert len(made) == 2


def test_a_task_needs_its_job_and_leaves_with_it(farm: FarmInHand) -> None:
    job_id, order = first_of(farm, SPOKEN)
    with farm.database.write() as connection, pytest.raises(IntegrityError):
        with connection.begin_nested():
            connection.execute(edges.insert().values(task_id=order.task_id, needs="nobody"))
        raise AssertionError("the edge to nobody was stored")
    with farm.database.write() as connection:
        connection.execute(delete(jobs).where(jobs.c.id == job_id))
    for column in (tasks.c.id, edges.c.task_id, attempts.c.id):
        assert count(farm, column) == 0


# Every change is guarded.


def test_a_delivery_after_a_cancel_changes_nothing(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.intake.cancel(job_id, "anna", "")
    farm.finished(order)
    farm.turn()
    assert farm.job(job_id)["state"] == "cancelled"
    assert {task["state"] for task in farm.tasks(job_id).values()} == {"cancelled"}
    assert [attempt["state"] for attempt in farm.attempts()] == ["cancelled"]
    assert "task.done" not in farm.story(job_id)


def test_a_failure_after_a_cancel_changes_nothing(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.intake.cancel(job_id, "anna", "")
    farm.failed(order, FailureKind.CRASHED)
    assert farm.turn() == []
    assert farm.job(job_id)["state"] == "cancelled"
    assert farm.attempts()[0]["failure_kind"] is None


def test_of_two_deliveries_the_first_counts(farm: FarmInHand) -> None:
    job_id, order = first_of(farm, SPOKEN)
    farm.finished(order, seconds=2.0)
    farm.finished(order, seconds=9.0)
    farm.turn()
    assert farm.tasks(job_id)["s01.voice"]["result"]["natural_seconds"] == 2.0
    assert farm.story(job_id).count("task.done") == 1


def test_a_lost_attempt_that_delivers_is_adopted(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.turn(seconds=16.0)
    assert farm.attempts()[0]["state"] == "lost"
    farm.finished(order)
    farm.turn()
    assert farm.tasks(job_id)["s01.video1"]["state"] == "done"
    assert farm.attempts()[0]["state"] == "done"


def test_a_lost_attempt_that_delivers_stops_the_one_after_it(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.hello(worker="v")
    (second,) = farm.turn(seconds=16.0)
    farm.started(second, worker="v")
    farm.turn()
    farm.finished(order)
    farm.turn()
    stops = [o for o in farm.orders() if isinstance(o, CancelAttempt)]
    assert [stop.attempt_id for stop in stops] == [second.attempt_id]
    farm.finished(second, worker="v")  # it was too far on to stop
    farm.turn()
    assert farm.story(job_id).count("task.done") == 1
    tried = [a for a in farm.attempts() if a["task_id"] == order.task_id]
    assert {a["number"]: a["state"] for a in tried} == {1: "done", 2: "cancelled"}


def test_what_was_lost_cannot_fail_the_task_that_is_tried_again(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.hello(worker="v")
    (second,) = farm.turn(seconds=16.0)
    farm.failed(order, FailureKind.BAD_INPUT)
    farm.turn()
    assert farm.job(job_id)["state"] == "running"
    assert farm.tasks(job_id)["s01.video1"]["attempt_id"] == second.attempt_id


def test_a_change_in_the_wrong_state_is_refused(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    with farm.database.write() as connection:
        ledger = Ledger(connection, farm.clock.now())
        assert not ledger.task(order.task_id, TaskEvent.ASSIGN)
        assert not ledger.task(order.task_id, TaskEvent.RETRY, "another attempt")
        assert not ledger.attempt(order.attempt_id, AttemptEvent.START)
        assert not ledger.attempt("nobody", AttemptEvent.FINISH)
        assert not ledger.job(job_id, JobEvent.START)


def test_a_task_is_assigned_once_however_many_try(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    together, task_id = threading.Barrier(6), f"{job_id}.s01.video1"

    def assign(_: int) -> bool:
        together.wait()
        with farm.database.write() as connection:
            return Ledger(connection, 0.0).task(task_id, TaskEvent.ASSIGN)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(assign, range(6))).count(True) == 1


# Messages leave with the transaction that wants them, or not at all.


def test_what_is_rolled_back_sends_nothing(farm: FarmInHand) -> None:
    def cancel_and_break_off(connection: Connection) -> None:
        ledger = Ledger(connection, farm.clock.now())
        ledger.post("control.w", "reelyard.control", {"type": "introduce"})
        ledger.tell("worker.online", "Somebody came.")
        raise RuntimeError("the power went")

    before = count(farm, events.c.seq)
    with pytest.raises(RuntimeError), farm.database.write() as connection:
        cancel_and_break_off(connection)
    farm.turn()
    assert farm.orders() == [] and count(farm, events.c.seq) == before


def test_letters_wait_for_the_broker_in_order(farm: FarmInHand) -> None:
    farm.carrier.away = True
    with farm.database.write() as connection:
        for number in range(1200):
            Ledger(connection, 0.0).post("q", "t", {"number": number})
    farm.turn()
    farm.carrier.away = False
    farm.turn()
    sent = [payload["number"] for _, queue, payload in farm.carrier.letters if queue == "q"]
    assert sent == list(range(1200))
    farm.turn()
    assert farm.carrier.letters == []


def test_sent_letters_are_forgotten_but_for_those_of_attempts_that_nobody_started(
    farm: FarmInHand,
) -> None:
    farm.submit(SILENT)
    (order,) = farm.turn()
    with farm.database.write() as connection:
        Ledger(connection, 0.0).post("q", "t", {})
    for _ in range(8):
        farm.heartbeat(order.attempt_id)
        farm.clock.advance(50.0)
        farm.turn()
    with farm.database.read() as connection:
        kept = list(connection.execute(select(outbox.c.attempt_id)).scalars())
    assert kept == [order.attempt_id]


def test_an_attempt_that_nobody_started_is_sent_again_the_same(farm: FarmInHand) -> None:
    farm.submit(SILENT)
    (order,) = farm.turn()
    again = []
    for _ in range(3):
        farm.heartbeat()
        again += farm.turn(seconds=6.0)
    assert again == [order, order, order]
    assert len(farm.attempts()) == 1


# What comes over the wire may be anything.


def test_text_that_no_database_takes_is_stored_all_the_same(farm: FarmInHand) -> None:
    """A traceback may quote half a file name, or a zero byte."""
    _, order = first_of(farm)
    farm.failed(order, FailureKind.UNKNOWN, "It broke at 'a\0b' in 'caf\udce9'.")
    farm.turn()
    assert any(isinstance(o, Acknowledge) for o in farm.orders())
    assert farm.attempts()[0]["failure"].startswith("It broke at 'a\N{REPLACEMENT CHARACTER}b'")


def test_a_report_that_the_database_refuses_loses_only_itself(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.hello(worker="v", node="n\0" + "x" * 1000)
    farm.finished(order)
    farm.turn()
    assert farm.tasks(job_id)["s01.video1"]["state"] == "done"


def test_a_worker_s_devices_are_those_that_it_last_named(farm: FarmInHand) -> None:
    gpus = [CPU.model_copy(update={"id": f"cuda:{n}", "kind": "cuda"}) for n in range(2)]
    farm.heartbeat(devices=(CPU, *gpus))
    farm.turn()
    farm.heartbeat(devices=(gpus[1].model_copy(update={"free_gib": 1.5}), CPU))
    farm.turn()
    (worker,) = FarmViews(farm.database).workers().data
    assert [(d.id, d.free_gib) for d in worker.devices] == [("cpu", 15.0), ("cuda:1", 1.5)]


def test_two_coordinators_take_the_same_worker_s_reports_at_once(
    farm: FarmInHand, url: str
) -> None:
    """With a server there may be several; each reads from the same queue."""
    others = [Database(url) for _ in range(2)]
    together = threading.Barrier(2)
    farm.heartbeat(devices=(CPU, CPU.model_copy(update={"id": "cuda:0", "kind": "cuda"})))
    payload = farm.reports.pop()

    def take(database: Database) -> list[str]:
        taker = ReportTaker(farm.catalog, PATIENCE, 20.0)
        problems: list[str] = []
        for _ in range(40):
            together.wait()
            with database.write() as connection:
                problems += taker.take(Ledger(connection, farm.clock.now()), [payload])
        return problems

    with ThreadPoolExecutor(2) as pool:
        assert [p for problems in pool.map(take, others) for p in problems] == []
    for database in others:
        database.close()


# The database may go away.


def test_a_commit_to_sqlite_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'farm.db'}")
    with database.write() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    assert (synchronous, journal) == (2, "wal")  # 2: FULL
    database.close()


def test_a_turn_that_the_database_breaks_off_is_done_again(farm: FarmInHand, url: str) -> None:
    """Whatever the statement: the reports stay in hand, and nothing is done by halves."""
    job_id, order = first_of(farm)
    farm.finished(order)
    (report,) = farm.reports
    farm.reports.clear()
    for at in range(1, 60):
        breaker = BreakOff(at, order.attempt_id)
        event.listen(farm.database.engine, "before_cursor_execute", breaker)
        reports = [report]
        with suppress(OperationalError):
            farm.loop.turn(reports)
        event.remove(farm.database.engine, "before_cursor_execute", breaker)
        stored = farm.tasks(job_id)["s01.video1"]["state"]
        assert (stored == "done") == (reports == []), f"broken off at statement {at}"
        if breaker.seen < at:
            break
    assert at > 5 and farm.story(job_id).count("task.done") == 1


class BreakOff:
    """The connection is lost at the n-th statement."""

    def __init__(self, at: int, attempt_id: str) -> None:
        self.at, self.seen = at, 0

    def __call__(self, _c: object, _k: object, statement: str, *_: object) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise OperationalError(statement, {}, Exception("the server closed the connection"))


# Scenes of free length unfold.


def test_a_long_line_becomes_several_shots_in_one_transaction(farm: FarmInHand) -> None:
    job_id, voice = first_of(farm, SPOKEN, {**SILENT, "continue": True})
    farm.finished(voice, seconds=20.0)
    (shot,) = farm.turn()
    found = farm.tasks(job_id)
    longest = farm.catalog.models["reelyard-demo"].longest_clip
    shots = [role for role in found if role.startswith("s01.video")]
    assert len(shots) > 1
    assert all(found[role]["work"]["frames"] <= longest for role in shots)
    assert {f"{job_id}.{role}" for role in shots} <= needs(farm, f"{job_id}.film")
    assert {f"{job_id}.{role}" for role in shots} <= needs(farm, f"{job_id}.s02.video1")
    farm.finished(shot)
    farm.run_all()
    assert farm.job(job_id)["state"] == "done"


def needs(farm: FarmInHand, task_id: str) -> set[str]:
    with farm.database.read() as connection:
        query = select(edges.c.needs).where(edges.c.task_id == task_id)
        return set(connection.execute(query).scalars())


# Nobody sees half of what another writes.


def test_a_job_that_comes_in_during_a_tick_is_seen_whole_or_not_at_all(
    farm: FarmInHand, url: str
) -> None:
    """Else its film would be sent before there is anything to put into it."""
    other, came = Database(url), []

    def come_in(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not came and "FROM touched" in statement:
            came.append(submit_to(other, farm, SPOKEN))

    farm.hello(*(CPU.model_copy(update={"id": f"cpu{n}"}) for n in range(4)))
    farm.turn()
    event.listen(farm.database.engine, "after_cursor_execute", come_in)
    sent = farm.turn() + farm.turn()
    event.remove(farm.database.engine, "after_cursor_execute", come_in)
    other.close()
    assert came
    assert [order.task_id for order in sent] == [f"{came[0]}.s01.voice"]
    for order in sent:
        assert not isinstance(order.work, ComposeWork)
        assert not (isinstance(order.work, VideoWork) and order.work.frames is None)


def submit_to(database: Database, farm: FarmInHand, *scenes: dict[str, Any]) -> str:
    from coordinator.intake import Intake

    intake = Intake(database, farm.catalog, farm.clock, lambda: None, "libx264")
    return intake.submit(board(*scenes), "bert", None, "source")[0]


# What runs teach.

KEY = Key("reelyard-demo", "fp32", "cpu")


def lesson_of(farm: FarmInHand, key: Key = KEY) -> Lesson | None:
    with farm.database.read() as connection:
        return lessons.read_lessons(connection).of(key)


def test_runs_of_one_key_add_up_in_one_row(farm: FarmInHand) -> None:
    expected = Lesson(KEY)
    for ratio in (1.2, 0.9, 1.5):
        with farm.database.write() as connection:
            assert lessons.teach(connection, KEY, Seen(memory=ratio), 1.0)
        expected = learn(expected, Seen(memory=ratio))
    found = lesson_of(farm)
    assert found is not None and found.runs == 3 and found.most_memory == 1.5
    assert found.memory == pytest.approx(expected.memory)
    with farm.database.read() as connection:
        assert len(lessons.read_all(connection)) == 1


def test_no_run_is_lost_when_several_coordinators_learn_at_once(farm: FarmInHand, url: str) -> None:
    others = [Database(url) for _ in range(4)]
    together = threading.Barrier(4)

    def teach(database: Database) -> list[bool]:
        done = []
        for _ in range(10):
            together.wait()
            with database.write() as connection:
                done.append(lessons.teach(connection, KEY, Seen(seconds=2.0), 1.0))
        return done

    with ThreadPoolExecutor(4) as pool:
        assert all(all(done) for done in pool.map(teach, others))
    found = lesson_of(farm)
    assert found is not None and found.timed == 40 and found.seconds == pytest.approx(2.0)
    for database in others:
        database.close()


def test_what_is_rolled_back_was_not_learned(farm: FarmInHand) -> None:
    def teach_and_break_off(connection: Connection) -> None:
        lessons.teach(connection, KEY, Seen(memory=1.2), 1.0)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError), farm.database.write() as connection:
        teach_and_break_off(connection)
    assert lesson_of(farm) is None


@pytest.mark.parametrize(("theirs", "taken"), [(2, False), (3, False), (4, True)])
def test_of_two_lessons_the_one_with_more_runs_stays(
    farm: FarmInHand, theirs: int, taken: bool
) -> None:
    own, given = Lesson(KEY, runs=3, memory=1.1), Lesson(KEY, runs=theirs, memory=1.4)
    new = Lesson(Key("other", "fp32", "cpu"), runs=1)
    with farm.database.write() as connection:
        assert lessons.take_over(connection, [own], 1.0) == 1
        assert lessons.take_over(connection, [given, new], 2.0) == 1 + taken
    found = lesson_of(farm)
    assert found == (given if taken else own)
    assert lesson_of(farm, new.key) == new


def test_a_finished_shot_teaches_and_the_next_is_predicted_by_it(farm: FarmInHand) -> None:
    _, order = first_of(farm)
    (tried,) = farm.attempts()
    assert tried["device_type"] == "cpu" and tried["predicted_seconds"] > 0
    assert 0 < tried["predicted_peak_gib"] < tried["predicted_gib"] == order.predicted_gib
    took, peak = tried["predicted_seconds"] * 3, tried["predicted_peak_gib"] * 1.1
    farm.finished(order, measured=Measured(run_seconds=took, peak_gib=peak))
    (film,) = farm.turn()
    found = lesson_of(farm, Key("reelyard-demo", order.plan.sentence(), "cpu"))
    assert found is not None and (found.runs, found.timed) == (1, 1)
    assert found.seconds == pytest.approx(3)
    assert found.memory == found.most_memory == pytest.approx(1.1)
    farm.finished(film)
    farm.turn(1.1)  # what was learned is asked once a second
    first_of(farm)
    again = farm.attempts()[-1]
    assert again["predicted_seconds"] > tried["predicted_seconds"] * 1.3
    assert again["predicted_peak_gib"] > tried["predicted_peak_gib"]


def test_the_lesson_is_about_the_plan_that_ran(farm: FarmInHand) -> None:
    _, order = first_of(farm)
    ran = order.plan.model_copy(update={"vae_tiling": not order.plan.vae_tiling})
    farm.finished(order, measured=Measured(run_seconds=9.0, peak_gib=1.0, plan=ran))
    farm.turn()
    assert lesson_of(farm, Key("reelyard-demo", order.plan.sentence(), "cpu")) is None
    assert lesson_of(farm, Key("reelyard-demo", ran.sentence(), "cpu")) is not None


def test_running_out_of_memory_raises_the_bound_of_that_plan(farm: FarmInHand) -> None:
    _, order = first_of(farm)
    farm.failed(order, FailureKind.OUT_OF_MEMORY, measured=Measured(plan=order.plan))
    farm.turn()
    found = lesson_of(farm, Key("reelyard-demo", order.plan.sentence(), "cpu"))
    assert found is not None and found.failures == 1 and found.runs == 0
    first, again = farm.attempts()
    assert again["predicted_gib"] > first["predicted_gib"] * 1.1


def test_what_cannot_be_true_is_told_of_and_not_learned(farm: FarmInHand) -> None:
    job_id, order = first_of(farm)
    farm.finished(order, measured=Measured(run_seconds=1e7))
    farm.turn()
    assert lesson_of(farm, Key("reelyard-demo", order.plan.sentence(), "cpu")) is None
    assert "prediction.odd" in farm.story(job_id)
    assert any("Not learned from reelyard-demo" in said for said in farm.sentences(job_id))


def test_a_voice_teaches_nothing(farm: FarmInHand) -> None:
    _, order = first_of(farm, SPOKEN)
    farm.finished(order, measured=Measured(run_seconds=1.0, peak_gib=1.0))
    farm.turn()
    with farm.database.read() as connection:
        assert lessons.read_all(connection) == []


def test_a_delivery_that_came_too_late_teaches_nothing(farm: FarmInHand) -> None:
    _, order = first_of(farm)
    plan = Key("reelyard-demo", order.plan.sentence(), "cpu")
    for _ in range(3):
        farm.finished(order, measured=Measured(run_seconds=5.0, peak_gib=1.0))
    farm.turn()
    found = lesson_of(farm, plan)
    assert found is not None and found.runs == 1


def test_devices_are_read_with_their_type_and_their_node(farm: FarmInHand) -> None:
    card = CPU.model_copy(update={"id": "cuda:0", "kind": "cuda", "memory_gib": 23.5})
    named = card.model_copy(update={"name": "NVIDIA GeForce RTX 4090"})
    strange = card.model_copy(update={"id": "cuda:1", "name": "Voodoo 2"})
    said = strange.model_copy(update={"id": "cuda:2", "type": "l40s"})
    farm.hello(CPU, named, strange, said, ram_gib=48.0, read_gb_s=2.5)
    farm.turn()
    with farm.database.read() as connection:
        found = {d.id: d for d in read_devices(connection, farm.catalog)}
    types = {name: device.catalog_type for name, device in found.items()}
    assert types == {"cpu": "cpu", "cuda:0": "rtx-4090", "cuda:1": "", "cuda:2": "l40s"}
    assert {(device.ram_gib, device.read_gb_s) for device in found.values()} == {(48.0, 2.5)}


# One leads.


def test_a_lease_is_held_by_one_until_its_time(farm: FarmInHand) -> None:
    def take(holder: str, now: float) -> bool:
        with farm.database.write() as connection:
            return leases.take(connection, "door", holder, now, now + 10)

    assert take("a", 100.0) and not take("b", 105.0)
    assert take("a", 108.0) and not take("b", 117.0)
    assert take("b", 119.0) and not take("a", 120.0)
    with farm.database.write() as connection:
        leases.give_back(connection, "door", "b")
    assert take("a", 120.5)


def test_of_many_who_want_to_lead_one_does(url: str, farm: FarmInHand) -> None:
    clock, together = ManualClock(), threading.Barrier(4)
    farm.turn()
    with farm.database.write() as connection:
        leases.give_back(connection, "leader", "test")
    databases = [Database(url) for _ in range(4)]
    candidates = [Leader(db, clock, f"c{n}") for n, db in enumerate(databases)]

    def ask(leader: Leader) -> bool:
        together.wait()
        return leader.leads()

    with ThreadPoolExecutor(4) as pool:
        first = list(pool.map(ask, candidates))
        assert first.count(True) == 1
        clock.advance(LEASE_SECONDS / 2)
        assert list(pool.map(ask, candidates)) == first
        candidates[first.index(True)].resign()
        others = [c for c, led in zip(candidates, first, strict=True) if not led]
        together = threading.Barrier(3)
        assert list(pool.map(ask, others)).count(True) == 1
    for database in databases:
        database.close()


# The story, and figures out of stored JSON.


def test_the_story_is_in_order_and_can_be_read_in_pages(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    farm.run_all()
    story = Story(farm.database)
    page = story.page(job_id, 0, 3)
    rest = story.page(job_id, page.data[-1].seq, 500)
    numbers = [event.seq for event in (*page.data, *rest.data)]
    assert page.has_more and not rest.has_more
    assert numbers == sorted(set(numbers))
    assert [event.type for event in (*page.data, *rest.data)] == farm.story(job_id)


def test_numbers_of_events_are_never_given_twice(farm: FarmInHand) -> None:
    """A listener that has seen number 5 must not take a later event for it."""
    last = Story(farm.database).last()
    with pytest.raises(RuntimeError), farm.database.write() as connection:
        Ledger(connection, 0.0).tell("worker.online", "Somebody came.")
        raise RuntimeError("the power went")
    with farm.database.write() as connection:
        connection.execute(delete(events))
        Ledger(connection, 0.0).tell("worker.online", "Somebody else came.")
    assert Story(farm.database).last() > last


def test_figures_are_read_out_of_stored_results(farm: FarmInHand) -> None:
    farm.submit(SPOKEN, SILENT)
    farm.run_all()
    overview = FarmViews(farm.database).overview(farm.clock.now(), 60)
    assert sum(point.tasks for point in overview.throughput) == 4
    seconds = sum(point.video_seconds for point in overview.throughput)
    fps = farm.catalog.models["reelyard-demo"].fps
    least = 2.0 + 3.0
    assert least <= seconds <= least + 2 * 4 / fps
    assert sum(point.voice_seconds for point in overview.throughput) == pytest.approx(2.0)
    assert overview.films_today == 1


@pytest.mark.parametrize(
    "look",
    [
        lambda farm: farm.story(),
        lambda farm: FarmViews(farm.database).models(load_catalog()),
        lambda farm: FarmViews(farm.database).workers(),
    ],
)
def test_looking_writes_nothing(farm: FarmInHand, look: Callable[[FarmInHand], object]) -> None:
    first_of(farm)
    written: list[str] = []
    event.listen(
        farm.database.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, *_: written.append(statement.split()[0].upper()),
    )
    look(farm)
    assert written and not {"INSERT", "UPDATE", "DELETE"} & set(written)
