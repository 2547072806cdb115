"""What would make it fit: another plan, a shorter clip, larger devices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reelyard.predict.forecast import Circumstances, Host
from reelyard.predict.plans import Wish, best, fits, ways
from reelyard.predict.request import Request
from reelyard.predict.subject import Subject, subject

_NAMED_DEVICES = 3


def remedies(request: Request, asked: Subject, room_gib: float) -> Iterator[str]:
    """Each as the end of "it would fit ..."."""
    under = Circumstances(Host(request.ram_gib, request.read_gb_s))
    free = Wish(devices=request.gpus)
    if request.wish != free:
        other = best(asked, ways(asked, free), room_gib, under)
        if other is not None:
            yield f"with {other.plan.sentence()} ({other.bound_gib:.1f} GiB)"
    if frames := _longest_that_fits(request, asked, room_gib, under):
        yield f"with {frames} frames"
    if larger := list(_larger(request, asked)):
        yield "on " + ", ".join(larger[:_NAMED_DEVICES])


def _longest_that_fits(
    request: Request, asked: Subject, room_gib: float, under: Circumstances
) -> int | None:
    """The most frames, at this size, that some granted plan fits; None when not even the least."""
    model = asked.model
    low, high = 0, (asked.shape.frames - model.min_frames) // model.frame_step
    found = None
    while low <= high:
        middle = (low + high) // 2
        frames = model.frames_for(model.min_frames + middle * model.frame_step)
        shorter = subject(model, asked.catalog, replace(asked.shape, frames=frames), asked.device)
        if any(fits(way, room_gib, under.host) for way in ways(shorter, request.wish)):
            found, low = frames, middle + 1
        else:
            high = middle - 1
    return found


def _larger(request: Request, asked: Subject) -> Iterator[str]:
    """Types of device that it fits, the smallest first."""
    devices = asked.catalog.devices.values()
    for device in sorted(devices, key=lambda one: one.usable_gib.value):
        there = subject(asked.model, asked.catalog, asked.shape, device)
        if there.is_cpu:
            continue
        if any(fits(way, device.usable_gib.value) for way in ways(there, request.wish)):
            yield device.id
