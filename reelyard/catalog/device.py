"""A device as its maker describes it and as others have measured it.

Every figure carries its source, or the word "estimate" with what it was derived from. Units: memory
in GB (1e9 bytes), bandwidth in GB/s, rates in dense TFLOP/s (TOP/s for int8), power in watts.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from reelyard.catalog.entry import Entry


class Architecture(StrEnum):
    """A family of devices whose kernels behave alike."""

    AMPERE = "ampere"
    ADA = "ada"
    HOPPER = "hopper"
    BLACKWELL = "blackwell"
    BLACKWELL_RTX = "blackwell-rtx"
    CDNA3 = "cdna3"
    CPU = "cpu"


class Figure(Entry):
    """A number and where it comes from."""

    value: float = Field(ge=0)
    source: str = Field(min_length=4)


class Link(Entry):
    """What joins the cards of one machine. `gb_s`: one way, per card, as a copy achieves it."""

    kind: str
    gb_s: Figure


class DeviceType(Entry):
    """A model of GPU, or the CPU."""

    id: str
    name: str
    match: tuple[str, ...] = Field(description="Names that NVML or the board itself gives.")
    architecture: Architecture
    unified: bool = False
    memory_gb: Figure
    usable_gib: Figure
    bandwidth_gb_s: Figure
    bf16_tflops: Figure
    matmul_tflops: Figure = Field(description="The best rate that was measured for bf16 products.")
    fp32_tflops: Figure = Field(description="Matrix products of fp32 data, TF32 where there is.")
    fp8_tflops: Figure | None = None
    int8_tops: Figure | None = None
    exp_t_s: Figure = Field(description="Exponentials a second, in 1e12: 16 an SM and clock.")
    power_w: Figure
    idle_w: Figure
    least_w: Figure | None = None
    host_gb_s: Figure | None = Field(
        default=None, description="Copies from pinned host memory; none where memory is unified."
    )
    link: Link | None = None

    @property
    def is_cpu(self) -> bool:
        """The processor itself."""
        return self.architecture is Architecture.CPU

    @property
    def is_one_pool(self) -> bool:
        """RAM and VRAM are the same memory: weights have nowhere else to wait."""
        return self.unified or self.is_cpu
