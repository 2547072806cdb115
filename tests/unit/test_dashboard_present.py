"""What each page shows, worked out of the API's answers."""

from __future__ import annotations

import json

import pytest

from dashboard.present import farm_wide, job, script
from dashboard.present.task import comparisons
from dashboard.screens import Screen, task_of
from reelyard.errors import NotFound
from reelyard.resources import EventList, EventView, ThroughputPoint
from reelyard.script import read_storyboard
from tests.support.played_jobs import Times, attempt, event
from tests.support.played_season import DONE, FAILED, QUEUED, RUNNING, played_farm

FARM = played_farm(1_800_000_000.0)


def test_stages_show_what_a_person_should_know_first() -> None:
    shown = {stage.name: (stage.done, stage.total, stage.state) for stage in _stages(RUNNING)}
    assert shown == {
        "Voice": (4, 5, "running"),
        "Picture": (2, 5, "running"),
        "Film": (0, 1, "waiting"),
    }
    assert {stage.state for stage in _stages(DONE)} == {"done"}
    assert [stage.state for stage in _stages(FAILED)] == ["done", "failed", "cancelled"]


def _stages(job_id: str) -> tuple[job.Stage, ...]:
    return job.pipeline(FARM.job(job_id))


def test_a_failure_is_a_sentence_with_its_detail_apart() -> None:
    (failure,) = job.failures(FARM.job(FAILED))
    assert failure.sentence.startswith("Out of memory on the 24 GiB card")
    assert "Traceback" not in failure.sentence
    assert "Traceback" in failure.detail


def test_steps_do_not_drown_the_story() -> None:
    steps = [event(n, Times(0).now, "task.progress", f"step {n}") for n in range(400)]
    last = event(400, Times(0).now, "task.done", "done")
    assert job.told(EventList(data=[*steps, last])) == (last,)


def test_a_cancel_says_what_it_throws_away() -> None:
    said = job.thrown_away(FARM.job(RUNNING))
    assert said == (
        "2 running tasks will be stopped; 6 finished tasks (1:36 of work) will not be used; "
        "3 tasks will not be started."
    )


def test_a_cell_says_everything_in_words() -> None:
    tasks = {task.id: task for task in FARM.job(RUNNING).task_list}
    title = job.cell_title(tasks[f"{RUNNING}.s03.video1"])
    assert title == "Scene 3 video1, running, step 31 of 50 on atlas:cuda0"


def test_every_scene_has_a_row_with_its_own_tasks() -> None:
    rows = job.scene_rows(FARM.job(RUNNING))
    assert [row.number for row in rows] == [0, 1, 2, 3, 4]
    assert all(len(row.voice) == len(row.video) == 1 for row in rows)


def test_chips_count_everything_and_always_offer_the_usual_ones() -> None:
    shown = {chip.word: chip.number for chip in farm_wide.chips({"queued": 3}, "failed")}
    assert shown == {"all": 3, "running": 0, "queued": 3, "done": 0, "failed": 0}


def test_trouble_comes_before_work_in_the_pulse() -> None:
    pulse = farm_wide.pulse(FARM.overview(60))
    assert pulse.state == "trouble"
    assert pulse.sentence.endswith("2 things to look at")


def test_the_chart_begins_when_something_was_finished_but_is_never_a_moment() -> None:
    seen = FARM.overview(180)
    young = seen.model_copy(update={"throughput": [*_idle(40), *seen.throughput]})
    assert len(json.loads(farm_wide.chart(young))[0]) == len(seen.throughput) - 3
    assert len(json.loads(farm_wide.chart(young.model_copy(update={"throughput": _idle(40)})))[0])


def _idle(number: int) -> list[ThroughputPoint]:
    at = Times(0).now
    return [ThroughputPoint(at=at, tasks=0, video_seconds=0, voice_seconds=0)] * number


def test_a_device_names_attempts_and_the_page_wants_tasks() -> None:
    assert task_of("job-7k3m9x2qab.s01.video1.a12") == "job-7k3m9x2qab.s01.video1"
    assert task_of("job-7k3m9x2qab.s01.video1") == "job-7k3m9x2qab.s01.video1"


def test_a_screen_knows_only_its_own_arguments() -> None:
    asked = {"state": "done", "q": "", "evil": "<script>"}
    assert Screen.of("jobs", asked) == Screen("jobs", (("state", "done"),))
    with pytest.raises(NotFound):
        Screen.of("secrets", {})


def test_a_job_cares_for_its_own_events_and_those_of_the_whole_farm() -> None:
    screen = Screen.of("job", {"id": RUNNING})
    assert screen.cares_for(_event(RUNNING))
    assert screen.cares_for(_event(None))
    assert not screen.cares_for(_event(QUEUED))
    assert Screen.of("overview", {}).cares_for(_event(QUEUED))


def _event(job_id: str | None) -> EventView:
    return event(1, Times(0).now, "task.done", "done", job_id=job_id)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"scenes": []}', "json"),
        ("title: A\nscenes:\n", "yaml"),
        ("[title: A]\n\nOnce upon a time: a boat.", "plain"),
        ("A boat.", "plain"),
    ],
)
def test_a_script_is_recognised(text: str, kind: str) -> None:
    assert script.kind_of(text, "") == kind
    assert script.kind_of(text, "yaml") == "yaml"


@pytest.mark.parametrize("kind", sorted(script.EXAMPLES))
def test_the_examples_can_be_rendered(kind: str) -> None:
    assert script.kind_of(script.EXAMPLES[kind], "") == kind
    board, _ = read_storyboard(script.tidy(script.EXAMPLES[kind]), script.KINDS[kind])
    assert [len(scene.say) > 10 for scene in board.scenes] == [True, True]


def test_line_ends_of_forms_are_put_right() -> None:
    assert script.tidy("a\r\nb") == b"a\nb"


def told_of(**figures: object) -> list[tuple[str, str, str, str]]:
    nothing = dict.fromkeys(
        (
            "peak_gib",
            "predicted_gib",
            "predicted_peak_gib",
            "load_seconds",
            "predicted_load_seconds",
            "run_seconds",
            "predicted_seconds",
        )
    )
    tried = attempt("job-a.s01.video1", Times(0)).model_copy(update={**nothing, **figures})
    return [
        (one.name, one.measured, one.note, one.deviation.text if one.deviation else "")
        for one in comparisons(tried)
    ]


def test_a_try_shows_measured_beside_predicted() -> None:
    assert told_of(
        peak_gib=17.9,
        predicted_gib=18.4,
        predicted_peak_gib=17.2,
        load_seconds=3.4,
        predicted_load_seconds=5.1,
        run_seconds=41.2,
        predicted_seconds=36.0,
    ) == [
        ("memory", "17.9 GiB", "predicted 17.2 GiB, at most 18.4 GiB", "+4 %"),
        ("load", "3.4 s", "predicted 5.1 s", "\N{MINUS SIGN}33 %"),
        ("run", "41.2 s", "predicted 36.0 s", "+14 %"),
    ]


def test_a_try_compares_only_what_is_known() -> None:
    assert told_of() == []
    assert told_of(peak_gib=9.0) == [("memory", "9.0 GiB", "", "")]
    assert told_of(predicted_gib=21.0) == [("memory", "not measured", "predicted 21.0 GiB", "")]
    assert told_of(load_seconds=0.0, warm=True) == [("load", "0 s", "was in memory", "")]
    assert told_of(run_seconds=2.0, predicted_seconds=0.0)[0][3] == ""
