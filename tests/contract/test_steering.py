"""What people change about a job's turn, in SQLite and in a real PostgreSQL server: guarded, told,
noticed by the scheduler; and the queue that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coordinator.intake import Intake
from coordinator.steering import Steering
from coordinator.store.tables import events, touched
from coordinator.store.view_queue import Queue
from reelyard.errors import Conflict, InvalidInput
from reelyard.states import Band
from reelyard.storyboard import Storyboard
from reelyard.terms import USUAL, Terms
from tests.support.farm_in_hand import FarmInHand

SILENT = {"picture": "a blue square moving up", "seconds": 3}
SPOKEN = {"picture": "a red circle moving left", "say": "Hello there."}
BOARD = Storyboard.model_validate({"scenes": [SILENT]})
HOUR = 3600.0


on_both = pytest.mark.parametrize(
    "farm", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
"""For what each database does its own way: order, counts, locks, JSON."""


@pytest.fixture
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FarmInHand]:
    file = f"sqlite:///{tmp_path / 'farm.db'}"
    is_file = getattr(request, "param", "sqlite") == "sqlite"
    farm = FarmInHand(file if is_file else str(request.getfixturevalue("postgres_url")))
    yield farm
    farm.database.close()


class Hands:
    """A farm with everything that people may change of it."""

    def __init__(self, farm: FarmInHand) -> None:
        self.farm, self.rung = farm, 0
        self.steering = Steering(farm.database, farm.clock, self._ring)
        self.queue = Queue(farm.database)

    def submit(self, owner: str = "anna", priority: int = 50, **terms: Any) -> str:
        self.farm.clock.advance(1.0)
        return self.farm.intake.submit(
            BOARD, owner, None, "source", priority, terms=Terms(**terms)
        )[0]

    def line(self) -> list[str]:
        """Ids of the jobs that take their turn, in order."""
        found = self.queue.list(self.farm.clock.now(), 100).data
        return [job.id for job in found if job.position is not None]

    def place(self, job_id: str) -> int:
        return self.queue.position(job_id, self.farm.clock.now())

    def last_event(self, job_id: str) -> dict[str, Any]:
        query = select(events).where(events.c.job_id == job_id).order_by(events.c.seq.desc())
        with self.farm.database.read() as connection:
            return dict(connection.execute(query.limit(1)).mappings().one())

    def touched(self) -> list[tuple[str, str]]:
        query = select(touched.c.kind, touched.c.ref).order_by(touched.c.id)
        with self.farm.database.read() as connection:
            return [(row.kind, row.ref) for row in connection.execute(query)]

    def _ring(self) -> None:
        self.rung += 1


@pytest.fixture
def hands(farm: FarmInHand) -> Hands:
    return Hands(farm)


@on_both
def test_what_was_asked_is_stored_and_told(hands: Hands) -> None:
    now = hands.farm.clock.now()
    terms = {"band": Band.BATCH, "deadline": now + 9 * HOUR, "start_after": now + HOUR}
    job_id = hands.submit(**terms, hold="", pools=("night",), tags=("big", "fast"))
    job = hands.farm.job(job_id)
    assert {name: job[name] for name in terms} == terms
    assert (job["held_because"], job["rank"]) == ("by anna", 0.0)
    assert (job["pools"], job["tags"]) == (["night"], ["big", "fast"])
    sentence = hands.last_event(job_id)["sentence"]
    assert "batch, due by 2027-01-15" in sentence and sentence.endswith("held: by anna.")


def test_terms_that_cannot_be_kept_leave_nothing(hands: Hands) -> None:
    with pytest.raises(InvalidInput, match=r"deadline: is over"):
        hands.submit(deadline=1.0)
    assert hands.queue.list(hands.farm.clock.now(), 9).data == []


def test_a_key_stands_for_the_work_not_for_its_times(hands: Hands) -> None:
    def submit(terms: Terms) -> str:
        return hands.farm.intake.submit(BOARD, "anna", "k", "source", terms=terms)[0]

    later = hands.farm.clock.now() + HOUR
    first = submit(USUAL)
    assert submit(Terms(deadline=later, start_after=later - 1, hold="x")) == first
    for other in (Terms(band=Band.BATCH), Terms(pools=("a",)), Terms(tags=("a",))):
        with pytest.raises(Conflict, match="was used for another"):
            submit(other)


def test_held_it_takes_no_turn_until_it_is_released(hands: Hands) -> None:
    job_id = hands.submit()
    hands.steering.hold(job_id, "ben", "the client looks first")
    hands.farm.hello()
    assert hands.farm.turn() == [] and hands.place(job_id) == 0
    task = hands.farm.tasks(job_id)["s01.video1"]
    assert task["because"] == "its job is held: the client looks first"
    event = hands.last_event(job_id)
    assert (event["type"], event["sentence"]) == (
        "job.held",
        "Held by ben: the client looks first.",
    )
    assert event["data"] == {"who": "ben", "because": "the client looks first"}
    hands.steering.release(job_id, "anna", "")
    assert hands.last_event(job_id)["sentence"] == "Released by anna."
    assert len(hands.farm.turn()) == 1
    with pytest.raises(Conflict, match="is not held"):
        hands.steering.release(job_id, "anna", "")


def test_held_again_it_has_another_reason(hands: Hands) -> None:
    job_id = hands.submit(hold="one")
    hands.steering.hold(job_id, "ben", "two")
    hands.steering.hold(job_id, "ben", "two")
    assert hands.farm.job(job_id)["held_because"] == "two"
    assert hands.farm.story(job_id) == ["job.submitted", "job.held"]


def test_it_starts_when_its_time_has_come(hands: Hands) -> None:
    job_id = hands.submit(start_after=hands.farm.clock.now() + 61.0)
    hands.farm.hello()
    assert hands.farm.turn() == []
    assert "starts at " in hands.farm.tasks(job_id)["s01.video1"]["because"]
    hands.farm.clock.advance(60.0)
    hands.farm.heartbeat()
    assert len(hands.farm.turn()) == 1


@on_both
def test_paused_what_runs_is_finished_and_nothing_new_is_started(hands: Hands) -> None:
    job_id = hands.farm.submit(SILENT, SILENT)
    hands.farm.hello()
    (order,) = hands.farm.turn()
    hands.steering.pause(job_id, "anna", "lunch")
    with pytest.raises(Conflict, match="paused already"):
        hands.steering.pause(job_id, "anna", "")
    hands.farm.started(order)
    hands.farm.finished(order)
    assert hands.farm.turn() == []
    states = sorted(task["state"] for task in hands.farm.tasks(job_id).values())
    assert states == ["done", "waiting", "waiting"]
    started_at = hands.farm.job(job_id)["started_at"]
    hands.steering.resume(job_id, "anna", "")
    assert hands.farm.job(job_id)["started_at"] == started_at
    assert len(hands.farm.turn()) == 1
    assert "Paused by anna: lunch." in hands.farm.sentences(job_id)
    with pytest.raises(Conflict, match="it is running"):
        hands.steering.resume(job_id, "anna", "")


def test_paused_before_anything_of_it_ran_it_starts_when_it_is_resumed(hands: Hands) -> None:
    job_id = hands.submit()
    hands.steering.pause(job_id, "anna", "")
    hands.steering.resume(job_id, "anna", "")
    job = hands.farm.job(job_id)
    assert (job["state"], job["started_at"]) == ("running", hands.farm.clock.now())


@on_both
def test_in_front_of_its_band_and_behind_it(hands: Hands) -> None:
    one, two, three = (hands.submit() for _ in range(3))
    urgent = hands.submit(band=Band.INTERACTIVE)
    assert hands.line() == [urgent, one, two, three]
    hands.steering.jump(three, "ben", "the show is tonight")
    hands.steering.jump(two, "ben", "")
    assert hands.line() == [urgent, two, three, one]
    hands.steering.put_behind(two, "ben", "")
    newer = hands.submit()
    assert hands.line() == [urgent, three, one, newer, two]
    assert [hands.place(job_id) for job_id in hands.line()] == [1, 2, 3, 4, 5]
    said = hands.farm.sentences(three)
    assert said[-1] == "Put in front of the normal band by ben: the show is tonight."


def test_who_is_in_front_already_stays(hands: Hands) -> None:
    alone = hands.submit()
    for _ in range(2):
        hands.steering.jump(alone, "ben", "")
    hands.submit()
    for _ in range(2):
        hands.steering.jump(alone, "ben", "")
    assert hands.farm.job(alone)["rank"] == -1.0
    assert hands.farm.story(alone) == ["job.submitted", "job.moved"]


@on_both
def test_a_change_is_told_with_what_was(hands: Hands) -> None:
    job_id = hands.submit()
    hands.steering.jump(job_id, "x", "")
    asked = {"priority": 80, "band": "batch", "pools": ["night"], "tags": []}
    hands.steering.change(job_id, "ben", asked)
    job = hands.farm.job(job_id)
    assert (job["priority"], job["band"], job["pools"]) == (80, "batch", ["night"])
    event = hands.last_event(job_id)
    assert event["type"] == "job.changed"
    assert event["sentence"] == (
        "Priority 80 (was 50), band batch (was normal), pools night (was any); changed by ben."
    )
    assert event["data"]["was"] == {"priority": 50, "band": "normal", "pools": []}
    hands.steering.change(job_id, "ben", asked)
    assert hands.farm.story(job_id) == ["job.submitted", "job.changed"]


def test_another_band_ends_a_jump(hands: Hands) -> None:
    hands.submit()
    job_id = hands.submit()
    hands.steering.jump(job_id, "ben", "")
    hands.steering.change(job_id, "ben", {"band": "batch"})
    assert hands.farm.job(job_id)["rank"] == 0.0


def test_a_change_that_cannot_be_leaves_it_as_it_was(hands: Hands) -> None:
    job_id = hands.submit()
    before = hands.touched()
    with pytest.raises(InvalidInput) as refused:
        hands.steering.change(job_id, "ben", {"deadline": 1.0, "tags": ["a b"], "priority": 9})
    assert [p.field for p in refused.value.problems] == ["deadline", "tags[0]"]
    assert hands.farm.job(job_id)["priority"] == 50 and hands.touched() == before


@on_both
def test_nothing_is_changed_of_a_job_that_is_over(hands: Hands) -> None:
    job_id = hands.submit()
    hands.farm.intake.cancel(job_id, "anna", "")
    steering = hands.steering
    for steer in (
        steering.hold,
        steering.release,
        steering.pause,
        steering.resume,
        steering.jump,
        steering.put_behind,
    ):
        with pytest.raises(Conflict, match="it is cancelled"):
            steer(job_id, "ben", "")
    with pytest.raises(Conflict, match="has ended already"):
        steering.change(job_id, "ben", {"priority": 1})
    assert hands.farm.story(job_id)[-1] == "job.cancelled" and hands.rung == 0


@on_both
def test_every_change_is_noticed_by_the_scheduler(hands: Hands) -> None:
    one, two = hands.submit(), hands.submit()
    hands.steering.hold(one, "ben", "")
    hands.steering.release(one, "ben", "")
    hands.steering.pause(one, "ben", "")
    hands.steering.resume(one, "ben", "")
    hands.steering.jump(two, "ben", "")
    hands.steering.put_behind(two, "ben", "")
    hands.steering.change(two, "ben", {"priority": 1})
    hands.farm.intake.cancel(two, "ben", "")
    jobs = [ref for kind, ref in hands.touched() if kind == "job"]
    assert jobs == [one, two, one, one, one, one, two, two, two, two]
    assert hands.rung == 7


@on_both
def test_many_who_jump_at_once_leave_an_order(hands: Hands) -> None:
    ids = [hands.submit() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda job_id: hands.steering.jump(job_id, "ben", ""), ids))
    assert sorted(hands.line()) == sorted(ids)
    assert all(hands.farm.job(job_id)["rank"] <= 0.0 for job_id in ids)
    assert [hands.place(job_id) for job_id in hands.line()] == [1, 2, 3, 4, 5, 6]


@on_both
def test_the_queue_tells_who_waits_for_what(hands: Hands) -> None:
    now = hands.farm.clock.now()
    first = hands.farm.submit(SPOKEN, SILENT)
    second = hands.submit("ben")
    later, soon = hands.submit(start_after=now + 9 * HOUR), hands.submit(start_after=now + HOUR)
    held, paused = hands.submit(hold="x"), hands.submit()
    hands.steering.pause(paused, "anna", "")
    over = hands.submit()
    hands.farm.intake.cancel(over, "anna", "")
    hands.farm.hello()
    hands.farm.turn()
    found = hands.queue.list(hands.farm.clock.now(), 100)
    jobs = {job.id: job for job in found.data}
    assert [job.id for job in found.data] == [first, second, soon, later, held, paused]
    assert [job.position for job in found.data] == [1, 2, None, None, None, None]
    assert [job.tasks_before for job in found.data][:3] == [0, jobs[first].waiting, None]
    mine = jobs[first]
    assert mine.running and (mine.waiting + mine.running, mine.done) == (4, 0)
    assert jobs[second].because and jobs[second].owner == "ben"
    assert jobs[held].because == "its job is held: x"
    assert jobs[soon].because.startswith("starts at ")
    assert [hands.place(job_id) for job_id in (first, second, soon, held, paused, over)] == [
        *(1, 2),
        *(0, 0, 0, 0),
    ]


@on_both
def test_a_part_of_the_queue(hands: Hands) -> None:
    ids = [hands.submit() for _ in range(3)]
    found = hands.queue.list(hands.farm.clock.now(), 2)
    assert [job.id for job in found.data] == ids[:2] and found.has_more
    assert not hands.queue.list(hands.farm.clock.now(), 3).has_more


@on_both
def test_an_owner_has_so_many_tasks_waiting(farm: FarmInHand) -> None:
    most: dict[str, int] = {"anna": 5}
    intake = Intake(
        farm.database,
        farm.catalog,
        farm.clock,
        lambda: None,
        "libx264",
        most_waiting=lambda _connection, owner: most.get(owner),
    )
    intake.submit(BOARD, "anna", "k", "source")
    intake.submit(BOARD, "anna", None, "source")
    with pytest.raises(InvalidInput) as refused:
        intake.submit(BOARD, "anna", None, "source")
    (problem,) = refused.value.problems
    assert (problem.field, problem.value, problem.limit) == (
        "tasks",
        "6",
        "5 (max_waiting in the house rules)",
    )
    assert "4 wait, this job has 2" in problem.message
    assert intake.submit(BOARD, "anna", "k", "source")[1] is False
    assert intake.submit(BOARD, "ben", None, "source")[1]
