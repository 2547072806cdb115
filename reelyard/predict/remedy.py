"""What would make it fit: another plan, a shorter clip, larger devices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reelyard.catalog import Catalog, DeviceType, VideoModel
from reelyard.predict.forecast import Host
from reelyard.predict.memory import is_cpu
from reelyard.predict.plans import Wish, first_that_fits, fits, forecasts
from reelyard.predict.request import Request
from reelyard.predict.shape import Shape

_NAMED_DEVICES = 3


def remedies(
    request: Request,
    model: VideoModel,
    device: DeviceType,
    shape: Shape,
    catalog: Catalog,
    room: float,
) -> Iterator[str]:
    """What would make it fit: another plan, a shorter clip, larger devices."""
    host = Host(request.ram_gib, request.read_gb_s)
    free = Wish(devices=request.gpus)
    if request.wish != free:
        other = first_that_fits(forecasts(model, catalog, shape, device, free, host), room, host)
        if other is not None:
            yield f"with {other.plan.sentence()} ({other.bound_gib:.1f} GiB)"
    if frames := _longest_that_fits(request, model, catalog, shape, device, room):
        yield f"with {frames} frames"
    if larger := list(_larger(request, model, catalog, shape)):
        yield "on " + ", ".join(larger[:_NAMED_DEVICES])


def _longest_that_fits(
    request: Request,
    model: VideoModel,
    catalog: Catalog,
    shape: Shape,
    device: DeviceType,
    room: float,
) -> int | None:
    """The most frames, at this size, that some granted plan fits; None when not even the least."""
    host = Host(request.ram_gib)
    low, high = 0, (shape.frames - model.min_frames) // model.frame_step
    found = None
    while low <= high:
        middle = (low + high) // 2
        frames = model.min_frames + middle * model.frame_step
        shorter = replace(shape, frames=frames)
        ways = forecasts(model, catalog, shorter, device, request.wish, host)
        if any(fits(way, room, host) for way in ways):
            found, low = frames, middle + 1
        else:
            high = middle - 1
    return found


def _larger(request: Request, model: VideoModel, catalog: Catalog, shape: Shape) -> Iterator[str]:
    """Types of device that it fits, the smallest first."""
    for device in sorted(catalog.devices.values(), key=lambda d: d.usable_gib.value):
        if is_cpu(device):
            continue
        ways = forecasts(model, catalog, shape, device, request.wish)
        if first_that_fits(ways, device.usable_gib.value):
            yield device.id
