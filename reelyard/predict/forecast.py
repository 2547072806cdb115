"""One plan's forecast: memory, time, energy and load on a device, how sure it is and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reelyard.catalog import DeviceType
from reelyard.plan import Attention, Offload, Plan
from reelyard.predict.duration import kernel_note, spans
from reelyard.predict.energy import use
from reelyard.predict.lessons import NOTHING, Key, Lessons
from reelyard.predict.memory import CONTEXT_GIB, Footprint, footprint
from reelyard.predict.span import Span
from reelyard.predict.subject import Subject
from reelyard.predict.transfer import load_seconds

MEASURED_RANGE = 1.3
ESTIMATED_RANGE = 1.45
KERNEL_RANGE = 1.2
STREAMED_RANGE = 1.25
GANG_RANGE = 1.15
CPU_RANGE = 3.0


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of the node around a device: its RAM, its disk's measured read speed."""

    ram_gib: float | None = None
    read_gb_s: float | None = None


UNKNOWN_HOST = Host()


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a model would run under a plan. Times are None where the device is of no known type.
    GiB per device, seconds of one clip with the model in memory, `low` and `high` around it."""

    plan: Plan
    footprint: Footprint
    peak_gib: float
    bound_gib: float
    spans: tuple[Span, ...] = ()
    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    load_seconds: float | None = None
    watt_hours: float | None = None

    def promise(self, room_gib: float) -> str:
        """`bf16: at most 9.3 of 23.5 GiB`"""
        return f"{self.plan.sentence()}: at most {self.bound_gib:.1f} of {room_gib:.1f} GiB"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a forecast is made under: the node, what runs have taught, a power cap per device."""

    host: Host = UNKNOWN_HOST
    lessons: Lessons = NOTHING
    cap_w: float | None = None


ORDINARY = Circumstances()


def forecast(subject: Subject, plan: Plan, under: Circumstances = ORDINARY) -> Forecast:
    """The forecast. With no device type only memory is known, as on a plain GPU."""
    return timed(subject, measured(subject, plan, under), under)


def measured(subject: Subject, plan: Plan, under: Circumstances = ORDINARY) -> Forecast:
    """The forecast of memory alone."""
    space = footprint(subject, plan)
    if subject.device is None or not under.lessons.by_key:
        return Forecast(plan, space, space.peak_gib, space.bound_gib)
    key = key_of(subject, plan)
    peak = space.peak_gib * under.lessons.memory_ratio(key)
    return Forecast(plan, space, peak, _bound(subject, space, under.lessons.bound_ratio(key)))


def timed(subject: Subject, way: Forecast, under: Circumstances = ORDINARY) -> Forecast:
    """The forecast with time, load and energy."""
    if subject.device is None:
        return way
    plan, device, lessons = way.plan, subject.device, under.lessons
    key = key_of(subject, plan)
    needs = use(spans(subject, plan, device), device, under.cap_w, plan.devices)
    ratio = lessons.seconds_ratio(key)
    around = lessons.range_factor(key, uncertainty(plan, device))
    seconds = needs.seconds * ratio
    load = load_seconds(subject, plan, under.host.read_gb_s) * lessons.load_ratio(key)
    return replace(
        way,
        spans=needs.spans,
        seconds=seconds,
        low=seconds / around,
        high=seconds * around,
        load_seconds=load,
        watt_hours=needs.watt_hours * ratio,
    )


def key_of(subject: Subject, plan: Plan) -> Key:
    """What lessons of such a run are kept under."""
    return Key(subject.model.id, plan.sentence(), subject.device.id if subject.device else "")


def uncertainty(plan: Plan, device: DeviceType) -> float:
    """The half-width of the range of time, as a factor, before anything was measured here."""
    factor = MEASURED_RANGE
    if device.is_cpu:
        factor = CPU_RANGE
    elif device.matmul_tflops.source.startswith("estimate"):
        factor = ESTIMATED_RANGE
    if plan.attention is Attention.SAGE:
        factor *= KERNEL_RANGE
    if plan.offload in (Offload.GROUP, Offload.SEQUENTIAL):
        factor *= STREAMED_RANGE
    return factor * GANG_RANGE if plan.gang else factor


def _bound(subject: Subject, space: Footprint, seen: float) -> float:
    """Never under what was seen, with the context that no counter of torch shows."""
    context = 0.0 if subject.is_cpu else CONTEXT_GIB
    return max(space.bound_gib, space.metered_gib * seen + context if seen else 0.0)


def basis(subject: Subject, plan: Plan, lessons: Lessons = NOTHING) -> tuple[str, ...]:
    """What the figures rest on, for people."""
    said = "memory: measured laws of the real-size networks, without a GPU"
    if subject.device is None:
        return (said, "time: not known, the device is of no type in the catalog")
    note = kernel_note(subject.device, plan.attention)
    return (
        said,
        _time_basis(subject.device, key_of(subject, plan), lessons),
        *filter(None, [note]),
    )


def _time_basis(device: DeviceType, key: Key, lessons: Lessons) -> str:
    own, others = lessons.of(key), lessons.by_device.get(key.device)
    if own is not None and own.timed:
        return f"time: roofline, corrected by {own.timed} runs here (x{own.seconds:.2f})"
    if others is not None and others.timed:
        return f"time: roofline, corrected by {others.timed} other runs on this type here"
    best, moves = device.matmul_tflops, device.bandwidth_gb_s
    return (
        f"time: roofline on {best.value:g} TFLOP/s ({best.source}) and {moves.value:g} GB/s; "
        "never timed here"
    )
