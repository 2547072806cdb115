"""The coordinator from submit to film, and through everything that may go wrong, turned by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reelyard.errors import Conflict
from reelyard.failure import FailureKind
from reelyard.messages import Acknowledge, CancelAttempt, Introduce
from reelyard.storyboard import Storyboard
from reelyard.task import ComposeWork, VideoWork, VoiceWork
from tests.support.farm_in_hand import FarmInHand, sqlite

SPOKEN = {"picture": "a red circle moving left", "say": "Hello there."}
SILENT = {"picture": "a blue square moving up", "seconds": 3}


@pytest.fixture
def farm(tmp_path: Path) -> FarmInHand:
    farm = sqlite(tmp_path)
    farm.hello()
    farm.turn()
    return farm


def test_a_job_runs_to_its_film_and_tells_its_story(farm: FarmInHand) -> None:
    job_id = farm.submit(SPOKEN, SILENT)
    farm.run_all()
    job = farm.job(job_id)
    assert job["state"] == "done" and job["film"]["frames"] > 0
    assert all(task["state"] == "done" for task in farm.tasks(job_id).values())
    story = farm.story(job_id)
    assert story[0] == "job.submitted" and story[-1] == "job.done"
    assert story.count("task.done") == 4


def test_what_has_begun_and_ended_meanwhile_tells_both(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (order,) = farm.turn()
    farm.started(order)
    farm.finished(order)
    farm.turn(20.0)
    row, (attempt, *_) = farm.tasks(job_id)["s01.video1"], farm.attempts()
    assert (row["state"], attempt["state"]) == ("done", "done")
    assert row["started_at"] == attempt["started_at"] == row["ended_at"] - 1.5  # as it measured
    story = [type for type in farm.story(job_id) if type in ("task.started", "task.done")]
    assert story == ["task.started", "task.done"]


def test_a_start_that_comes_with_the_end_of_another_try_is_told_once(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (order,) = farm.turn()
    farm.started(order)
    farm.finished(order)
    farm.turn()
    farm.started(order)  # once more, both of them
    farm.finished(order)
    farm.turn()
    assert farm.story(job_id).count("task.started") == 1
    assert farm.story(job_id).count("task.done") == 1
    assert farm.attempts()[0]["state"] == "done"


def test_a_film_waits_for_fewer_and_fewer_and_starts_with_the_last(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT, SILENT, SPOKEN)
    said = [farm.tasks(job_id)["film"]["because"]]
    while orders := farm.turn():
        for order in orders:
            farm.started(order)
            farm.finished(order)
        said += [farm.tasks(job_id)["film"]["because"]]
    assert farm.job(job_id)["state"] == "done"
    waits = [sentence for sentence in said if sentence.startswith("waits for")]
    assert len(set(waits)) > 2 and sorted(waits, key=len, reverse=True) == waits


def test_a_long_film_is_told_now_and_then_for_how_many_it_waits(farm: FarmInHand) -> None:
    job_id = farm.submit(*[SILENT] * 60)
    (order,) = farm.turn()

    def heard() -> str:
        return str(farm.tasks(job_id)["film"]["because"])

    first = heard()
    assert first.endswith("and 57 more")
    farm.finished(order)
    (order,) = farm.turn()
    assert heard() == first
    farm.turn(6.0)
    assert heard().endswith("and 56 more")


def test_a_free_scene_takes_its_frames_from_its_narration(farm: FarmInHand) -> None:
    farm.submit(SPOKEN)
    (voice,) = farm.turn()
    assert isinstance(voice.work, VoiceWork) and voice.work.frames is None
    farm.started(voice)
    farm.finished(voice, seconds=2.3)
    (video,) = farm.turn()
    model = farm.catalog.models["reelyard-demo"]
    assert isinstance(video.work, VideoWork)
    assert video.work.frames == model.frames_for(math.ceil(2.3 * model.fps))


def test_a_long_narration_unfolds_into_several_shots_that_follow_each_other(
    farm: FarmInHand,
) -> None:
    job_id = farm.submit(SPOKEN, {**SILENT, "continue": True})
    (voice,) = farm.turn()
    farm.finished(voice, seconds=20.0)
    (first,) = farm.turn()
    farm.finished(first)
    (second,) = farm.turn()
    assert isinstance(second.work, VideoWork) and second.work.start_image is not None
    assert second.task_id.endswith("s01.video2")
    farm.finished(second)
    farm.run_all()
    assert farm.job(job_id)["state"] == "done"
    frames = farm.job(job_id)["film"]["frames"]
    model = farm.catalog.models["reelyard-demo"]
    assert frames >= (20 + 3) * model.fps


def test_a_line_that_does_not_fit_lengthens_its_scene_and_says_so(farm: FarmInHand) -> None:
    job_id = farm.submit({**SPOKEN, "seconds": 2})
    video, voice = sorted(farm.turn(), key=lambda order: order.lane)
    farm.finished(voice, seconds=3.0)
    farm.finished(video)
    (film,) = farm.turn()
    assert isinstance(film.work, ComposeWork)
    assert film.work.scenes[0].frames == 3 * film.work.fps
    (warning,) = farm.job(job_id)["warnings"]
    assert "needs 3.0 s" in warning and "has 2.0 s" in warning


def test_overflow_fail_ends_the_job_with_the_numbers(farm: FarmInHand) -> None:
    job_id = farm.submit({**SPOKEN, "seconds": 2}, overflow="fail")
    _, voice = sorted(farm.turn(), key=lambda order: order.lane)
    farm.finished(voice, seconds=3.0)
    farm.turn()
    job = farm.job(job_id)
    assert job["state"] == "failed" and "needs 3.0 s" in job["failure"]
    assert {task["state"] for task in farm.tasks(job_id).values()} == {"done", "cancelled"}


def test_every_waiting_task_is_told_why(farm: FarmInHand) -> None:
    job_id = farm.submit(SPOKEN, SILENT, SILENT)
    farm.turn()
    why = {role: task["because"] for role, task in farm.tasks(job_id).items()}
    assert why["s01.video1"] == "waits for Scene 1 · voice"
    assert "is busy with Scene 2" in why["s03.video1"]
    assert why["film"].startswith("waits for Scene 1")


def test_a_task_that_fits_nowhere_waits_with_the_numbers(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT, model="wan2.1-t2v-14b")
    assert farm.turn() == []
    because = farm.tasks(job_id)["s01.video1"]["because"]
    assert "nobody can ever run this: it needs" in because and "16.0" in because


def test_a_worker_started_anew_gives_its_attempts_back_at_once(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    farm.started(first)
    farm.turn()
    farm.hello(boot="b2")
    (again,) = farm.turn()
    assert again.attempt_id == first.task_id + ".a2"
    farm.finished(again, boot="b2")
    farm.run_all()
    assert farm.job(job_id)["state"] == "done"
    assert "attempt.lost" in farm.story(job_id)


def test_a_silent_worker_goes_offline_and_its_work_goes_elsewhere(farm: FarmInHand) -> None:
    farm.submit(SILENT)
    (first,) = farm.turn()
    farm.started(first)
    farm.turn()
    farm.hello(worker="v")
    (again,) = farm.turn(seconds=16.0)
    assert again.task_id == first.task_id and again.attempt_id != first.attempt_id
    assert "worker.offline" in farm.story()


def test_a_late_delivery_of_a_lost_attempt_is_adopted(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    farm.started(first)
    farm.turn()
    farm.turn(seconds=16.0)
    farm.finished(first)
    farm.turn()
    assert farm.tasks(job_id)["s01.video1"]["state"] == "done"
    assert [a["state"] for a in farm.attempts()] == ["done"]


def test_the_second_of_two_deliveries_changes_nothing(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    for _ in range(3):
        farm.finished(first)
    farm.run_all()
    assert farm.story(job_id).count("task.done") == 2
    assert farm.job(job_id)["state"] == "done"


def test_what_was_sent_but_not_started_is_sent_again(farm: FarmInHand) -> None:
    farm.submit(SILENT)
    (first,) = farm.turn()
    farm.heartbeat()
    assert farm.turn(seconds=1.0) == []
    farm.heartbeat()
    (again,) = farm.turn(seconds=6.0)
    assert again == first


def test_while_the_broker_is_away_letters_wait(farm: FarmInHand) -> None:
    farm.carrier.away = True
    farm.submit(SILENT)
    assert farm.turn() == []
    farm.carrier.away = False
    assert len(farm.turn()) == 1


def test_durable_reports_are_acknowledged(farm: FarmInHand) -> None:
    farm.submit(SILENT)
    (first,) = farm.turn()
    farm.finished(first)
    report_id = farm.reports[-1]["report_id"]  # type: ignore[index]
    farm.turn()
    assert Acknowledge(report_ids=(report_id,)) in farm.orders()


def test_a_worker_that_is_not_known_is_asked_who_it_is(farm: FarmInHand) -> None:
    farm.heartbeat(worker="stranger")
    farm.turn()
    assert farm.orders() == [Introduce()]


def test_bad_input_is_not_tried_again(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    farm.failed(first, FailureKind.BAD_INPUT, "This voice cannot read it.")
    farm.turn()
    job = farm.job(job_id)
    assert job["state"] == "failed" and "This voice cannot read it." in job["failure"]


def test_a_crash_is_tried_again_with_a_pause_and_at_last_given_up(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    tries = 0
    for _ in range(60):
        farm.heartbeat()
        for order in farm.turn(seconds=1.0):
            tries += 1
            farm.failed(order, FailureKind.CRASHED)
    assert tries == 4
    assert "(after 4 tries)" in farm.job(job_id)["failure"]


def test_out_of_memory_asks_for_more_than_it_had(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    farm.failed(first, FailureKind.OUT_OF_MEMORY, "Out of memory.")
    (again,) = farm.turn()
    assert again.task_id == first.task_id
    assert any("Tried again with" in sentence for sentence in farm.sentences(job_id))


def test_cancel_stops_what_runs_and_what_waits(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT, SILENT)
    (first,) = farm.turn()
    farm.started(first)
    farm.turn()
    farm.intake.cancel(job_id, "anna", "wrong script")
    farm.turn()
    (order,) = farm.orders()
    assert isinstance(order, CancelAttempt) and order.attempt_id == first.attempt_id
    assert {task["state"] for task in farm.tasks(job_id).values()} == {"cancelled"}
    with pytest.raises(Conflict):
        farm.intake.cancel(job_id, "anna", "")


def test_the_same_key_gives_the_same_job(farm: FarmInHand) -> None:
    storyboard = Storyboard.model_validate({"scenes": [SILENT]})
    one, created = farm.intake.submit(storyboard, "anna", "k", "source")
    two, again = farm.intake.submit(storyboard, "anna", "k", "source")
    assert (one, created, again) == (two, True, False)
    with pytest.raises(Conflict, match="another storyboard"):
        farm.intake.submit(storyboard, "anna", "k", "another")


def test_notes_of_a_model_become_warnings_of_the_job(farm: FarmInHand) -> None:
    job_id = farm.submit(SILENT)
    (first,) = farm.turn()
    farm.finished(first, notes=("'ship' is drawn as 'boat'",))
    farm.turn()
    assert farm.job(job_id)["warnings"] == ["scene 1: 'ship' is drawn as 'boat'"]


def test_an_unreadable_report_harms_nothing(farm: FarmInHand) -> None:
    farm.submit(SILENT)
    farm.reports += ["nonsense", {"type": "finished"}, None]
    assert len(farm.turn()) == 1
