"""Which deadlines will be held: farms small enough to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from coordinator.core.risk import Risk
from coordinator.core.snapshot import Device, UnderWay, Waiting
from reelyard.risk_views import Verdict
from reelyard.states import WorkerState
from reelyard.task import VoiceWork
from tests.support.core_values import LARGE, SMALL, device, film, line, shot, waiting
from tests.support.due_farms import NOW, Film, a_film, look, risk, seconds

CARD = device("w", id="cuda:0", resident=frozenset({SMALL}))
HALL = (CARD, device("w"))
FILM_SECONDS = 15.0


def run(frames: int = 33, where: Device = CARD) -> float:
    return seconds(waiting(shot(SMALL, frames)), where)[0]


def likely(found: Risk) -> float:
    assert found.ends is not None
    return found.ends.likely - NOW


def test_shots_one_after_the_other_then_the_film() -> None:
    found = risk([a_film("job-a")], HALL, {"job-a": 1e5})
    assert likely(found) == pytest.approx(3 * run() + FILM_SECONDS)
    assert found.verdict is Verdict.HELD
    assert found.because.startswith("will hold ")


def test_a_model_that_is_in_no_memory_is_loaded_once() -> None:
    cold = replace(CARD, resident=frozenset())
    found = risk([a_film("job-a")], (cold, device("w")), {"job-a": 1e5})
    load = seconds(waiting(shot(SMALL, 33)), cold)[1]
    assert load > 1
    assert likely(found) == pytest.approx(load + 3 * run() + FILM_SECONDS)


def test_what_is_under_way_ends_first() -> None:
    other = waiting(shot(SMALL, 33), "job-b.s01.video1")
    going = UnderWay(other, "b1", "w", "cuda:0", since=50.0, ends_at=NOW + 70)
    found = risk([a_film("job-a")], HALL, {"job-a": 1e5}, under_way=[going])
    assert likely(found) == pytest.approx(70 + 3 * run() + FILM_SECONDS)


def test_a_run_that_should_be_over_is_about_to_end() -> None:
    mine = a_film("job-a", shots=1)
    going = UnderWay(mine.tasks[0], "a1", "w", "cuda:0", since=0.0, ends_at=NOW - 30)
    found = risk([mine], HALL, {"job-a": 1e5}, under_way=[going])
    assert likely(found) == pytest.approx(1 + FILM_SECONDS)


def test_who_misses_is_told_by_how_much_and_which_part_is_last() -> None:
    end = 3 * run() + FILM_SECONDS
    found = risk([a_film("job-a")], HALL, {"job-a": end - 9.5})
    assert found.verdict is Verdict.LATE
    assert found.late_seconds == pytest.approx(9.5)
    assert found.last is not None
    assert found.last[0].label == "Scene 3 · picture"
    assert found.last[1] - NOW == pytest.approx(3 * run())
    assert found.because.startswith("will miss ") and " by 10 s: " in found.because
    assert "after Scene 3 · picture at " in found.because


def test_a_film_that_is_all_that_is_left_is_the_last_part() -> None:
    only = Film((replace(a_film("job-a").tasks[-1], label="Film"),), {})
    found = risk([only], HALL, {"job-a": 5})
    assert likely(found) == pytest.approx(FILM_SECONDS)
    assert found.last is not None and found.last[0].label == "Film"
    assert "after" not in found.because


def test_between_the_likely_and_the_latest_end_it_is_tight() -> None:
    end = 3 * run() + FILM_SECONDS
    found = risk([a_film("job-a")], HALL, {"job-a": end + 1})
    assert found.verdict is Verdict.TIGHT
    assert found.ends is not None
    assert found.ends.soonest < found.ends.likely < found.ends.latest
    assert found.remedy is None


def test_a_shot_waits_for_its_voice_and_gets_its_length_from_it() -> None:
    said = "One two three four five six seven eight nine ten. " * 2
    voice = waiting(line(), "job-a.s01.voice", label="Scene 1 · voice")
    assert isinstance(voice.work, VoiceWork)
    voice = replace(voice, work=voice.work.model_copy(update={"text": said}))
    free = waiting(
        shot(SMALL, None), "job-a.s01.video1", label="Scene 1 · picture", open_needs=(voice.label,)
    )
    end = waiting(film(), "job-a.film", scene=None, label="Film")
    needs = {free.id: (voice.id,), end.id: (voice.id, free.id)}
    found = risk([Film((voice, free, end), needs)], HALL, {"job-a": 1e5})
    # 6.28 s to say are 101 frames at 16 a second: two clips of 53.
    assert likely(found) == pytest.approx(5 + 2 * run(53) + FILM_SECONDS)
    assert found.last is not None and found.last[0].label == "Scene 1 · picture 2"


def test_a_chain_is_not_made_at_once_on_two_cards() -> None:
    mine = a_film("job-a", shots=4)
    shots = mine.tasks[:-1]
    chained = {after.id: (before.id,) for before, after in pairwise(shots)}
    two = (*HALL, replace(CARD, id="cuda:1"))
    free = risk([mine], two, {"job-a": 1e5})
    bound = risk([Film(mine.tasks, mine.needs | chained)], two, {"job-a": 1e5})
    assert likely(free) == pytest.approx(2 * run() + FILM_SECONDS)
    assert likely(bound) == pytest.approx(4 * run() + FILM_SECONDS)


def test_closed_devices_are_waited_for() -> None:
    rules = '[pools.night]\ntypes = ["rtx-4090"]\nhours = "02:00-06:00"\n'  # it is 00:01:40
    found = risk([a_film("job-a")], HALL, {"job-a": 1e5}, rules=rules)
    assert likely(found) == pytest.approx(7100 + 3 * run() + FILM_SECONDS)
    assert found.ends is not None and found.ends.soonest - NOW > 7100


def test_what_starts_later_is_not_there_before() -> None:
    found = risk([a_film("job-a", start_after=NOW + 500)], HALL, {"job-a": 400})
    assert likely(found) == pytest.approx(500 + 3 * run() + FILM_SECONDS)
    assert found.remedy is not None and found.remedy.kind == "none"
    assert "even alone on the farm" in found.remedy.sentence


@pytest.mark.parametrize(
    ("more", "said", "kind"),
    [
        ({"held_because": "the wrong voice"}, "is held: the wrong voice", "release"),
        ({"paused": True}, "is paused", "resume"),
    ],
)
def test_what_a_person_stopped_says_so(more: dict[str, Any], said: str, kind: str) -> None:
    found = risk([a_film("job-a", **more)], HALL, {"job-a": 1e5})
    assert found.verdict is Verdict.STOPPED and said in found.because and found.ends is None
    assert found.remedy is not None and found.remedy.kind == kind
    assert found.remedy.command == f"reelyard {kind} job-a"
    assert found.remedy.ends == pytest.approx(NOW + 3 * run() + FILM_SECONDS)
    assert found.remedy.sentence.endswith(" early")


def test_a_deadline_that_has_passed() -> None:
    found = risk([a_film("job-a")], HALL, {"job-a": -60})
    assert found.verdict is Verdict.OVERDUE
    assert "passed 60 s ago" in found.because and found.remedy is None
    assert likely(found) == pytest.approx(3 * run() + FILM_SECONDS)


def test_what_nothing_can_ever_run() -> None:
    large = waiting(shot(LARGE, 81, width=4096, height=4096), "job-a.s01.video1", label="Scene 1")
    found = risk([Film((large,), {})], HALL, {"job-a": 1e5})
    assert found.verdict is Verdict.IMPOSSIBLE
    assert found.because.startswith("Scene 1: nobody can ever run this: it needs ")


def test_what_the_house_forbids() -> None:
    found = risk([a_film("job-a", pools=("night",))], HALL, {"job-a": 1e5})
    assert found.verdict is Verdict.IMPOSSIBLE
    assert "is in none of the pools night" in found.because


def test_devices_that_are_away_are_no_promise() -> None:
    gone = replace(CARD, state=WorkerState.OFFLINE)
    weak = replace(device("w"), models=frozenset())
    found = risk([a_film("job-a")], (gone, weak), {"job-a": 1e5})
    assert found.verdict is Verdict.UNKNOWN
    assert (
        found.because == "nobody can tell: the only device that can run Scene 1 · picture is away"
    )


def test_no_worker_at_all() -> None:
    found = risk([a_film("job-a")], (), {"job-a": 1e5})
    assert found.verdict is Verdict.UNKNOWN and "no worker has joined" in found.because


def test_the_soonest_deadline_comes_first() -> None:
    films = [a_film(f"job-{n}") for n in "abc"]
    found = look(films, HALL, {"job-a": 900, "job-b": 700, "job-c": 800})
    assert [one.due.job_id for one in found.risks] == ["job-b", "job-c", "job-a"]


def test_more_than_can_be_played_is_estimated_and_says_so() -> None:
    films = [a_film(f"job-{n:02d}", shots=9, queued_at=float(n)) for n in range(12)]
    whole = look(films, HALL, {"job-11": 1e5})
    part = look(films, HALL, {"job-11": 1e5}, most_played=60)
    assert not whole.notes and not whole.risks[0].is_estimate
    assert part.risks[0].is_estimate and part.played < whole.played
    assert part.notes[0].startswith("120 tasks wait: the first 6")
    assert likely(part.risks[0]) == pytest.approx(likely(whole.risks[0]), rel=0.1)


def test_the_order_of_what_is_given_changes_nothing() -> None:
    films = [a_film(f"job-{n}", queued_at=float(n)) for n in range(4)]
    due = {"job-2": 200.0, "job-3": 300.0}
    there = look(films, HALL, due)
    back = look(films[::-1], HALL[::-1], dict(reversed(due.items())))
    assert there == back


def test_an_unseen_waiting_task_is_never_lost() -> None:
    """A need that nobody knows is done."""
    task: Waiting = a_film("job-a", shots=1).tasks[0]
    found = risk([Film((task,), {task.id: ("job-a.s00.video1",)})], HALL, {"job-a": 1e5})
    assert likely(found) == pytest.approx(run())
