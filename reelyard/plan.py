"""How a task would run on a device: chosen by the coordinator, executed by the worker."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Precision(StrEnum):
    """The number format of a denoiser's weights while it runs."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class Offload(StrEnum):
    """Where weights wait while they are not needed."""

    NONE = "none"
    MODEL = "model"
    SEQUENTIAL = "sequential"


class Plan(BaseModel):
    """One way to run a model on a device."""

    model_config = ConfigDict(frozen=True)

    precision: Precision = Precision.FP32
    offload: Offload = Offload.NONE
    vae_tiling: bool = False

    def sentence(self) -> str:
        """`bf16, model offload, tiled decode`"""
        parts = [self.precision.value]
        if self.offload is not Offload.NONE:
            parts.append(f"{self.offload.value} offload")
        if self.vae_tiling:
            parts.append("tiled decode")
        return ", ".join(parts)
