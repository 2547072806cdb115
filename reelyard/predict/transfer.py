"""Bytes that travel to a device: weights at a load, offloaded weights during a run. Pure."""

from __future__ import annotations

from reelyard.catalog import Catalog, DeviceType, VideoModel
from reelyard.plan import Offload, Plan
from reelyard.predict.memory import is_one_pool
from reelyard.predict.span import Span
from reelyard.predict.weights import BYTES, Held, held, in_precision

PAGEABLE_SHARE = 0.4
"""Of the rate of pinned copies, what ordinary memory reaches (6-10 of 24 GB/s on PCIe 4 x16)."""
READ_GB_S = 2.0
"""Of a disk that nobody has measured: an NVMe drive behind a file system."""
CAST_GB_S = 4.0
"""Weights that are stored in another format than they are held in are cast by the host."""


def copies(one: Span, calls: int, plan: Plan, device: DeviceType, denoisers: list[Held]) -> float:
    """Seconds that offloaded weights add: `group` streams them beside the work of every call,
    `sequential` before it, `model` once a job and back."""
    rate = copy_rate(device)
    if rate is None or plan.offload is Offload.NONE:
        return 0.0
    if plan.offload is Offload.MODEL:
        return sum(2 * part.all for part in denoisers) / (rate * PAGEABLE_SHARE)
    moved = calls * denoisers[0].all
    if plan.offload is Offload.GROUP:
        return max(0.0, moved / rate - (one.matmul + one.attention + one.memory))
    return moved / (rate * PAGEABLE_SHARE)


def visit(part: Held, plan: Plan, device: DeviceType, visits: int) -> float:
    """An encoder or a VAE that waits in RAM comes once for each use."""
    rate = copy_rate(device)
    if rate is None or plan.offload is Offload.NONE:
        return 0.0
    times = visits if plan.offload is Offload.SEQUENTIAL else 1
    return times * part.all / (rate * PAGEABLE_SHARE)


def copy_rate(device: DeviceType) -> float | None:
    """Bytes a second between RAM and device; None where they are one."""
    if is_one_pool(device) or device.host_gb_s is None:
        return None
    return device.host_gb_s.value * 1e9


def load_seconds(
    model: VideoModel,
    catalog: Catalog,
    plan: Plan,
    device: DeviceType,
    read_gb_s: float | None = None,
) -> float:
    """From disk into the device's memory; zero is for whoever knows that it is there already.

    Reading and casting follow one another; the copy to the device adds its own time unless the
    weights stay in RAM.
    """
    disk = cast = held_bytes = 0.0
    for part, now in zip(model.parts, held(model, catalog, plan.precision), strict=True):
        size = now.component.parameters * BYTES[part.disk]
        disk += size
        held_bytes += now.all
        if part.disk is not in_precision(part, plan.precision):
            cast += size
    seconds = disk / ((read_gb_s or READ_GB_S) * 1e9) + cast / (CAST_GB_S * 1e9)
    rate = copy_rate(device)
    if rate is not None and plan.offload is Offload.NONE:
        seconds += held_bytes / (rate * PAGEABLE_SHARE)
    return seconds
