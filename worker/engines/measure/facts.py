"""What may be asked of a pipeline, derived from its class and its configurations.

Sizes, steps and lengths are the defaults of the pipeline's own call; what no file says is taken
from the family, and said so. A person may give any fact instead. Never guesses silently.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import diffusers
from pydantic import ValidationError

from reelyard.catalog import GuidanceBy, Role, VideoModel
from reelyard.errors import InvalidInput, Problem
from worker.engines.measure.build import build
from worker.engines.measure.clip import patch_of
from worker.engines.measure.folder import PipelineFolder

_BY_BATCH = ("LTX", "CogVideoX", "Mochi", "Allegro", "Latte", "SanaVideo")
_NEEDS_IMAGE = ("ImageToVideo", "VideoToWorld")
_NO_FIRST_FRAME = ("Allegro", "Latte")
_ITS_PICTURE_WAY: Final = {
    "LTXPipeline": "LTXImageToVideoPipeline",
    "LTX2Pipeline": "LTX2ImageToVideoPipeline",
}
_FRAME_STEP: Final = {"CogVideoX": 8}
"""CogVideoX decodes two latent frames at once after the first."""
_FPS: Final = {
    "Wan": 16,
    "CogVideoX": 8,
    "HunyuanVideo": 24,
    "SkyReels": 24,
    "Mochi": 30,
    "Allegro": 15,
    "Latte": 8,
    "SanaVideo": 16,
    "Kandinsky": 24,
}
_NOT_IN_ITS_CALL: Final[Mapping[str, Mapping[str, Any]]] = {
    "Mochi": {"width": 848, "height": 480},
    "HunyuanVideo15": {"width": 848, "height": 480, "max_text_tokens": 1000, "guidance": 6.0},
    "LTX2": {"max_frames": 121},
    "Latte": {"max_text_tokens": 120},
    "SanaVideo": {"max_frames": 81},
    "Cosmos2TextToImage": {"max_frames": 1},
}
"""What these pipelines decide within their call, or their documentation says."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The entry, without its parts, and what a person should look at."""

    values: Mapping[str, Any]
    notes: tuple[str, ...]


def derive(folder: PipelineFolder, id: str, given: Mapping[str, Any]) -> Facts:
    """Everything of a VideoModel but its parts. `given` wins. Raises InvalidInput when the class is
    unknown or a fact can neither be derived nor was given."""
    call = _defaults_of_call(folder)
    known = {
        **_of_family(folder.class_name),
        **_of_call(call),
        **_of_networks(folder),
        **_of_shape(folder),
    }
    known |= {"id": id, "name": id, "repo": folder.where, "pipeline": folder.class_name}
    assumed = {"fps": _of(folder.class_name, _FPS) or 24, "licence": "unknown"}
    notes = [
        f"{name}: {value} is assumed; give the true one with --fact {name}=..."
        for name, value in assumed.items()
        if name not in known and name not in given
    ]
    values = assumed | {name: one for name, one in known.items() if one is not None} | dict(given)
    return Facts(_with_least(values), tuple(notes))


def checked(values: Mapping[str, Any]) -> VideoModel:
    """As an entry of the catalog. Raises InvalidInput that names each fact that is missing or
    wrong."""
    try:
        return VideoModel.model_validate(values)
    except ValidationError as wrong:
        raise InvalidInput([_problem(error) for error in wrong.errors()]) from None


def model_id(where: str) -> str:
    """The last part of a hub id or folder, in lower case, without `-diffusers`."""
    last = PurePosixPath(where.rstrip("/")).name.lower()
    return re.sub(r"[^a-z0-9._-]+", "-", last.removesuffix("-diffusers")) or "model"


def space_factor(config: Mapping[str, Any], vae: Any = None) -> int:
    """Pixels along each side of a latent pixel."""
    for name in ("scale_factor_spatial", "spatial_compression_ratio"):
        if found := config.get(name) or getattr(vae, name, None):
            return int(found)
    if expansions := config.get("spatial_expansions"):
        return math.prod(expansions)
    return int(2 ** (len(config["block_out_channels"]) - 1))


def time_factor(config: Mapping[str, Any], vae: Any = None) -> int:
    """Frames of a latent frame, after the first."""
    for name in ("scale_factor_temporal", "temporal_compression_ratio"):
        if found := config.get(name) or getattr(vae, name, None):
            return int(found)
    return math.prod(config.get("temporal_expansions") or [1])


def _defaults_of_call(folder: PipelineFolder) -> dict[str, Any]:
    kind = getattr(diffusers, folder.class_name, None)
    if kind is None:
        raise InvalidInput(
            [
                Problem(
                    field="model",
                    message=f"diffusers {diffusers.__version__} has no such pipeline",
                    value=folder.class_name,
                    remedy="Upgrade diffusers, or measure a pipeline that it has.",
                )
            ]
        )
    parameters = inspect.signature(kind.__call__).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def _of_call(call: Mapping[str, Any]) -> dict[str, Any]:
    fps = call.get("frame_rate") or call.get("fps")
    found = {
        "width": call.get("width"),
        "height": call.get("height"),
        "max_frames": call.get("num_frames") or call.get("video_length"),
        "steps": call.get("num_inference_steps"),
        "guidance": call.get("guidance_scale"),
        "max_text_tokens": call.get("max_sequence_length"),
        "fps": round(fps) if fps else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _of_family(class_name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for prefix, facts in _NOT_IN_ITS_CALL.items():
        if class_name.startswith(prefix):
            found |= facts
    return found


def _of_networks(folder: PipelineFolder) -> dict[str, Any]:
    """Where the call says nothing, the denoiser's own sample; and how it follows its prompt."""
    config, vae = folder.config(Role.DENOISER), folder.config(Role.VAE)
    found: dict[str, Any] = _sample(folder, config, vae)
    embedded = folder.class_name.startswith("HunyuanVideo") and config.get("guidance_embeds")
    by = GuidanceBy.BATCH if folder.class_name.startswith(_BY_BATCH) else GuidanceBy.CALLS
    found["guidance_by"] = (GuidanceBy.EMBEDDED if embedded else by).value
    found["negative"] = not embedded
    found["needs_image"] = any(part in folder.class_name for part in _NEEDS_IMAGE)
    found["image_pipeline"] = _picture_way(folder)
    return found


def _sample(
    folder: PipelineFolder, config: Mapping[str, Any], vae: Mapping[str, Any]
) -> dict[str, Any]:
    if not folder.class_name.startswith(("CogVideoX", "Allegro")) or not config.get("sample_width"):
        return {}
    space, frames = space_factor(vae), config["sample_frames"]
    if folder.class_name.startswith("Allegro"):
        frames *= time_factor(vae)
    sides = {name: config[f"sample_{name}"] * space for name in ("width", "height")}
    tokens = config.get("max_text_seq_length")
    return {**sides, "max_frames": frames, **({"max_text_tokens": tokens} if tokens else {})}


def _of_shape(folder: PipelineFolder) -> dict[str, Any]:
    """Grid of the latent film and of its tokens, from the networks as they are built."""
    vae: Any = build(next(p.network for p in folder.pieces if p.role is Role.VAE))
    denoiser: Any = build(next(p.network for p in folder.pieces if p.role is Role.DENOISER))
    space, time = space_factor(vae.config, vae), time_factor(vae.config, vae)
    side = space * patch_of(denoiser.config)
    patch_frames = denoiser.config.get("patch_size_t") or 1
    return {
        "pixels_per_token": side,
        "size_multiple": math.lcm(side, 16),
        "time_factor": time,
        "patch_frames": patch_frames,
        "frame_step": _of(folder.class_name, _FRAME_STEP) or time * patch_frames,
        "frame_offset": 0 if folder.class_name.startswith(_NO_FIRST_FRAME) else 1,
    }


def _picture_way(folder: PipelineFolder) -> str | None:
    if folder.class_name == "WanPipeline" and folder.settings.get("expand_timesteps"):
        return "WanImageToVideoPipeline"
    return _ITS_PICTURE_WAY.get(folder.class_name)


def _of(class_name: str, families: Mapping[str, int]) -> int:
    """What the family's table says, or 0."""
    return next((n for family, n in families.items() if class_name.startswith(family)), 0)


def _with_least(values: dict[str, Any]) -> dict[str, Any]:
    """The shortest clip: one step beyond the first frame, unless all clips are one frame."""
    longest, step = values.get("max_frames"), values["frame_step"]
    if "min_frames" not in values and longest:
        least = step + values["frame_offset"] if longest > step else longest
        values["min_frames"] = least
    return values


def _problem(error: Any) -> Problem:
    name = ".".join(str(part) for part in error["loc"]) or "model"
    missing = error["type"] == "missing"
    return Problem(
        field=name,
        message="cannot be derived from the pipeline's files" if missing else error["msg"],
        value="" if missing else str(error.get("input", ""))[:80],
        remedy=f"Give it with --fact {name}=VALUE.",
    )
