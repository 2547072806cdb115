"""The published measurements are well-formed, and the comparison tells a good predictor from a bad
one: each floor falls to the fault that it is there for, and to no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from bench.predict import as_json
from bench.published.compare import Compared, compare, ladders, speed_ups
from bench.published.facts import GB_PER_GIB, Covers, Fact, Role, Unit, load_facts
from bench.published.floors import DIFFUSERS, floors
from bench.published.tables import every_row, report, table
from reelyard.catalog import load_catalog
from reelyard.predict.answer import Answer, StageView, Status
from reelyard.predict.request import Request

FACTS = load_facts()
CATALOG = load_catalog()

Change = Callable[[Fact, float], float]


def a_fact(**more: Any) -> Fact:
    """60.10 GiB and 863 s on one card."""
    usual: dict[str, Any] = {
        "source": {"repository": "some/project", "path": "README.md", "quote": "60.10 GB | 863s"},
        "model": "hunyuanvideo",
        "device": "a100-80gb",
        "gpus": 1,
        "width": 768,
        "height": 512,
        "frames": 121,
        "steps": 50,
        "precision": "bf16",
        "offload": "none",
        "vae_tiling": False,
        "attention": "sdpa",
        "compiled": False,
        "split": "context",
        "sharded": False,
        "from_image": False,
        "guided": True,
        "engine": DIFFUSERS,
        "peak_gib": 60.1,
        "unit": "gib",
        "rounding": 0.0,
        "seconds": 863.0,
        "covers": "job",
        "stated": True,
        "role": "check",
        "note": "",
    }
    return Fact.model_validate({**usual, **more})


def unchanged(fact: Fact, value: float) -> float:
    return value


def answered(fact: Fact, memory: Change = unchanged, time: Change = unchanged) -> Answer:
    """What was published, changed. Printed gigabytes are taken for the middle of what they mean."""
    peak = memory(fact, sum(fact.peak_range) / 2) if fact.peak_gib else 1.0
    seconds = time(fact, fact.seconds) if fact.seconds else 1.0
    stage = StageView(name="denoise", seconds=seconds)
    whole = seconds if fact.covers is Covers.JOB else seconds * 1.1
    return Answer(
        status=Status.OK,
        model=fact.model,
        device=fact.device or "",
        because="hand-made",
        peak_vram_gib=peak,
        seconds=whole,
        stages=(stage,),
    )


def predicted(memory: Change = unchanged, time: Change = unchanged) -> tuple[Compared, ...]:
    """Every published fact beside a hand-made answer."""
    return tuple(Compared(fact, answered(fact, memory, time)) for fact in FACTS)


def verdicts(rows: tuple[Compared, ...]) -> Mapping[str, bool]:
    return {floor.name: floor.holds for floor in floors(rows)}


def failed(rows: tuple[Compared, ...]) -> set[str]:
    return {name.split(":")[0] for name, holds in verdicts(rows).items() if not holds}


def test_no_run_is_told_twice() -> None:
    told = [fact.run for fact in FACTS]
    assert len(told) == len(set(told))


def test_every_fact_is_about_the_catalog() -> None:
    assert {fact.model for fact in FACTS} <= set(CATALOG.models)
    assert {fact.device for fact in FACTS if fact.device} <= set(CATALOG.devices)


def test_every_fact_can_be_asked_about() -> None:
    asked: list[Request] = []

    def ask(request: Request) -> Answer:
        asked.append(request)
        return answered(a_fact())

    compare(FACTS, ask)
    assert len(asked) == len(FACTS)
    assert all(request.split is None for request in asked if request.gpus == 1)
    assert all(request.split is not None for request in asked if request.gpus > 1)


def test_a_plan_that_is_stated_is_given_in_full() -> None:
    for fact in FACTS:
        if fact.stated:
            assert None not in (fact.offload, fact.vae_tiling), fact.source


def test_what_does_not_count_says_why() -> None:
    assert all(fact.note for fact in FACTS if fact.role is Role.SANITY)


def test_there_is_something_to_hold_every_floor_to() -> None:
    rows = predicted()
    counted = [fact for fact in FACTS if fact.counts]
    assert sum(f.engine == DIFFUSERS and f.unit is Unit.GIB and f.stated for f in counted) >= 15
    assert len({fact.device for fact in counted if fact.seconds}) >= 12
    assert len({fact.model for fact in counted}) >= 15
    assert len(ladders(rows)) >= 3
    assert sum(gain.together.fact.gpus == 8 for gain in speed_ups(rows)) >= 12
    assert {fact.role for fact in FACTS} == set(Role)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"peak_gib": None, "unit": None, "seconds": None}, "neither memory nor time"),
        ({"unit": None}, "a peak has a unit"),
        ({"peak_gib": None}, "a peak has a unit"),
        ({"device": None}, "needs the device"),
        ({"precision": "fp7"}, "fp16"),
        ({"source": {"repository": "nobody", "path": "README.md", "quote": "words"}}, "pattern"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_line_that_is_no_fact_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        a_fact(**change)


def test_printed_gigabytes_may_mean_less() -> None:
    least, most = a_fact(peak_gib=60.0, unit="gb?", rounding=0.5).peak_range
    assert most == 60.5
    assert least == pytest.approx(59.5 / GB_PER_GIB)
    assert a_fact(peak_gib=60.1).peak_range == (60.1, 60.1)


@pytest.mark.parametrize(
    ("unit", "predicted_gib", "error"),
    [("gib", 60.1, 0.0), ("gib", 54.09, -0.1), ("gb?", 57.0, 0.0), ("gb?", 66.11, 0.1)],
)
def test_an_error_counts_from_what_the_figure_can_mean(
    unit: str, predicted_gib: float, error: float
) -> None:
    fact = a_fact(unit=unit)
    row = Compared(fact, answered(fact, memory=lambda _fact, _gib: predicted_gib))
    assert row.memory_error == pytest.approx(error)


def test_time_is_off_by_the_same_factor_both_ways() -> None:
    slow = Compared(a_fact(), answered(a_fact(), time=lambda _fact, s: s * 2))
    fast = Compared(a_fact(), answered(a_fact(), time=lambda _fact, s: s / 2))
    assert slow.time_factor == fast.time_factor == 2.0
    assert (slow.time_ratio, fast.time_ratio) == (2.0, 0.5)


def test_a_step_s_time_is_held_to_the_denoising_alone() -> None:
    fact = a_fact(covers="denoise")
    assert Compared(fact, answered(fact)).time_ratio == 1.0


def test_a_time_without_the_denoising_is_no_prediction() -> None:
    partly = answered(a_fact()).model_copy(update={"stages": (StageView(name="denoise"),)})
    row = Compared(a_fact(), partly)
    assert row.time_ratio is None
    assert not row.is_answered


def test_a_perfect_predictor_holds_every_floor() -> None:
    assert failed(predicted()) == set()


def test_ten_per_cent_too_little_memory_is_found() -> None:
    """The median is off by more than 5 %, and stated plans are 10 % below."""
    wrong = predicted(memory=lambda fact, gib: gib * 0.9 if fact.engine == DIFFUSERS else gib)
    assert failed(wrong) == {
        "memory of diffusers runs",
        "memory of diffusers runs, plan stated",
    }


def test_one_stated_plan_far_below_is_found() -> None:
    told = next(f for f in FACTS if f.stated and f.unit is Unit.GIB and f.engine == DIFFUSERS)
    wrong = predicted(memory=lambda fact, gib: gib * 0.9 if fact is told else gib)
    assert failed(wrong) == {"memory of diffusers runs, plan stated"}


def test_too_much_memory_of_other_engines_is_found() -> None:
    wrong = predicted(memory=lambda fact, gib: gib if fact.engine == DIFFUSERS else gib * 1.3)
    assert failed(wrong) == {"memory of other engines"}


def test_everything_forty_per_cent_slow_is_not_close_but_near() -> None:
    assert failed(predicted(time=lambda _fact, s: s * 1.4)) == {
        "time within 1.3 x, device and kernel given"
    }


def test_a_tenth_of_the_times_far_off_is_found() -> None:
    """Every kernel but torch's own is twice as slow as published."""
    wrong = predicted(time=lambda fact, s: s * 2 if fact.attention == "flash3" else s)
    assert "time within 1.6 x, device and kernel given" in failed(wrong)


def test_devices_that_do_not_help_are_found() -> None:
    wrong = predicted(time=lambda fact, s: s * 1.25 if fact.gpus == 8 else s)
    assert failed(wrong) == {"speed-up of 8 devices within 15%"}


def test_a_ladder_climbed_the_wrong_way_is_found() -> None:
    """Offloading saves nothing, tiling does."""

    def no_offload(fact: Fact, gib: float) -> float:
        return gib * 3 if fact.offload == "model" and fact.source.path == "pull/2592" else gib

    assert "ladders of plans in the published order" in failed(predicted(memory=no_offload))


def test_figures_that_may_mean_the_same_have_no_order() -> None:
    one = a_fact(peak_gib=20.0, unit="gb?", rounding=0.5)
    other = a_fact(peak_gib=20.5, unit="gb?", rounding=0.5, offload="model")
    rows = tuple(Compared(fact, answered(a_fact())) for fact in (one, other))
    (ladder,) = ladders(rows)
    assert ladder.reversed_pairs == ()


def test_a_run_that_took_place_must_not_be_called_impossible() -> None:
    rows = predicted()
    silent = rows[0].answer.model_copy(update={"status": Status.INFEASIBLE, "seconds": None})
    wrong = (Compared(rows[0].fact, silent), *rows[1:])
    assert failed(wrong) == {"runs that took place are predicted, and called possible"}


def test_vague_rows_never_count() -> None:
    vague = tuple(
        Compared(fact, answered(fact, lambda _f, _g: 9e9, lambda _f, _s: 9e9))
        if fact.role is Role.SANITY
        else Compared(fact, answered(fact))
        for fact in FACTS
    )
    assert failed(vague) == set()


def test_nothing_to_compare_holds_no_floor() -> None:
    assert not any(floor.holds for floor in floors(()))


def test_the_report_names_what_failed() -> None:
    wrong = predicted(time=lambda fact, s: s * 1.25 if fact.gpus == 8 else s)
    said = report(wrong, floors(wrong))
    (line,) = [line for line in said.splitlines() if "FAILS" in line]
    assert line.startswith("speed-up of 8 devices")
    assert "wan2.1-t2v-14b 1280x720x81, 50 steps, 8 x a100-80gb" in said


def test_every_row_is_on_a_line_of_its_own() -> None:
    assert len(every_row(predicted()).splitlines()) == len(FACTS) + 2


def test_columns_line_up() -> None:
    assert table(("name", "n"), [("a", "10"), ("bcdef", "2")]).splitlines() == [
        "name    n",
        "-----  --",
        "a      10",
        "bcdef   2",
    ]


def test_as_json_every_figure_is_there() -> None:
    rows = predicted()
    found = as_json(rows, floors(rows))
    assert len(found["rows"]) == len(FACTS)
    assert {floor["name"] for floor in found["floors"]} == set(verdicts(rows))
