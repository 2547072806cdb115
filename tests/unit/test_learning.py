"""What a try teaches, what it cannot teach, and which lessons of others are believed."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.core.learning import (
    MOST_RATIO,
    Expected,
    credible,
    expected,
    is_empty,
    ran_out,
    seen,
    trusted,
)
from reelyard.errors import InvalidInput
from reelyard.messages import Measured
from reelyard.plan import Offload, Plan, Precision
from reelyard.predict.forecast import Host
from reelyard.predict.lessons import Key, Seen
from reelyard.predict.views import LessonList, LessonView
from tests.support.core_values import CATALOG, DEMO, SMALL, shot

PLAN = Plan(precision=Precision.BF16, offload=Offload.MODEL)


def law(device: str = "rtx-4090", model: str = SMALL, **host: float) -> Expected | None:
    work = shot(SMALL, 81).model_copy(update={"model": model})
    return expected(work, False, PLAN, device, Host(**host), CATALOG)


def some_law() -> Expected:
    found = law()
    assert found is not None
    return found


def test_a_lesson_is_kept_by_model_plan_and_type() -> None:
    assert some_law().key == Key(SMALL, "bf16, model offload", "rtx-4090")


@pytest.mark.parametrize(("device", "model"), [("", SMALL), ("abacus", SMALL), ("cpu", "gone")])
def test_where_nothing_is_known_nothing_is_learned(device: str, model: str) -> None:
    assert law(device, model) is None


def test_measured_over_predicted() -> None:
    way = some_law().way
    assert way.seconds and way.load_seconds
    took = Measured(
        peak_gib=way.footprint.metered_gib * 1.1,
        run_seconds=way.seconds * 2,
        load_seconds=way.load_seconds * 3,
        warm=False,
    )
    found = seen(took, way)
    assert found == Seen(memory=pytest.approx(1.1), seconds=pytest.approx(2), load=pytest.approx(3))
    warm = took.model_copy(update={"warm": True})
    assert seen(warm, way).load is None
    rest = took.model_copy(update={"steps_before": 3})
    assert seen(rest, way).seconds is None, "it did not do all of it"
    assert seen(rest, way).memory == found.memory


def test_a_load_is_compared_with_the_disk_that_it_was_read_from() -> None:
    slow, fast = law(read_gb_s=0.5), law(read_gb_s=5.0)
    assert slow is not None and fast is not None
    assert slow.way.load_seconds and fast.way.load_seconds
    assert slow.way.load_seconds > 2 * fast.way.load_seconds
    assert slow.way.seconds == fast.way.seconds


def test_the_load_of_a_tiny_model_is_more_than_its_bytes() -> None:
    """Six megabytes, but there are configurations to read and modules to build."""
    found = expected(shot(DEMO), False, Plan(), "cpu", Host(), CATALOG)
    assert found is not None
    load = seen(Measured(load_seconds=3.4, run_seconds=6.0, warm=False), found.way).load
    assert load is not None and 1 / 3 < load < 3


@pytest.mark.parametrize(
    "measured", [Measured(), Measured(peak_gib=0.0, run_seconds=0.0, load_seconds=0.0, warm=False)]
)
def test_nothing_measured_says_nothing(measured: Measured) -> None:
    assert is_empty(seen(measured, some_law().way))


def test_running_out_says_that_the_promise_was_too_small() -> None:
    way = some_law().way
    found = ran_out(way.bound_gib, way)
    assert found.ran_out == pytest.approx(way.bound_gib / way.footprint.metered_gib)
    assert found.ran_out > 1 and not is_empty(found)


@pytest.mark.parametrize("ratio", [MOST_RATIO * 1.01, 1 / MOST_RATIO / 1.01, 1e9])
@pytest.mark.parametrize("name", ["memory", "seconds", "load", "ran_out"])
def test_what_cannot_be_true_is_left_out_and_told_of(name: str, ratio: float) -> None:
    kept, said = credible(Seen(**{name: ratio}))
    assert is_empty(kept) and len(said) == 1 and f"{ratio:.3g} times" in said[0]


def test_the_rest_of_an_odd_run_is_believed() -> None:
    assert credible(Seen(memory=1.1, seconds=900.0))[0] == Seen(memory=1.1)
    assert credible(Seen(1.1, MOST_RATIO, 1 / MOST_RATIO)) == (Seen(1.1, 50.0, 0.02), ())


def view(**other: Any) -> LessonView:
    usual: dict[str, Any] = {
        "model": SMALL,
        "plan": "bf16",
        "device": "rtx-4090",
        "runs": 3,
        "timed": 3,
        "memory": 1.1,
        "most_memory": 1.2,
        "seconds": 0.9,
        "spread": 1.1,
        "load": 1.0,
        "loads": 1,
        "failures": 0,
    }
    return LessonView(**{**usual, **other})


def test_lessons_of_others_are_taken_as_they_are() -> None:
    (lesson,) = trusted(LessonList(data=[view()]))
    assert lesson.key == Key(SMALL, "bf16", "rtx-4090") and lesson.most_memory == 1.2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory", 51.0),
        ("seconds", 0.001),
        ("load", 1e300),
        ("spread", 60.0),
        ("most_memory", 99.0),
        ("runs", 2**40),
        ("model", ""),
        ("plan", "x" * 201),
        ("device", "a\nb"),
    ],
)
def test_lessons_that_cannot_be_true_are_named(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        trusted(LessonList(data=[view(), view(**{field: value})]))
    (problem,) = caught.value.problems
    assert problem.field == f"data.1.{field}" and problem.limit and problem.remedy
