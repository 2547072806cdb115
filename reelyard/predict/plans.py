"""Which plan: every way that a model may run on a device, and the best of those that fit. Pure.

Best is soonest done; 8 bits cost quality, so they count as somewhat slower, and are taken where
nothing else fits or streams far more slowly. A kernel that may not be installed is never assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from reelyard.catalog import Catalog, DeviceType, GuidanceBy, VideoModel
from reelyard.plan import Attention, Gang, Offload, Plan, Precision, Split
from reelyard.predict.forecast import UNKNOWN_HOST, Forecast, Host, forecast
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.memory import is_cpu, is_one_pool
from reelyard.predict.shape import Shape

EIGHT_BITS_COST = 1.3
_EIGHT_BITS = (Precision.FP8, Precision.INT8)
_STREAMED = (Offload.GROUP, Offload.SEQUENTIAL)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody insists on; None: whatever is best."""

    precision: Precision | None = None
    offload: Offload | None = None
    vae_tiling: bool | None = None
    attention: Attention | None = None
    compiled: bool | None = None
    devices: int = 1
    split: Split | None = None
    sharded: bool | None = None


ANYTHING = Wish()


def plans(
    model: VideoModel, shape: Shape, device: DeviceType | None, wish: Wish = ANYTHING
) -> tuple[Plan, ...]:
    """Every plan that grants the wish."""
    return tuple(
        Plan(
            precision=precision,
            offload=offload,
            vae_tiling=tiling,
            attention=wish.attention or Attention.SDPA,
            compiled=bool(wish.compiled),
            gang=gang,
        )
        for precision, offload, tiling, gang in product(
            _precisions(model, device, wish),
            _offloads(device, wish),
            (False, True) if wish.vae_tiling is None else (wish.vae_tiling,),
            tuple(_gangs(model, shape, device, wish)),
        )
    )


def forecasts(
    model: VideoModel,
    catalog: Catalog,
    shape: Shape,
    device: DeviceType | None,
    wish: Wish = ANYTHING,
    host: Host = UNKNOWN_HOST,
    lessons: Lessons = NOTHING,
    cap_w: float | None = None,
) -> list[Forecast]:
    """Every plan's forecast, the best first."""
    made = [
        forecast(model, catalog, shape, plan, device, host, lessons, cap_w)
        for plan in plans(model, shape, device, wish)
    ]
    return sorted(made, key=merit)


def merit(way: Forecast) -> tuple[float, float, int]:
    """Smaller is better: seconds (with what 8 bits cost), memory, fewer unusual things."""
    seconds = way.seconds if way.seconds is not None else _effort(way.plan)
    eight = EIGHT_BITS_COST if way.plan.precision in _EIGHT_BITS else 1.0
    return (round(seconds * eight, 3), round(way.bound_gib, 3), len(way.plan.sentence()))


def first_that_fits(
    ways: Sequence[Forecast], room_gib: float, host: Host = UNKNOWN_HOST
) -> Forecast | None:
    """The best whose bound fits the room, and whose waiting weights fit the node's RAM."""
    return next((way for way in ways if fits(way, room_gib, host)), None)


def fits(way: Forecast, room_gib: float, host: Host = UNKNOWN_HOST) -> bool:
    """Device memory and RAM suffice."""
    ram = host.ram_gib is None or way.footprint.host_gib <= host.ram_gib
    return way.bound_gib <= room_gib and ram


def _effort(plan: Plan) -> float:
    """Where time is not known: the order in which plans grow slower."""
    order = (Offload.NONE, Offload.MODEL, Offload.GROUP, Offload.SEQUENTIAL)
    return 1.0 + order.index(plan.offload) + 0.1 * plan.vae_tiling


def _precisions(model: VideoModel, device: DeviceType | None, wish: Wish) -> tuple[Precision, ...]:
    if wish.precision is not None:
        return (wish.precision,)
    if device is not None and is_cpu(device):
        return (Precision.FP32,)
    return (model.precision, *_EIGHT_BITS)


def _offloads(device: DeviceType | None, wish: Wish) -> tuple[Offload, ...]:
    if wish.offload is not None:
        return (wish.offload,)
    if device is not None and is_one_pool(device):
        return (Offload.NONE,)
    if wish.devices > 1:
        return (Offload.NONE, Offload.MODEL)
    return tuple(Offload)


def _gangs(
    model: VideoModel, shape: Shape, device: DeviceType | None, wish: Wish
) -> Iterator[Gang | None]:
    """Ways to share a run. Over a network only what talks little: one prompt each, or layers."""
    if wish.devices == 1:
        yield None
        return
    guided = shape.guided and model.guidance_by is GuidanceBy.CALLS
    network = device is not None and device.link is not None and "ethernet" in device.link.kind
    splits = [Split.LAYERS] if network else [Split.CONTEXT, Split.TENSOR]
    if guided and wish.devices == 2:
        splits.insert(0, Split.GUIDANCE)
    for split in [wish.split] if wish.split else splits:
        shards = (False, True) if split is Split.CONTEXT else (False,)
        for sharded in shards if wish.sharded is None else (wish.sharded,):
            yield Gang(devices=wish.devices, split=split, sharded=sharded)
