"""How many bytes the networks of a model take: on disk, and held as a plan holds them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reelyard.catalog import Catalog, Component, Part, Role, VideoModel
from reelyard.plan import Precision

BYTES = {
    Precision.FP32: 4.0,
    Precision.AUTOCAST: 4.0,
    Precision.BF16: 2.0,
    Precision.FP16: 2.0,
    Precision.FP8: 2.0,
    Precision.INT8: 2.0,
}
"""Of a parameter that is not quantised."""

EIGHT_BITS = frozenset({Precision.FP8, Precision.INT8})
_ROW_SCALE = 1.004
"""An int8 weight carries one scale a row: 2 to 4 bytes on 512 and more."""


@dataclass(frozen=True, slots=True)
class Held:
    """One component as a plan holds it, in bytes: all of it, its largest repeated block, what is in
    no block, its largest layer."""

    role: Role
    component: Component
    all: float
    block: float
    outside: float
    leaf: float


def held(model: VideoModel, catalog: Catalog, precision: Precision) -> tuple[Held, ...]:
    """Every part of the model, in the model's order."""
    return tuple(_held(part, catalog.components[part.component], precision) for part in model.parts)


def in_precision(part: Part, precision: Precision) -> Precision:
    """The number format a part is held in: its own, or the plan's. Only denoisers are quantised or
    held in fp32 for autocast; the other parts then stay in bf16."""
    if part.resident is not None:
        return part.resident
    if part.role is Role.DENOISER or precision not in EIGHT_BITS | {Precision.AUTOCAST}:
        return precision
    return Precision.BF16


def _narrow(component: Component, precision: Precision) -> int:
    """Parameters that a plan holds in a byte: int8 the linear layers of blocks, fp8 what layerwise
    casting takes (not norms and what modulates them)."""
    if precision is Precision.INT8:
        return component.linear
    return component.castable or component.linear if precision is Precision.FP8 else 0


def _held(part: Part, component: Component, precision: Precision) -> Held:
    precision = in_precision(part, precision)
    each = BYTES[precision]
    everything = component.parameters * each
    if each < 4.0:
        everything += component.kept_fp32 * (4.0 - each)
    share = 1.0
    narrow = _narrow(component, precision)
    if narrow:
        saved = narrow * (each - _ROW_SCALE)
        inside = max(1.0, (component.parameters - component.outside) * each)
        everything, share = everything - saved, max(0.0, 1.0 - saved / inside)
    return Held(
        role=part.role,
        component=component,
        all=everything,
        block=component.block * each * share,
        outside=component.outside * each,
        leaf=component.leaf * each * share,
    )
