"""What would make it fit: another plan, a shorter clip, larger devices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reelyard.catalog import DeviceType
from reelyard.plan import Plan
from reelyard.predict.forecast import Circumstances, Host, measured
from reelyard.predict.plans import Wish, best, fits, ways
from reelyard.predict.request import Request
from reelyard.predict.subject import Subject, subject

_NAMED_DEVICES = 3


def remedies(request: Request, asked: Subject, leanest: Plan, room_gib: float) -> Iterator[str]:
    """Each as the end of "it would fit ...". `leanest`: the plan that came nearest."""
    under = Circumstances(Host(request.ram_gib, request.read_gb_s))
    free = Wish(devices=request.gpus)
    if request.wish != free:
        other = best(asked, ways(asked, free), room_gib, under)
        if other is not None:
            yield f"with {other.plan.sentence()} ({other.bound_gib:.1f} GiB)"
    if frames := _longest_that_fits(asked, leanest, room_gib, under):
        yield f"with {frames} frames"
    if larger := list(_larger(asked, request.wish)):
        yield "on " + ", ".join(larger[:_NAMED_DEVICES])


def _longest_that_fits(
    asked: Subject, leanest: Plan, room_gib: float, under: Circumstances
) -> int | None:
    """The most frames, at this size, that the leanest plan fits; None when not even the least."""
    model = asked.model
    low, high = 0, (asked.shape.frames - model.min_frames) // model.frame_step
    found = None
    while low <= high:
        middle = (low + high) // 2
        frames = model.frames_for(model.min_frames + middle * model.frame_step)
        shorter = subject(model, asked.catalog, replace(asked.shape, frames=frames), asked.device)
        if fits(measured(shorter, leanest), room_gib, under.host):
            found, low = frames, middle + 1
        else:
            high = middle - 1
    return found


def _larger(asked: Subject, wish: Wish) -> Iterator[str]:
    """Types of device that it fits, the smallest first. What a plan needs depends on the type only
    where RAM and VRAM are one pool: two questions answer for all."""
    devices = sorted(asked.catalog.devices.values(), key=lambda one: one.usable_gib.value)
    needs = {
        unified: min(way.bound_gib for way in ways(_there(asked, device), wish))
        for unified in (True, False)
        if (device := next((d for d in devices if _is_plain(d, unified)), None))
    }
    for device in devices:
        least = needs.get(device.unified, float("inf"))
        if _is_plain(device, device.unified) and least <= device.usable_gib.value:
            yield device.id


def _is_plain(device: DeviceType, unified: bool) -> bool:
    """A GPU whose memory is (or is not) one pool with the node's."""
    return device.unified is unified and not device.is_cpu


def _there(asked: Subject, device: DeviceType) -> Subject:
    return subject(asked.model, asked.catalog, asked.shape, device)
