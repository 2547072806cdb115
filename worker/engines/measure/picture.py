"""The cards of a VAE: decoding a film, and encoding what a film starts from, in one number format.

Whole, and in tiles of diffusers' default size. A law of tiles is what is held beyond one tile:
finished tiles and the film they are blended into. Never loads weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor

from reelyard.catalog import PictureCard, VideoModel
from reelyard.plan import Precision
from worker.engines.measure import fit
from worker.engines.measure.build import Network, build
from worker.engines.measure.clip import Clip
from worker.engines.measure.clips import Clips
from worker.engines.measure.tracker import CUDNN_COPIES, Tally, tracked

_DTYPES = {Precision.FP32: torch.float32, Precision.BF16: torch.bfloat16}
_WHOLE_FILM = ("CosmosVideoToWorld", "Cosmos2VideoToWorld", "WanImageToVideo")
"""Pipelines that encode a film as long as the clip: the given frames, then grey."""

_FRAMES_AT_ONCE = 14


class Way(StrEnum):
    """To pixels, or from them."""

    DECODE = "decode"
    ENCODE = "encode"


@dataclass(frozen=True, slots=True)
class Subject:
    """A VAE at work in a model's pipeline."""

    network: Network
    model: VideoModel
    precision: Precision
    way: Way


@dataclass(frozen=True, slots=True)
class Run:
    """One measured call."""

    clip: Clip
    act_bytes: int
    tally: Tally

    @property
    def row(self) -> tuple[float, float, float]:
        """1, HW, HWF."""
        return _row(self.clip)


def picture_card(subject: Subject, whole: Clips, in_tiles: Clips | None) -> PictureCard:
    """Measures and fits; without clips for tiles only the whole decode."""
    vae = _built(subject)
    is_tiled_only = _cannot_be_whole(subject)
    runs = [one_run(subject, clip, is_tiled_only) for clip in whole.fitted]
    rows = [run.row for run in runs]
    laws = {
        "act_bytes": fit.law(rows, [run.act_bytes for run in runs]),
        "flops": fit.law([row[1:] for row in rows], [run.tally.flops for run in runs]),
        "traffic_bytes": fit.law(
            [row[1:] for row in rows], [run.tally.all_traffic_bytes for run in runs]
        ),
    }
    checks = [one_run(subject, clip, is_tiled_only) for clip in whole.checked]
    off = max(_error(laws, run) for run in checks)
    card = PictureCard.model_validate(laws | {"error": fit.digits(off, 2)})
    if in_tiles is None or is_tiled_only or not _can_tile(vae):
        return card
    return _with_tiles(subject, card, in_tiles, _tile(vae))


def one_run(subject: Subject, clip: Clip, tiled: bool = False) -> Run:
    """One call under the tracker."""
    vae = _built(subject)
    if tiled:
        vae.enable_tiling()
    given = _given(subject, vae, clip)
    copies = CUDNN_COPIES if subject.precision is Precision.BF16 else 0.0
    tally = tracked(vae, given, lambda: _call(subject, vae, given), copies)
    return Run(clip, tally.peak_bytes - tally.held_bytes, tally)


def _error(laws: Mapping[str, tuple[float, ...]], run: Run) -> float:
    return max(
        fit.error(laws["act_bytes"], [run.row], [run.act_bytes]),
        fit.error(laws["flops"], [run.row[1:]], [run.tally.flops]),
    )


def _with_tiles(
    subject: Subject, card: PictureCard, clips: Clips, tile: tuple[int, int]
) -> PictureCard:
    runs = [one_run(subject, clip, tiled=True) for clip in clips.fitted]
    largest = max(runs, key=lambda run: run.row[2])
    whole = one_run(subject, largest.clip)
    if largest.act_bytes == whole.act_bytes and largest.tally.flops == whole.tally.flops:
        return card
    beyond = [run.act_bytes - _of_a_tile(card, tile, run.clip) for run in runs]
    law = fit.law([r.row for r in runs], beyond, scale=[run.act_bytes for run in runs])
    checks = [one_run(subject, clip, tiled=True) for clip in clips.checked]
    off = max(abs(_in_tiles(card, law, tile, r.clip) / r.act_bytes - 1) for r in checks)
    return card.model_copy(
        update={
            "tile": tile,
            "tiled_act_bytes": law,
            "tiled_flops": fit.digits(max(1.0, largest.tally.flops / whole.tally.flops), 4),
            "tiled_error": fit.digits(off, 2),
        }
    )


def _in_tiles(
    card: PictureCard, law: tuple[float, ...], tile: tuple[int, int], clip: Clip
) -> float:
    beyond = max(0.0, fit.value(law, _row(clip)))
    return min(fit.value(card.act_bytes, _row(clip)), _of_a_tile(card, tile, clip) + beyond)


def _of_a_tile(card: PictureCard, tile: tuple[int, int], clip: Clip) -> float:
    height, width = min(clip.height, tile[0]), min(clip.width, tile[1])
    return max(0.0, fit.value(card.act_bytes, _row(Clip(width, height, clip.frames))))


def _row(clip: Clip) -> tuple[float, float, float]:
    return 1.0, float(clip.pixels), float(clip.pixels * clip.frames)


def is_picture_vae(network: Network) -> bool:
    """Whether it makes pictures; LTX-2 has two of the same role that make sound."""
    return not network.class_name.endswith(("Audio", "Vocoder", "VocoderWithBWE"))


def _built(subject: Subject) -> Any:
    return build(subject.network, _DTYPES[subject.precision])


def _can_tile(vae: Any) -> bool:
    return hasattr(vae, "enable_tiling") and _tile(vae) != (0, 0)


def _tile(vae: Any) -> tuple[int, int]:
    """Height and width in pixels."""
    side = getattr(vae, "tile_sample_min_size", 0)
    return (
        int(getattr(vae, "tile_sample_min_height", side)),
        int(getattr(vae, "tile_sample_min_width", side)),
    )


def _cannot_be_whole(subject: Subject) -> bool:
    """Allegro's VAE has tiled decoding only."""
    return subject.network.class_name == "AutoencoderKLAllegro"


def _given(subject: Subject, vae: Any, clip: Clip) -> Tensor:
    """Latents [1, z, t, h, w], or the pixels [1, 3, f, H, W] that the pipeline encodes."""
    dtype, config = _DTYPES[subject.precision], vae.config
    if subject.way is Way.ENCODE:
        shape = (1, 3, encoded_frames(subject.model, config, clip), clip.height, clip.width)
        return torch.empty(shape, dtype=dtype, device="meta")
    model = subject.model
    channels = config.get("z_dim") or config["latent_channels"]
    space = _space_factor(vae)
    frames = -(-(clip.frames - model.frame_offset) // model.time_factor) + model.frame_offset
    shape = (1, channels, frames, clip.height // space, clip.width // space)
    return torch.empty(shape, dtype=dtype, device="meta")


def _call(subject: Subject, vae: Any, given: Tensor) -> Any:
    work = getattr(vae, subject.way.value)
    if _is_of_pictures(subject):
        pictures = torch.split(given.transpose(1, 2).flatten(0, 1), _FRAMES_AT_ONCE)
        return torch.cat([work(few).sample for few in pictures])
    return work(given, **_conditions(subject, vae))


def _is_of_pictures(subject: Subject) -> bool:
    """A VAE that knows no time: Latte decodes a few frames at once with it."""
    return subject.network.class_name == "AutoencoderKL"


def _conditions(subject: Subject, vae: Any) -> dict[str, Tensor]:
    """LTX-Video from 0.9.5 takes a little noise off while it decodes, and is told how much."""
    if subject.way is Way.DECODE and vae.config.get("timestep_conditioning"):
        return {"temb": torch.empty(1, dtype=_DTYPES[subject.precision], device="meta")}
    return {}


def encoded_frames(model: VideoModel, config: Any, clip: Clip) -> int:
    """How many frames the pipeline encodes to start from a picture: one, or as many as the clip
    has."""
    pipeline = model.image_pipeline or model.pipeline
    has_own_steps = config.get("z_dim") == 48  # Wan 2.2 5B and the demo model: the picture alone
    return clip.frames if pipeline.startswith(_WHOLE_FILM) and not has_own_steps else 1


def _space_factor(vae: Any) -> int:
    """Pixels along each side of a latent pixel."""
    for name in ("scale_factor_spatial", "spatial_compression_ratio"):
        if found := vae.config.get(name):
            return int(found)
    found = getattr(vae, "spatial_compression_ratio", None)
    return int(found) if found else 2 ** (len(vae.config["block_out_channels"]) - 1)
