"""How much device memory a run needs, before it runs: weights plus the largest stage's activations.

Peak = max over stages (text encoding, denoising, decoding) of resident weights + activations, plus
the device's context and fragmentation. Activations are linear in the token count; the figures per
model are in the catalog. Pure functions: no torch, no device is asked.
"""

from __future__ import annotations

from reelyard.catalog import VideoModel
from reelyard.plan import Offload, Plan, Precision

GIB = 1024.0**3
_BYTES = {Precision.FP32: 4, Precision.BF16: 2, Precision.FP16: 2}
CONTEXT_GIB = {"cuda": 0.8, "jetson": 0.8, "cpu": 0.3}
FRAGMENTATION = 1.05
TILE_PIXELS = 256 * 256


def tokens(model: VideoModel, width: int, height: int, frames: int) -> int:
    """How many tokens the denoiser attends over."""
    times = (frames - 1) // model.time_factor + 1
    return times * (width // model.space_factor) * (height // model.space_factor)


def weights_gib(model: VideoModel, precision: Precision) -> tuple[float, float, float]:
    """Transformer, text encoder and VAE. The VAE decodes in fp32 for its colours."""
    each = _BYTES[precision] * 1e9 / GIB
    return (
        model.transformer_billion * each,
        model.text_encoder_billion * each,
        model.vae_billion * 4e9 / GIB,
    )


def peak_gib(
    model: VideoModel, width: int, height: int, frames: int, plan: Plan, kind: str
) -> float:
    """The largest amount of device memory the run holds at once, context included, in GiB."""
    transformer, encoder, vae = weights_gib(model, plan.precision)
    denoise = _denoise_gib(model, tokens(model, width, height, frames), plan.precision)
    decode = _decode_gib(model, width, height, frames, plan.vae_tiling)
    if plan.offload is Offload.NONE or kind != "cuda":
        stage = transformer + encoder + vae + max(denoise, decode)
    else:
        stage = max(encoder * 1.05, transformer + denoise, vae + decode)
    return stage * FRAGMENTATION + CONTEXT_GIB[kind]


def plans(model: VideoModel, kind: str) -> tuple[Plan, ...]:
    """The ways to run it on such a device, fastest first."""
    precision = Precision.FP32 if kind == "cpu" else model.precision
    ways = [Plan(precision=precision), Plan(precision=precision, vae_tiling=True)]
    if kind == "cuda":
        ways.append(Plan(precision=precision, offload=Offload.MODEL, vae_tiling=True))
    return tuple(ways)


def _denoise_gib(model: VideoModel, count: int, precision: Precision) -> float:
    return count * model.act_kib_per_token * 1024 / GIB * (_BYTES[precision] / 2)


def _decode_gib(model: VideoModel, width: int, height: int, frames: int, tiled: bool) -> float:
    pixels = width * height
    held = min(pixels, TILE_PIXELS) if tiled else pixels
    per_pixel = model.decode_kib_per_pixel * 1024 + model.decode_bytes_per_pixel_frame * frames
    kept = 3.5 * 3 * frames * pixels * 4 if tiled else 0.0
    return (held * per_pixel + kept) / GIB
