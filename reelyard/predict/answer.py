"""The predictor's answer: plain values that print as JSON. What is not known is null."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from reelyard.plan import Plan
from reelyard.predict.forecast import Forecast


class Status(StrEnum):
    """It can be run so; it cannot; nobody here knows."""

    OK = "ok"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class StageView(BaseModel):
    """One stage: what it holds and how long it takes; `bound_by` names what it spends time on."""

    model_config = ConfigDict(frozen=True)

    name: str
    weights_gib: float | None = None
    activations_gib: float | None = None
    seconds: float | None = None
    bound_by: str = ""


class PlanView(BaseModel):
    """A plan, flat. `gpus`: how many devices share the run; `split`, `sharded`: how."""

    model_config = ConfigDict(frozen=True)

    precision: str
    offload: str
    vae_tiling: bool
    attention: str
    compiled: bool
    gpus: int = 1
    split: str | None = None
    sharded: bool = False
    sentence: str


class Answer(BaseModel):
    """Memory in GiB per device, times in seconds of one clip, energy in watt-hours of all devices.

    `peak_vram_gib` is what torch allocates at once; `bound_vram_gib` what nothing should exceed.
    """

    model_config = ConfigDict(frozen=True)

    status: Status
    model: str
    device: str
    gpus: int = 1
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    steps: int | None = None
    peak_vram_gib: float | None = None
    bound_vram_gib: float | None = None
    host_ram_gib: float | None = None
    weights_gib: float | None = None
    seconds: float | None = None
    seconds_range: tuple[float, float] | None = None
    load_seconds: float | None = None
    energy_wh: float | None = None
    plan: PlanView | None = None
    stages: tuple[StageView, ...] = ()
    because: str


def plan_view(plan: Plan) -> PlanView:
    """The plan as programs read it."""
    return PlanView(
        precision=plan.precision.value,
        offload=plan.offload.value,
        vae_tiling=plan.vae_tiling,
        attention=plan.attention.value,
        compiled=plan.compiled,
        gpus=plan.devices,
        split=plan.gang.split.value if plan.gang else None,
        sharded=bool(plan.gang and plan.gang.sharded),
        sentence=plan.sentence(),
    )


def stage_views(way: Forecast) -> tuple[StageView, ...]:
    """Memory and time of each stage, side by side."""
    times = {span.name: span for span in way.spans}
    held = {stage.name: stage for stage in way.footprint.stages}
    names = [*held, *(name for name in times if name not in held)]
    return tuple(
        StageView(
            name=name,
            weights_gib=_round(held[name].weights_gib) if name in held else None,
            activations_gib=_round(held[name].activations_gib) if name in held else None,
            seconds=_round(times[name].seconds) if name in times else None,
            bound_by=times[name].bound_by if name in times else "",
        )
        for name in names
    )


def _round(value: float) -> float:
    return round(value, 3)
