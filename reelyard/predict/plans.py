"""Which plan: every way that a model may run on a device, and the best of those that fit. Pure.

Best is soonest done; 8 bits cost quality, so they count as somewhat slower, and are taken where
nothing else fits or streams far more slowly. A kernel that may not be installed is never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from reelyard.plan import Attention, Gang, Offload, Plan, Precision, Split
from reelyard.predict.forecast import (
    ORDINARY,
    UNKNOWN_HOST,
    Circumstances,
    Forecast,
    Host,
    measured,
    timed,
)
from reelyard.predict.subject import Subject
from reelyard.predict.weights import EIGHT_BITS

EIGHT_BITS_COST = 1.3


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


def plans(subject: Subject, wish: Wish = ANYTHING) -> tuple[Plan, ...]:
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
            _precisions(subject, wish),
            _offloads(subject, wish),
            (False, True) if wish.vae_tiling is None else (wish.vae_tiling,),
            tuple(_gangs(subject, wish)),
        )
    )


def ways(
    subject: Subject, wish: Wish = ANYTHING, under: Circumstances = ORDINARY
) -> list[Forecast]:
    """Every plan's memory, in no order: cheap, and enough to say what fits."""
    return [measured(subject, plan, under) for plan in plans(subject, wish)]


def best(
    subject: Subject, found: Iterable[Forecast], room_gib: float, under: Circumstances = ORDINARY
) -> Forecast | None:
    """Of the ways that fit, the one that is soonest done, timed; None when none fits."""
    able = [way for way in found if fits(way, room_gib, under.host)]
    contenders = [way for way in able if not any(_beats(other, way) for other in able)]
    return min((timed(subject, way, under) for way in contenders), key=merit, default=None)


def _beats(one: Forecast, other: Forecast) -> bool:
    """Never slower by construction: what `other` adds (tiles, journeys of weights) only costs time.
    A model that fits whole in its own number format beats 8 bits whatever the time: quality."""
    a, b = one.plan, other.plan
    if a is b or a.gang != b.gang or a.vae_tiling > b.vae_tiling:
        return False
    if a.offload is not Offload.NONE and a.offload is not b.offload:
        return False
    if a.precision is b.precision:
        return True
    whole = a.offload is Offload.NONE and a.precision not in EIGHT_BITS
    return whole and b.precision in EIGHT_BITS


def merit(way: Forecast) -> tuple[float, float, int]:
    """Smaller is better: seconds (with what 8 bits cost), memory, fewer unusual things."""
    seconds = way.seconds if way.seconds is not None else _effort(way.plan)
    eight = EIGHT_BITS_COST if way.plan.precision in EIGHT_BITS else 1.0
    return (round(seconds * eight, 3), round(way.bound_gib, 3), len(way.plan.sentence()))


def fits(way: Forecast, room_gib: float, host: Host = UNKNOWN_HOST) -> bool:
    """Device memory and RAM suffice."""
    ram = host.ram_gib is None or way.footprint.host_gib <= host.ram_gib
    return way.bound_gib <= room_gib and ram


def _effort(plan: Plan) -> float:
    """Where time is not known: the order in which plans grow slower."""
    order = (Offload.NONE, Offload.MODEL, Offload.GROUP, Offload.SEQUENTIAL)
    return 1.0 + order.index(plan.offload) + 0.1 * plan.vae_tiling


def _precisions(subject: Subject, wish: Wish) -> tuple[Precision, ...]:
    if wish.precision is not None:
        return (wish.precision,)
    return (
        (Precision.FP32,)
        if subject.is_cpu
        else (subject.model.precision, Precision.FP8, Precision.INT8)
    )


def _offloads(subject: Subject, wish: Wish) -> tuple[Offload, ...]:
    if wish.offload is not None:
        return (wish.offload,)
    if subject.is_one_pool:
        return (Offload.NONE,)
    return (Offload.NONE, Offload.MODEL) if wish.devices > 1 else tuple(Offload)


def _gangs(subject: Subject, wish: Wish) -> Iterator[Gang | None]:
    """Ways to share a run. Over a network only what talks little: one prompt each, or layers."""
    if wish.devices == 1:
        yield None
        return
    link = subject.device.link if subject.device else None
    network = link is not None and "ethernet" in link.kind
    splits = [Split.LAYERS] if network else [Split.CONTEXT, Split.TENSOR]
    if subject.calls == 2 and wish.devices == 2:
        splits.insert(0, Split.GUIDANCE)
    for split in [wish.split] if wish.split else splits:
        shards = (False, True) if split is Split.CONTEXT else (False,)
        for sharded in shards if wish.sharded is None else (wish.sharded,):
            yield Gang(devices=wish.devices, split=split, sharded=sharded)
