"""A question to the predictor, as people and programs write it: one JSON object or command line.

Names are forgiving (a hub id for a model, `RTX 4090` for a device, diffusers' names for a kind of
offload), values are not: what cannot be read is refused with its field, value and limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reelyard.errors import InvalidInput, Problem
from reelyard.plan import Attention, Offload, Precision, Split
from reelyard.predict.plans import Wish

_PRECISIONS = {
    "float32": Precision.FP32,
    "bfloat16": Precision.BF16,
    "float16": Precision.FP16,
    "int8 weight-only": Precision.INT8,
    "int8wo": Precision.INT8,
    "fp8wo": Precision.FP8,
    "autocast": Precision.AUTOCAST,
}
_OFFLOADS = {
    "off": Offload.NONE,
    "cpu": Offload.MODEL,
    "model_cpu_offload": Offload.MODEL,
    "enable_model_cpu_offload": Offload.MODEL,
    "group_offload": Offload.GROUP,
    "sequential_cpu_offload": Offload.SEQUENTIAL,
    "enable_sequential_cpu_offload": Offload.SEQUENTIAL,
}
_KERNELS = {
    "flash_attention_3": Attention.FLASH3,
    "fa3": Attention.FLASH3,
    "flash2": Attention.SDPA,
    "flash": Attention.SDPA,
    "native": Attention.SDPA,
    "sageattention": Attention.SAGE,
}


def _known_as(names: Mapping[str, Any]) -> BeforeValidator:
    def read(given: Any) -> Any:
        said = str(given).strip().lower() if given is not None else None
        return None if said in (None, "", "auto", "best") else names.get(str(said), said)

    return BeforeValidator(read)


class Request(BaseModel):
    """What would be run, and how. Left out: the model's own size and length; the best plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, max_length=200)
    device: str = Field(min_length=1, max_length=200)
    gpus: int = Field(default=1, ge=1, le=64)
    width: int | None = Field(default=None, ge=16, le=8192)
    height: int | None = Field(default=None, ge=16, le=8192)
    frames: int | None = Field(default=None, ge=1, le=10_000)
    steps: int | None = Field(default=None, ge=1, le=1_000)
    precision: Annotated[Precision | None, _known_as(_PRECISIONS)] = None
    offload: Annotated[Offload | None, _known_as(_OFFLOADS)] = None
    vae_tiling: bool | None = None
    attention: Annotated[Attention | None, _known_as(_KERNELS)] = None
    compiled: bool | None = None
    split: Split | None = None
    sharded: bool | None = None
    guided: bool = True
    from_image: bool = False
    power_cap_w: float | None = Field(default=None, gt=0, le=2_000)
    memory_gib: float | None = Field(default=None, gt=0, le=4_096)
    ram_gib: float | None = Field(default=None, gt=0, le=65_536)
    read_gb_s: float | None = Field(default=None, gt=0, le=1_000)
    resident: bool = False

    @property
    def wish(self) -> Wish:
        """The part that decides the plan."""
        return Wish(
            precision=self.precision,
            offload=self.offload,
            vae_tiling=self.vae_tiling,
            attention=self.attention,
            compiled=self.compiled,
            devices=self.gpus,
            split=self.split,
            sharded=self.sharded,
        )


def read_request(given: Mapping[str, Any]) -> tuple[Request, tuple[str, ...]]:
    """The question, and the fields that mean nothing to it (a number, a note: answered all the
    same). Raises InvalidInput with every problem. Fields that are null count as left out."""
    known = {k: v for k, v in given.items() if k in Request.model_fields and v is not None}
    unheeded = tuple(name for name in given if name not in Request.model_fields)
    try:
        return Request.model_validate(known), unheeded
    except ValidationError as wrong:
        raise InvalidInput([_problem(error) for error in wrong.errors()]) from None


def _problem(error: Any) -> Problem:
    limits = error.get("ctx") or {}
    return Problem(
        field=".".join(str(part) for part in error["loc"]),
        message=error["msg"],
        value=str(error.get("input", ""))[:80],
        limit=", ".join(f"{name} {value}" for name, value in limits.items())[:120],
        remedy="Correct it, or leave it out for the best.",
    )
