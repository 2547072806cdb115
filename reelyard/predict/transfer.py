"""Bytes that travel to a device: weights at a load, offloaded weights during a run. Pure."""

from __future__ import annotations

from reelyard.plan import Offload, Plan
from reelyard.predict.span import Span
from reelyard.predict.subject import Subject
from reelyard.predict.weights import BYTES, Held, in_precision

PAGEABLE_SHARE = 0.4
"""Of the rate of pinned copies, what ordinary memory reaches (6-10 of 24 GB/s on PCIe 4 x16)."""
READ_GB_S = 2.0
"""Of a disk that nobody has measured: an NVMe drive behind a file system."""
OPENING_SECONDS = 2.0
"""Configurations, tokenizer, building the modules: the model that ships with Reelyard, 6 MB, loads
in 2.2 to 3.6 s on two busy cores."""
CAST_GB_S = 4.0
"""Weights that are stored in another format than they are held in are cast by the host."""


def copies(one: Span, calls: int, plan: Plan, subject: Subject, denoisers: list[Held]) -> float:
    """Seconds that offloaded weights add: `group` streams them beside the work of every call,
    `sequential` before it, `model` once a job and back."""
    rate = copy_rate(subject)
    if rate is None or plan.offload is Offload.NONE:
        return 0.0
    if plan.offload is Offload.MODEL:
        return sum(2 * part.all for part in denoisers) / (rate * PAGEABLE_SHARE)
    moved = calls * denoisers[0].all
    if plan.offload is Offload.GROUP:
        return max(0.0, moved / rate - (one.matmul + one.attention + one.memory))
    return moved / (rate * PAGEABLE_SHARE)


def visit(part: Held, plan: Plan, subject: Subject, visits: int) -> float:
    """Seconds that an encoder or a VAE travels, which waits in RAM: once, or for each use."""
    rate = copy_rate(subject)
    if rate is None or plan.offload is Offload.NONE:
        return 0.0
    times = visits if plan.offload is Offload.SEQUENTIAL else 1
    return times * part.all / (rate * PAGEABLE_SHARE)


def copy_rate(subject: Subject) -> float | None:
    """Bytes a second between RAM and device; None where they are one."""
    device = subject.device
    if device is None or subject.is_one_pool or device.host_gb_s is None:
        return None
    return device.host_gb_s.value * 1e9


def load_seconds(subject: Subject, plan: Plan, read_gb_s: float | None = None) -> float:
    """From disk into the device's memory; zero is for whoever knows that it is there already.

    Reading and casting follow one another; the copy to the device adds its own time unless the
    weights stay in RAM.
    """
    disk = cast = 0.0
    parts = subject.parts(plan.precision)
    for part, now in zip(subject.model.parts, parts, strict=True):
        size = now.component.parameters * BYTES[part.disk]
        disk += size
        if part.disk is not in_precision(part, plan.precision):
            cast += size
    reading = disk / ((read_gb_s or READ_GB_S) * 1e9)
    seconds = OPENING_SECONDS + reading + cast / (CAST_GB_S * 1e9)
    rate = copy_rate(subject)
    if rate is not None and plan.offload is Offload.NONE:
        seconds += sum(part.all for part in parts) / (rate * PAGEABLE_SHARE)
    return seconds
