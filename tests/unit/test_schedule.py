"""Who goes where, in which order, and what those that wait are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.core.decisions import Assign, Hold
from coordinator.core.filters import refusal
from coordinator.core.foresight import Foresight
from coordinator.core.schedule import schedule
from coordinator.core.snapshot import Device, Waiting
from reelyard.plan import Offload, Precision
from reelyard.states import Band, WorkerState
from tests.support.core_values import (
    CATALOG,
    DEMO,
    FORESIGHT,
    LARGE,
    SMALL,
    device,
    farm,
    film,
    line,
    shot,
    waiting,
)


def assigned(*found: Waiting | Device) -> dict[str, tuple[str, str]]:
    return {d.task.id: d.device.key for d in schedule(farm(*found)) if isinstance(d, Assign)}


def reason(*found: Waiting | Device) -> str:
    (decision,) = schedule(farm(*found))
    assert isinstance(decision, Hold)
    return decision.because


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"priority": 51, "queued_at": 9.0}, {"priority": 50, "queued_at": 1.0}),
        ({"queued_at": 1.0}, {"queued_at": 2.0}),
        ({"band": Band.NORMAL}, {"band": Band.BATCH, "queued_at": -50.0}),
        ({"rank": -1.0}, {"priority": 100, "queued_at": -50.0}),
    ],
    ids=["priority", "age", "band", "moved to the front"],
)
def test_who_chooses_first(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, two = waiting(id="job-a.z", **first), waiting(id="job-a.a", **second)
    assert list(assigned(two, one, device())) == ["job-a.z"]


def test_scenes_of_a_film_go_in_its_order() -> None:
    tasks = [waiting(id=f"job-a.s0{n}.video1", scene=n) for n in (3, 1, 2)]
    assert list(assigned(*tasks, device())) == ["job-a.s01.video1"]


def test_one_heavy_task_per_idle_device() -> None:
    tasks = [waiting(id=f"job-a.{n}", scene=n) for n in range(3)]
    found = assigned(*tasks, device("v"), device("w"), device("x", busy="Scene 9 · picture"))
    assert found == {"job-a.0": ("v", "cpu"), "job-a.1": ("w", "cpu")}


def test_a_voice_is_made_beside_a_picture_where_both_fit() -> None:
    both = (waiting(line(), "job-a.l"), device(busy="Scene 9 · picture"))
    assert assigned(*both) == {"job-a.l": ("w", "cpu")}
    tight = device(busy="Scene 9 · picture", memory_gib=1.05)
    assert assigned(waiting(line(), "job-a.l"), tight) == {}


def test_a_device_that_holds_the_model_is_preferred() -> None:
    holds = device("w", resident=frozenset({DEMO}))
    (decision,) = schedule(farm(waiting(), device("a"), holds))
    assert isinstance(decision, Assign) and decision.device is holds
    assert f"{DEMO} is in its memory" in decision.because


def test_pictures_go_to_a_gpu_and_voices_to_a_cpu() -> None:
    picture = waiting(shot(SMALL, 81), "job-a.v")
    found = assigned(picture, waiting(line(), "job-a.l"), device(), device(id="cuda:0"))
    assert found == {"job-a.v": ("w", "cuda:0"), "job-a.l": ("w", "cpu")}


def test_the_smallest_gpu_that_will_do_is_taken() -> None:
    small, large = device("s", "cuda:0"), device("l", "cuda:0", memory_gib=80.0)
    assert assigned(waiting(), large, small) == {"job-a.s01.video1": small.key}


def test_a_leaner_plan_is_taken_where_the_fastest_does_not_fit() -> None:
    work = shot(SMALL, 81)
    roomy = FORESIGHT.fit(waiting(work), device(id="cuda:0", memory_gib=80.0))
    tight = FORESIGHT.fit(waiting(work), device(id="cuda:0", memory_gib=14.5))
    assert roomy is not None and tight is not None
    assert roomy.plan.offload is Offload.NONE and roomy.plan.precision is Precision.BF16
    assert tight.plan.offload is Offload.GROUP and tight.gib <= 14.5 < roomy.gib


def test_waits_for_its_needs_and_says_for_which() -> None:
    task = waiting(open_needs=("Scene 2 · voice",))
    assert reason(task, device()) == "waits for Scene 2 · voice"


def test_a_long_list_of_needs_is_counted() -> None:
    task = waiting(film(), open_needs=("a", "b", "c", "d", "e"))
    assert reason(task, device()) == "waits for a, b, c and 2 more"


def test_a_paused_job_and_a_pause_after_a_failure_wait() -> None:
    assert reason(waiting(paused=True), device()) == "its job is paused"
    assert reason(waiting(not_before=105.0), device()) == "tries again in 5 s"


def test_a_busy_device_is_named_with_what_it_does() -> None:
    said = reason(waiting(), device(busy="Scene 1 · picture"))
    assert said == "cpu (node w) is busy with Scene 1 · picture"


def test_an_empty_farm_says_so() -> None:
    assert reason(waiting()) == "no worker has joined the farm yet"


@pytest.mark.parametrize("state", [WorkerState.OFFLINE, WorkerState.DRAINING, WorkerState.ASLEEP])
def test_a_worker_that_takes_nothing_is_named_with_its_state(state: WorkerState) -> None:
    assert reason(waiting(), device(state=state)) == f"cpu (node w): its worker is {state}"


def test_what_fits_nowhere_is_told_the_numbers() -> None:
    task = waiting(shot(LARGE, 81))
    card = device(id="cuda:0", memory_gib=24.0, ram_gib=8.0)
    (decision,) = schedule(farm(task, card, device()))
    assert isinstance(decision, Hold) and decision.for_ever
    needed = FORESIGHT.least_gib(task, card)
    assert needed > 24.0
    assert decision.because == (
        f"nobody can ever run this: it needs {needed:.1f} GiB on one device; "
        "the largest has 24.0 (rtx-4090 (node w))"
    )


def test_of_able_devices_the_one_that_is_done_first_is_taken() -> None:
    work = shot(SMALL, 81)
    fast = device("f", "cuda:0", type="h100-sxm", memory_gib=80.0)
    slow = device("s", "cuda:0", type="jetson-agx-orin-64gb", kind="jetson", memory_gib=60.0)
    assert assigned(waiting(work), slow, fast) == {"job-a.s01.video1": fast.key}
    holding = replace(slow, resident=frozenset({SMALL}))
    assert assigned(waiting(work), holding, fast) == {"job-a.s01.video1": fast.key}
    there = replace(fast, worker_id="g", resident=frozenset({SMALL}))
    assert assigned(waiting(work), fast, there) == {"job-a.s01.video1": there.key}


def test_a_device_whose_time_is_known_goes_before_one_of_no_known_type() -> None:
    known = device("z", "cuda:0", type="rtx-4090")
    unknown = device("a", "cuda:0", type="", memory_gib=80.0)
    assert assigned(waiting(shot(SMALL, 81)), known, unknown) == {"job-a.s01.video1": known.key}
    cpu = device("b", memory_gib=80.0)
    assert assigned(waiting(shot(SMALL, 33)), cpu, unknown) == {"job-a.s01.video1": unknown.key}


def test_the_reason_carries_the_numbers() -> None:
    card = device(id="cuda:0", memory_gib=24.0, foreign_gib=2.0)
    (decision,) = schedule(farm(waiting(shot(SMALL, 81)), card))
    assert isinstance(decision, Assign)
    fit = decision.fit
    assert fit.seconds is not None and fit.load_seconds is not None
    assert decision.because == (
        f"first in line; {fit.plan.sentence()}: at most {fit.gib:.1f} of "
        f"22.0 GiB; about {fit.seconds:.0f} s; about {fit.load_seconds:.0f} s to load {SMALL}"
    )
    assert decision.predicted_gib == round(fit.gib, 3) and decision.plan is fit.plan


def test_alike_devices_and_demands_are_asked_about_once() -> None:
    foresight = Foresight(CATALOG)
    cards = [device(f"w{n}", "cuda:0") for n in range(20)]
    tasks = [waiting(shot(SMALL, 81), f"job-{n}.t") for n in range(40)]
    schedule(farm(*tasks, *cards), foresight)
    assert len(foresight.known) == 1


def test_what_other_programs_hold_is_not_given_away() -> None:
    said = refusal(waiting(), device(memory_gib=16.0, foreign_gib=15.9), FORESIGHT)
    assert said is not None and "has 0.1, other programs hold 15.9" in said


def test_a_model_that_nobody_has_is_named() -> None:
    said = reason(waiting(), device(models=frozenset()))
    assert said == f"nobody can ever run this: its node does not have the model {DEMO}"


def test_what_ran_out_of_memory_gets_more_room_then_a_leaner_plan() -> None:
    card, work = device(id="cuda:0", memory_gib=32.0), shot(SMALL, 81)
    first = FORESIGHT.fit(waiting(work), card)
    assert first is not None and first.plan.offload is Offload.NONE
    again = FORESIGHT.fit(waiting(work, short_of=(first.gib,)), card)
    assert again == first  # there is room for more than was predicted
    third = FORESIGHT.fit(waiting(work, short_of=(first.gib,) * 4), card)
    assert third is not None and third.gib < first.gib
    small = device(id="cuda:0", memory_gib=first.gib)
    leaner = FORESIGHT.fit(waiting(work, short_of=(first.gib,)), small)
    assert leaner is not None and leaner.gib < first.gib


def test_what_ran_out_of_memory_goes_to_a_larger_device() -> None:
    task = waiting()
    predicted = FORESIGHT.fit(task, device())
    assert predicted is not None
    ways = tuple(sorted({predicted.gib, 0.0}))
    tried = waiting(short_of=ways * 3)
    small, large = device("s", memory_gib=predicted.gib), device("l")
    assert assigned(task, small) == {task.id: small.key}
    assert assigned(tried, small, large) == {task.id: large.key}


def test_a_model_that_left_the_catalog_is_named_and_holds_up_nobody() -> None:
    work = shot().model_copy(update={"model": "gone"})
    gone = waiting(work, "job-a.1", model="gone")
    decisions = schedule(
        farm(gone, waiting(id="job-b.1"), device(models=frozenset({"gone", DEMO})))
    )
    (hold,) = (d for d in decisions if isinstance(d, Hold))
    assert hold.task is gone and "the farm's catalog has no gone any more" in hold.because
    assert [d.task.id for d in decisions if isinstance(d, Assign)] == ["job-b.1"]


def test_a_held_demand_does_not_hold_up_another() -> None:
    large, small = waiting(shot(LARGE, 81), "job-a.1"), waiting(id="job-b.1", queued_at=9.0)
    assert assigned(large, small, device()) == {"job-b.1": ("w", "cpu")}


WORKS = st.sampled_from([shot(), shot(SMALL, 33), shot(LARGE, 81), line(), film()])
TASKS = st.builds(
    lambda work, **more: (work, more),
    WORKS,
    priority=st.integers(0, 3),
    queued_at=st.floats(0, 9),
    scene=st.integers(0, 3),
    not_before=st.sampled_from([0.0, 200.0]),
    open_needs=st.sampled_from([(), ("Scene 1 · voice",)]),
    paused=st.booleans(),
)
DEVICES = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["cpu", "cuda:0"]),
        "memory_gib": st.sampled_from([0.5, 8.0, 24.0, 80.0]),
        "foreign_gib": st.sampled_from([0.0, 4.0]),
        "state": st.sampled_from(WorkerState),
        "busy": st.sampled_from(["", "Scene 1 · picture"]),
        "resident": st.sampled_from([frozenset[str](), frozenset({DEMO})]),
        "models": st.sampled_from([frozenset(CATALOG.models), frozenset[str]()]),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TASKS, max_size=12), st.lists(DEVICES, max_size=6), st.randoms())
def test_what_always_holds(
    tasks: list[tuple[Any, dict[str, Any]]], devices: list[dict[str, Any]], chance: Any
) -> None:
    waits = [
        waiting(work, f"job-{n}.t", **{**more, "label": "t"})
        for n, (work, more) in enumerate(tasks)
    ]
    offered = [device(f"w{n}", **described) for n, described in enumerate(devices)]
    decisions = schedule(farm(*waits, *offered))
    placed = [d for d in decisions if isinstance(d, Assign)]
    held = [d for d in decisions if isinstance(d, Hold)]

    # Each task is decided upon once, with a reason.
    assert sorted(d.task.id for d in (*placed, *held)) == sorted(task.id for task in waits)
    assert all(d.because for d in decisions)
    # No lane is given twice, none that is busy, none that may not, none beyond its memory.
    assert len({(*d.device.key, d.lane) for d in placed}) == len(placed)
    for d in placed:
        assert d.lane == "side" or not d.device.busy
        assert refusal(d.task, d.device, FORESIGHT) is None
        assert d.task.not_before <= 100.0 and not d.task.open_needs and not d.task.paused
    for one in offered:
        together = sum(d.predicted_gib for d in placed if d.device.key == one.key)
        assert not together or together <= one.memory_gib - one.foreign_gib + 0.01
    # Where nothing runs and nothing is started, nothing that could run is left waiting.
    if not placed and not any(one.busy for one in offered):
        for task in (hold.task for hold in held):
            if not (task.open_needs or task.paused or task.not_before > 100.0):
                assert all(refusal(task, one, FORESIGHT) for one in offered)
    # The same answer whatever the order of what is asked.
    again = list(waits)
    chance.shuffle(again)
    said = {d.task.id: d.because for d in schedule(farm(*again, *offered))}
    assert said == {d.task.id: d.because for d in (*placed, *held)}
