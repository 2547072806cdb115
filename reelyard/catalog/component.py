"""A neural network that a pipeline is made of, and what was measured of it without a GPU.

Sizes are parameter counts. The laws were fitted to runs of the real-size module on the meta device
(`worker.engines.measure`): bytes at the peak beyond weights, floating-point operations, bytes moved
by everything that is neither a matrix product nor attention. Never holds weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from reelyard.catalog.entry import Entry


class DenoiserCard(Entry):
    """One call of a denoiser in bf16 at `batch`, with S tokens, P of them in one latent frame, T
    latent frames (S = P T):

    act_bytes a0 + a1 S (+ act_square S^2, where a mask of all pairs is kept);
    gemm_flops g0 + g1 S; traffic_bytes m0 + m1 S;
    attention_flops q1 S + q2 S^2 + q3 S P + q4 S T (q3, q4: models that attend within a frame, or
    along time, only).
    """

    batch: Literal[1, 2] = 1
    act_bytes: tuple[float, float]
    act_square: float = Field(default=0.0, ge=0)
    gemm_flops: tuple[float, float]
    attention_flops: tuple[float, float, float, float]
    traffic_bytes: tuple[float, float]
    layers: int = Field(ge=1)
    width: int = Field(ge=1, description="Width of the hidden states between blocks.")
    head_dim: int = Field(ge=1)
    kernels: int = Field(default=0, ge=0, description="Operations of one call.")
    error: float = Field(ge=0, description="Largest relative error on a shape not fitted.")


class EncoderCard(Entry):
    """One call of a text or image encoder in bf16 for one prompt of `tokens`, or one picture."""

    tokens: int = Field(ge=1)
    act_bytes: float = Field(ge=0)
    flops: float = Field(ge=0)
    traffic_bytes: float = Field(ge=0)


class PictureCard(Entry):
    """A VAE's decode (or encode) of a film of H x W pixels and F frames in one number format:

    act_bytes c0 + c1 HW + c2 HWF; flops f0 HW + f1 HWF; traffic_bytes m0 HW + m1 HWF, of all
    operations, convolutions too.
    Tiled: `tile` is the height and width of a tile in pixels (empty: tiling changes nothing),
    tiled_act_bytes t0 + t1 HW + t2 HWF beyond one tile, tiled_flops the factor on the work.
    """

    act_bytes: tuple[float, float, float]
    flops: tuple[float, float]
    traffic_bytes: tuple[float, float]
    tile: tuple[int, int] | tuple[()] = ()
    tiled_act_bytes: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tiled_flops: float = Field(default=1.0, ge=1.0)
    error: float = Field(ge=0)
    tiled_error: float = Field(default=0.0, ge=0)


class Component(Entry):
    """A class with its configuration, its sizes in parameters, and its cards."""

    id: str
    library: str = Field(description="Package that holds the class: diffusers, transformers, ours.")
    class_name: str = Field(alias="class")
    config_class: str = ""
    config: Mapping[str, Any] = {}
    parameters: int = Field(gt=0)
    kept_fp32: int = Field(default=0, ge=0, description="Kept in fp32 when the rest is halved.")
    linear: int = Field(default=0, ge=0, description="In linear layers of blocks, for int8.")
    castable: int = Field(default=0, ge=0, description="What layerwise casting holds in fp8.")
    blocks: int = Field(default=0, ge=0)
    block: int = Field(default=0, ge=0, description="The largest of the repeated blocks.")
    outside: int = Field(default=0, ge=0, description="All that is in no repeated block.")
    leaf: int = Field(default=0, ge=0, description="The largest single layer.")
    denoiser: DenoiserCard | None = None
    encoder: EncoderCard | None = None
    decode: Mapping[str, PictureCard] = {}
    encode: Mapping[str, PictureCard] = {}
