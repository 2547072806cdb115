"""The page of models: what fits where, what is in memory, what was learned; one model closely."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.present import lessons, models
from dashboard.screens import Screen
from reelyard.predict.views import FitCell, FitMatrix, FitRow, LessonList
from tests.support import played_models as predicted
from tests.support.dashboard_client import Seen, guest_of
from tests.support.played_farm import PlayedFarm
from tests.support.played_jobs import HOSTILE, Times, event, workers
from tests.support.played_models import H100, RTX, fit_matrix, fits, lesson, not_known, too_large
from tests.support.played_season import played_farm

NOW = 1_800_000_000.0


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(NOW)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


@pytest.mark.parametrize(
    ("plan", "mark"),
    [
        ("bf16", models.FITS),
        ("bf16, compiled", models.FITS),
        ("fp32, flash3 attention", models.FITS),
        ("bf16, model offload", models.LEANER),
        ("bf16, tiled decode", models.LEANER),
        ("fp8", models.LEANER),
        ("int8, group offload, tiled decode", models.LEANER),
        ("bf16, on 4 devices (context, sharded)", models.FITS),
    ],
)
def test_what_saves_memory_at_a_price_is_leaner(plan: str, mark: models.Mark) -> None:
    assert models.mark_of(fits(H100, plan, 10, 60)) is mark


def test_no_two_marks_look_or_read_alike() -> None:
    assert len({mark.shape for mark in models.MARKS}) == len(models.MARKS)
    assert len({mark.word for mark in models.MARKS}) == len(models.MARKS)


def test_large_devices_come_first_and_those_of_the_farm_before_others() -> None:
    columns = models.fit_table(fit_matrix(True), "", "").columns
    names = [column.name for column in columns]
    assert [column.note for column in columns][:4] == [
        "78 GiB · 1 here",
        "57 GiB · 1 here",
        "23 GiB · 2 here",
        "175 GiB",
    ]
    assert models.fit_table(fit_matrix(False), "", "").columns[0].note == "78 GiB"
    assert names == ["H100 SXM", "Jetson AGX Orin 64GB", "RTX 4090", "B200", "L40S", "CPU"]


def test_what_can_run_comes_first_and_what_nobody_knows_last() -> None:
    rows = models.fit_table(fit_matrix(False), "", "").rows
    assert [(row.row.model, row.state) for row in rows] == [
        ("wan2.1-t2v-1.3b", "fits"),
        ("wan2.1-t2v-14b", "fits"),
        ("hunyuanvideo", "none"),
        ("our-own", "unknown"),
    ]


def test_names_are_in_the_order_of_their_numbers() -> None:
    rows = models.fit_table(predicted.large_matrix(12, 2), "model 1", "fits").rows
    assert [row.row.name for row in rows] == [
        f"Some Video Model {number}B" for number in (1, 10, 11)
    ]
    names = [row.row.name for row in models.fit_table(predicted.large_matrix(12, 2), "", "").rows]
    assert names.index("Some Video Model 9B") < names.index("Some Video Model 10B")


def test_a_device_elsewhere_does_not_make_a_model_run_here() -> None:
    (row,) = models.fit_table(fit_matrix(True), "hunyuan", "").rows
    assert row.state == "none"
    assert row.summary == "fits none of 3 kinds, needs 31 GiB or more"


def test_a_row_is_summed_up_in_a_sentence() -> None:
    rows = {row.row.model: row for row in models.fit_table(fit_matrix(False), "", "").rows}
    shown = rows["wan2.1-t2v-1.3b"]
    assert shown.summary == "fits 3 of 3 kinds, soonest 1.5 min on H100 SXM"
    assert shown.mark is models.FITS
    assert rows["our-own"].summary == "not known on 3 kinds"


def test_a_farm_without_devices_takes_all_kinds_for_its_own() -> None:
    every = fit_matrix(True)
    none = every.model_copy(
        update={"devices": [one.model_copy(update={"count": 0}) for one in every.devices]}
    )
    (row,) = models.fit_table(none, "hunyuan", "").rows
    assert (row.state, row.summary) == ("fits", "fits 1 of 6 kinds, soonest 10 min on B200")


def test_a_cell_says_time_or_need_and_everything_in_its_title() -> None:
    (row,) = models.fit_table(fit_matrix(False), "14b", "").rows
    first = row.fits[0]
    assert (first.figure, first.note) == ("7.4 min", "bf16: at most 49.6 GiB")
    assert first.title.startswith(
        "H100 SXM: fits; about 7.4 min, measured here; bf16: at most 49.6 GiB; memory:"
    )
    assert first.share == pytest.approx(49.6 / 77.6)
    (large,) = models.fit_table(fit_matrix(False), "hunyuan", "").rows
    assert [fit.figure for fit in large.fits] == ["81 GiB", "61 GiB", "31 GiB"]
    assert large.fits[0].share == 1.0


def test_a_cell_that_was_not_sent_is_not_known() -> None:
    matrix = fit_matrix(False)
    bare = FitMatrix(
        devices=matrix.devices,
        data=[FitRow(model="m", name="M", shape="", weights_gib=1, cells=[fits(RTX, "", 9, None)])],
    )
    (row,) = models.fit_table(bare, "", "").rows
    assert [fit.mark for fit in row.fits] == [models.UNKNOWN, models.UNKNOWN, models.FITS]
    assert row.summary == "fits 1 of 3 kinds"


def test_a_reason_is_said_once() -> None:
    told = fits(H100, "bf16", 49.6, 60)
    assert models.reasons(told)[0] == "bf16: at most 49.6 GiB"
    assert len(models.reasons(told)) == 3
    silent = told.model_copy(update={"because": ""})
    assert models.reasons(silent) == ("bf16: at most 49.6 GiB",)
    assert models.reasons(too_large(RTX, 31.2, 23.3)) == (
        "needs 31.2 GiB even with fp8, group offload, tiled decode, has 23.3",
    )
    assert models.memory_said(FitCell(device=RTX, status=not_known(RTX).status)) == ""


def test_choices_count_what_each_would_show() -> None:
    table = models.fit_table(fit_matrix(False), "", "none")
    assert {choice.word: choice.number for choice in table.choices} == {
        "all": 4,
        "can run": 2,
        "do not fit": 1,
        "not known": 1,
    }
    assert [row.row.model for row in table.rows] == ["hunyuanvideo"]
    assert [choice.show for choice in table.choices if choice.is_chosen] == ["none"]


def test_only_devices_that_hold_models_and_can_be_reached_are_listed() -> None:
    held = models.residents(workers(Times(NOW), []))
    assert [(one.device.id, [model.model for model in one.models]) for one in held] == [
        ("atlas:cuda0", ["wan2.1-t2v-14b", "wan2.1-t2v-1.3b"]),
        ("atlas:cuda1", ["wan2.1-t2v-1.3b"]),
    ]


@pytest.mark.parametrize(
    ("ratio", "text", "start", "width", "tone"),
    [
        (1.0, "0 %", 50, 0, "good"),
        (1.09, "+9 %", 50, 9, "good"),
        (0.8, f"{lessons.MINUS}20 %", 30, 20, "soon"),
        (1.31, "+31 %", 50, 31, "soon"),
        (2.4, "+140 %", 50, 50, "soon"),
        (4.2, "4.2 times", 50, 50, "soon"),
        (811.4, "811 times", 50, 50, "soon"),
        (0.1, f"{lessons.MINUS}90 %", 0, 50, "soon"),
    ],
)
def test_a_deviation_leaves_the_middle_to_the_right_side(
    ratio: float, text: str, start: float, width: float, tone: str
) -> None:
    shown = lessons.deviation(ratio)
    assert (shown.text, shown.tone) == (text, tone)
    assert (shown.start, shown.width) == (pytest.approx(start), pytest.approx(width))


def test_what_was_not_measured_has_no_deviation() -> None:
    (row,) = lessons.lesson_rows([lesson("m", "bf16", RTX, loads=0)], "")
    assert row.memory is not None
    assert row.load is None
    bare = row.lesson.model_copy(update={"timed": 0, "most_memory": 0.0})
    (row,) = lessons.lesson_rows([bare], "")
    assert (row.memory, row.most, row.time, row.spread) == (None, "", None, "")


def test_the_page_shows_the_matrix_what_is_in_memory_lessons_and_voices(guest: FlaskClient) -> None:
    seen = Seen(guest.get("/models"))
    assert "in memory on 1 device" in seen.text
    assert "in memory on 2 devices" in seen.text
    assert "fits leaner 4.2 min" in seen.text
    assert "wan2.1-t2v-14b 28.6 GiB" in seen.text
    assert "+140 % ±8 %" in seen.text
    assert "Siwis siwis fr CC-BY-4.0 on no worker" in seen.text
    assert "B200" not in seen.text
    assert "B200" in Seen(guest.get("/models?devices=all")).text


def test_the_list_is_narrowed_by_its_address(guest: FlaskClient) -> None:
    seen = Seen(guest.get("/models?show=fits&q=14b"))
    assert "Wan 2.1 T2V 14B" in seen.text
    assert "Wan 2.1 T2V 1.3B" not in seen.text
    links = {a["href"] for a in seen.all("a")}
    assert "/models?show=fits&devices=all&q=14b" in links
    assert "/models?q=14b" in links


def test_what_is_typed_into_the_address_is_text(guest: FlaskClient) -> None:
    answer = guest.get("/models", query_string={"q": HOSTILE})
    assert "<script>alert" not in answer.text
    assert "No model matches" in Seen(answer).text


def test_an_empty_farm_says_the_next_step(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.has_workers, farm.learned = False, LessonList(data=[])
    text = Seen(guest.get("/models")).text
    assert "This farm has no worker yet" in text
    assert "When the first picture task has finished" in text
    assert "No device holds a model" in text
    every = Seen(guest.get("/models?devices=all")).text
    assert "fits 1 of 3 kinds, soonest 10 min on B200" in every


def test_one_model_is_told_for_every_device(guest: FlaskClient) -> None:
    seen = Seen(guest.get("/models/wan2.1-t2v-1.3b"))
    assert "bf16, model offload: at most 17.9 GiB" in seen.text
    assert "about 4.2 min, measured here" in seen.text
    assert "41 runs" in seen.text
    fragment = guest.get("/models/wan2.1-t2v-1.3b?devices=all", headers={"HX-Request": "true"})
    assert not Seen(fragment).all("html")
    assert "needs 33.3 GiB even with fp8" in Seen(fragment).text
    assert guest.get("/models/nothing").status_code == 404


def test_a_step_of_a_task_does_not_work_every_fit_out_again() -> None:
    screen = Screen.of("models", {"devices": "all", "evil": "x"})
    assert screen == Screen("models", (("devices", "all"),))
    at = Times(NOW).now
    assert not screen.cares_for(event(1, at, "task.progress", "step 3", job_id="job-a"))
    assert screen.cares_for(event(2, at, "worker.offline", "away"))
    assert screen.refresh_seconds > Screen.of("models", {}).refresh_seconds


def test_a_hundred_models_on_twelve_kinds_are_one_link_each(
    farm: PlayedFarm, guest: FlaskClient
) -> None:
    farm.matrix = predicted.large_matrix(100, 12)
    seen = Seen(guest.get("/models?devices=all"))
    assert len([a for a in seen.all("a") if "data-row" in a]) == 100
    assert len([td for td in seen.all("td") if "fit" in (td.get("class") or "").split()]) == 1200
