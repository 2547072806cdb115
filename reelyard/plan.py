"""How a task would run on a device: chosen by the coordinator, executed by the worker."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Precision(StrEnum):
    """The number format of a denoiser's weights while it runs. `fp8` and `int8` hold its linear
    layers in 8 bits and compute in bf16; `bf16-autocast` holds fp32 and computes in bf16."""

    FP32 = "fp32"
    AUTOCAST = "bf16-autocast"
    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    INT8 = "int8"


class Offload(StrEnum):
    """Where weights wait while they are not needed: on the device; in RAM, a component at a time;
    in RAM, a few blocks at a time, the next ones fetched meanwhile; in RAM, layer by layer."""

    NONE = "none"
    MODEL = "model"
    GROUP = "group"
    SEQUENTIAL = "sequential"


class Attention(StrEnum):
    """The attention kernel: torch's own, FlashAttention 3 (Hopper), SageAttention (8 bits)."""

    SDPA = "sdpa"
    FLASH3 = "flash3"
    SAGE = "sage"


class Split(StrEnum):
    """How the devices of a gang share a run: each some tokens of every layer; each a part of every
    weight; one each for prompt and negative prompt; each some of the layers."""

    CONTEXT = "context"
    TENSOR = "tensor"
    GUIDANCE = "guidance"
    LAYERS = "layers"


class Gang(BaseModel):
    """Several devices that run one task together. `sharded`: each keeps a part of the weights and
    gathers the rest layer by layer (FSDP)."""

    model_config = ConfigDict(frozen=True)

    devices: int = Field(ge=2, le=64)
    split: Split = Split.CONTEXT
    sharded: bool = False

    def sentence(self) -> str:
        """`on 4 devices (context, sharded)`"""
        return f"on {self.devices} devices ({self.split}{', sharded' if self.sharded else ''})"


class Plan(BaseModel):
    """One way to run a model on a device."""

    model_config = ConfigDict(frozen=True)

    precision: Precision = Precision.FP32
    offload: Offload = Offload.NONE
    vae_tiling: bool = False
    attention: Attention = Attention.SDPA
    compiled: bool = False
    gang: Gang | None = None

    def sentence(self) -> str:
        """`bf16, model offload, tiled decode`"""
        parts = [self.precision.value]
        if self.offload is not Offload.NONE:
            parts.append(f"{self.offload.value} offload")
        if self.vae_tiling:
            parts.append("tiled decode")
        if self.attention is not Attention.SDPA:
            parts.append(f"{self.attention.value} attention")
        if self.compiled:
            parts.append("compiled")
        if self.gang:
            parts.append(self.gang.sentence())
        return ", ".join(parts)

    @property
    def devices(self) -> int:
        """How many devices it takes."""
        return self.gang.devices if self.gang else 1
