"""What must hold of every prediction, whatever the figures: searched for counter-examples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelyard.catalog import Catalog, DeviceType, VideoModel, load_catalog
from reelyard.plan import Gang, Offload, Plan, Precision, Split
from reelyard.predict.energy import use
from reelyard.predict.forecast import Circumstances, Forecast, forecast
from reelyard.predict.lessons import Key, Lesson, Seen, gathered, learn
from reelyard.predict.memory import footprint
from reelyard.predict.plans import best, plans, ways
from reelyard.predict.shape import Shape, legal
from reelyard.predict.subject import Subject, subject

CATALOG: Catalog = load_catalog()
MODELS = sorted(CATALOG.models)
GPUS = sorted(d.id for d in CATALOG.devices.values() if d.architecture != "cpu")
HALF = (Precision.INT8, Precision.BF16, Precision.AUTOCAST, Precision.FP32)
FASTER = (
    *("bandwidth_gb_s", "bf16_tflops", "matmul_tflops", "fp32_tflops", "exp_t_s", "host_gb_s"),
)

offloads = st.sampled_from(list(Offload))
precisions = st.sampled_from(HALF)


@st.composite
def shapes(draw: st.DrawFn, model: VideoModel) -> Shape:
    """Sizes and lengths that the model renders, around its own."""
    wide = draw(st.integers(1, 12)) * 10 * model.size_multiple
    high = draw(st.integers(1, 8)) * 10 * model.size_multiple
    frames = model.frames_for(draw(st.integers(1, model.max_frames)))
    wanted = Shape(min(wide, 2048), min(high, 1536), frames, draw(st.integers(1, 60)))
    return legal(model, wanted)[0]


@dataclass(frozen=True)
class Case:
    """Small enough to be printed when it fails."""

    model: str
    device: str
    shape: Shape

    def subject(self) -> Subject:
        model, device = CATALOG.models[self.model], CATALOG.devices[self.device]
        return subject(model, CATALOG, self.shape, device)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    model = draw(st.sampled_from(MODELS))
    shape = draw(shapes(CATALOG.models[model]))
    return Case(model, draw(st.sampled_from(GPUS)), shape)


def peak(one: Subject, plan: Plan) -> float:
    return footprint(one, plan).peak_gib


def longer(one: Subject, **changed: int) -> Subject:
    return subject(one.model, CATALOG, replace(one.shape, **changed), one.device)


@given(cases(), precisions, offloads, st.booleans())
def test_memory_never_falls_when_the_clip_grows(
    case: Case, precision: Precision, offload: Offload, tiled: bool
) -> None:
    one = case.subject()
    plan = Plan(precision=precision, offload=offload, vae_tiling=tiled)
    side = one.model.size_multiple
    assert peak(one, plan) <= peak(longer(one, width=one.shape.width + side), plan) + 1e-9
    assert peak(one, plan) <= peak(longer(one, height=one.shape.height + side), plan) + 1e-9
    more = one.shape.frames + one.model.frame_step
    assert peak(one, plan) <= peak(longer(one, frames=more), plan) + 1e-9


@given(cases(), offloads, st.booleans())
def test_memory_never_falls_when_the_precision_grows(
    case: Case, offload: Offload, tiled: bool
) -> None:
    one = case.subject()
    needs = [peak(one, Plan(precision=p, offload=offload, vae_tiling=tiled)) for p in HALF]
    assert needs == sorted(needs)
    eight = Plan(precision=Precision.FP8, offload=offload, vae_tiling=tiled)
    assert peak(one, eight) <= needs[1] + 1e-9


@given(cases(), precisions, st.booleans())
def test_a_leaner_plan_never_needs_more(case: Case, precision: Precision, tiled: bool) -> None:
    one = case.subject()
    ladder = [
        peak(one, Plan(precision=precision, offload=offload, vae_tiling=tiled))
        for offload in (Offload.NONE, Offload.MODEL, Offload.GROUP, Offload.SEQUENTIAL)
    ]
    assert ladder == sorted(ladder, reverse=True)
    for offload in Offload:
        whole = Plan(precision=precision, offload=offload)
        assert peak(one, whole.model_copy(update={"vae_tiling": True})) <= peak(one, whole) + 1e-9


@given(cases(), st.integers(2, 8))
def test_a_sharing_gang_never_needs_more_per_device(case: Case, count: int) -> None:
    one = case.subject()
    alone = peak(one, Plan(precision=Precision.BF16))
    for split in (Split.CONTEXT, Split.TENSOR, Split.LAYERS):
        gang = Plan(precision=Precision.BF16, gang=Gang(devices=count, split=split))
        assert peak(one, gang) <= alone + 1e-9


def faster(device: DeviceType, factors: dict[str, float]) -> DeviceType:
    changed = {
        name: figure.model_copy(update={"value": figure.value * factor})
        for name, factor in factors.items()
        if (figure := getattr(device, name)) is not None
    }
    return device.model_copy(update=changed)


@given(
    cases(),
    precisions,
    offloads,
    st.booleans(),
    st.fixed_dictionaries({name: st.floats(1.0, 4.0) for name in FASTER}),
)
def test_a_faster_device_is_never_slower(
    case: Case, precision: Precision, offload: Offload, tiled: bool, factors: dict[str, float]
) -> None:
    one = case.subject()
    assert one.device is not None
    plan = Plan(precision=precision, offload=offload, vae_tiling=tiled)
    quick = subject(one.model, CATALOG, one.shape, faster(one.device, factors))
    slow_way, quick_way = forecast(one, plan), forecast(quick, plan)
    assert (quick_way.seconds or 0) <= (slow_way.seconds or 0) * (1 + 1e-9)
    assert (quick_way.load_seconds or 0) <= (slow_way.load_seconds or 0) * (1 + 1e-9)


@given(cases(), precisions, offloads)
def test_more_steps_and_frames_take_longer(
    case: Case, precision: Precision, offload: Offload
) -> None:
    one = case.subject()
    plan = Plan(precision=precision, offload=offload)
    now = forecast(one, plan).seconds or 0
    assert (forecast(longer(one, steps=one.shape.steps + 1), plan).seconds or 0) > now
    more = one.shape.frames + one.model.frame_step
    assert (forecast(longer(one, frames=more), plan).seconds or 0) >= now


@settings(max_examples=40)
@given(cases(), st.floats(4.0, 200.0))
def test_the_best_plan_is_found_though_dominated_ones_are_never_timed(
    case: Case, room: float
) -> None:
    """Timing every plan that fits must come to the same end."""
    one = case.subject()
    chosen = best(one, ways(one), room)
    able = [w for plan in plans(one) if (w := forecast(one, plan)).bound_gib <= room]
    assert (chosen is None) == (not able)
    own = [w for w in able if w.plan.precision is one.model.precision]
    if any(way.plan.offload is Offload.NONE for way in own):
        able = own  # what fits whole is never narrowed
    if chosen is not None:
        assert merit_of(chosen) <= min(merit_of(way) for way in able) + 1e-3


def merit_of(way: Forecast) -> float:
    eight = way.plan.precision in (Precision.FP8, Precision.INT8)
    return (way.seconds or 0) * (1.3 if eight else 1.0)


@given(cases(), precisions, offloads, st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_a_lower_cap_draws_no_more_and_takes_no_less(
    case: Case, precision: Precision, offload: Offload, first: float, second: float
) -> None:
    one = case.subject()
    device = one.device
    assert device is not None
    low, high = sorted((first, second))
    plan = Plan(precision=precision, offload=offload)
    spans = forecast(one, plan).spans
    tight = use(spans, device, low * device.power_w.value)
    wide = use(spans, device, high * device.power_w.value)
    assert tight.seconds >= wide.seconds - 1e-9
    assert tight.watt_hours / tight.seconds <= wide.watt_hours / wide.seconds + 1e-9


@given(
    cases(),
    st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.3, 3.0)), min_size=1, max_size=8),
)
def test_a_bound_is_never_under_what_was_seen(case: Case, seen: list[tuple[float, float]]) -> None:
    one = case.subject()
    plan = Plan(precision=Precision.BF16)
    assert one.device is not None
    lesson = Lesson(Key(one.model.id, plan.sentence(), one.device.id))
    for memory, seconds in seen:
        lesson = learn(lesson, Seen(memory=memory, seconds=seconds))
    way = forecast(one, plan, Circumstances(lessons=gathered([lesson])))
    metered = footprint(one, plan).metered_gib
    assert way.bound_gib >= metered * max(memory for memory, _ in seen) - 1e-9
    assert way.bound_gib >= footprint(one, plan).bound_gib - 1e-9


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_an_answer_on_every_device(name: str) -> None:
    """No model of the catalog is without the cards that its figures come from."""
    model = CATALOG.models[name]
    shape = legal(model, Shape(model.width, model.height, model.longest_clip, model.steps))[0]
    for device in CATALOG.devices.values():
        for way in ways(subject(model, CATALOG, shape, device)):
            assert way.peak_gib > way.footprint.weights_gib * 0.001
            assert way.bound_gib > way.peak_gib
        assert (forecast(subject(model, CATALOG, shape, device), Plan()).seconds or 0) > 0
