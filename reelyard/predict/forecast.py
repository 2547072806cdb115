"""One plan's forecast: memory, time, energy and load on a device, how sure it is and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reelyard.catalog import Catalog, DeviceType, VideoModel
from reelyard.plan import Attention, Offload, Plan
from reelyard.predict.duration import kernel_note, spans
from reelyard.predict.energy import use
from reelyard.predict.lessons import NOTHING, Key, Lessons
from reelyard.predict.memory import CONTEXT_GIB, Footprint, footprint, is_cpu
from reelyard.predict.shape import Shape
from reelyard.predict.span import Span
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
    basis: tuple[str, ...] = ()


def forecast(
    model: VideoModel,
    catalog: Catalog,
    shape: Shape,
    plan: Plan,
    device: DeviceType | None,
    host: Host = UNKNOWN_HOST,
    lessons: Lessons = NOTHING,
    cap_w: float | None = None,
) -> Forecast:
    """The forecast. With no device type only memory is known, as on a plain GPU."""
    space = footprint(model, catalog, shape, plan, device)
    if device is None:
        return Forecast(plan, space, space.peak_gib, space.bound_gib, basis=(_UNTIMED,))
    key = Key(model.id, plan.sentence(), device.id)
    needs = use(spans(model, catalog, shape, plan, device), device, cap_w, plan.devices)
    ratio = lessons.seconds_ratio(key)
    seconds = needs.seconds * ratio
    around = lessons.range_factor(key, uncertainty(plan, device))
    load = load_seconds(model, catalog, plan, device, host.read_gb_s) * lessons.load_ratio(key)
    return Forecast(
        plan=plan,
        footprint=space,
        peak_gib=space.peak_gib * lessons.memory_ratio(key),
        bound_gib=_bound(space, device, lessons.bound_ratio(key)),
        spans=needs.spans,
        seconds=seconds,
        low=seconds / around,
        high=seconds * around,
        load_seconds=load,
        watt_hours=needs.watt_hours * ratio,
        basis=_basis(plan, device, lessons, key),
    )


_UNTIMED = "the device is of no type in the catalog: memory is known, time is not"


def uncertainty(plan: Plan, device: DeviceType) -> float:
    """The half-width of the range of time, as a factor, before anything was measured here."""
    factor = MEASURED_RANGE
    if is_cpu(device):
        factor = CPU_RANGE
    elif device.matmul_tflops.source.startswith("estimate"):
        factor = ESTIMATED_RANGE
    if plan.attention is Attention.SAGE:
        factor *= KERNEL_RANGE
    if plan.offload in (Offload.GROUP, Offload.SEQUENTIAL):
        factor *= STREAMED_RANGE
    return factor * GANG_RANGE if plan.gang else factor


def _bound(space: Footprint, device: DeviceType, seen: float) -> float:
    """Never under what was seen, with the context that no counter of torch shows."""
    context = 0.0 if is_cpu(device) else CONTEXT_GIB
    return max(space.bound_gib, space.metered_gib * seen + context if seen else 0.0)


def _basis(plan: Plan, device: DeviceType, lessons: Lessons, key: Key) -> tuple[str, ...]:
    """What the figures rest on, for people."""
    said = ["memory: measured laws of the real-size networks, without a GPU"]
    own = lessons.of(key)
    if own is not None and own.timed:
        said.append(f"time: roofline, corrected by {own.timed} runs here (x{own.seconds:.2f})")
    elif key.device in lessons.by_device and lessons.by_device[key.device].timed:
        count = lessons.by_device[key.device].timed
        said.append(f"time: roofline, corrected by {count} runs of other plans on this type here")
    else:
        source = device.matmul_tflops.source
        said.append(
            f"time: roofline on {device.matmul_tflops.value:g} TFLOP/s ({source}) and "
            f"{device.bandwidth_gb_s.value:g} GB/s; never timed here"
        )
    if note := kernel_note(device, plan.attention):
        said.append(note)
    return tuple(said)
