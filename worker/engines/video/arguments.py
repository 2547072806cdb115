"""From a shot to the arguments of a pipeline's call.

diffusers' pipelines agree on most names and differ in a few (`fps`, `frame_rate`,
`true_cfg_scale`), so a shot is offered under every name and the pipeline's own signature picks.
Pure: no torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from reelyard.catalog import GuidanceBy, VideoModel
from reelyard.task import VideoWork


def parameters(pipeline: Callable[..., Any]) -> frozenset[str]:
    """The names that the pipeline's call understands."""
    return frozenset(inspect.signature(pipeline).parameters)


def arguments(
    names: frozenset[str], work: VideoWork, model: VideoModel, prompt: str
) -> dict[str, Any]:
    """What to call the pipeline with, but for the generator, the callback and the start image."""
    offered: dict[str, Any] = {
        "prompt": prompt,
        "width": work.width,
        "height": work.height,
        "num_frames": work.frames,
        "num_inference_steps": work.steps,
        "max_sequence_length": model.max_text_tokens,
        "fps": work.fps,
        "frame_rate": work.fps,
        "output_type": "np",
        **_guidance(names, work, model),
    }
    return {name: value for name, value in offered.items() if name in names}


def unheeded(names: frozenset[str], work: VideoWork, model: VideoModel) -> tuple[str, ...]:
    """What was asked for and cannot be followed, in sentences."""
    if work.negative and not (model.negative and "negative_prompt" in names):
        return (f"{model.name} knows no negative prompt: {work.negative!r} was left out",)
    if work.negative and work.guidance <= 1:
        return (f"at guidance {work.guidance:g} the negative prompt has no effect",)
    return ()


def _guidance(names: frozenset[str], work: VideoWork, model: VideoModel) -> dict[str, Any]:
    """A distilled model is told its guidance; others compute the prompt and its opposite."""
    negative = {"negative_prompt": work.negative} if model.negative else {}
    if "true_cfg_scale" in names and model.guidance_by is not GuidanceBy.EMBEDDED:
        return {"true_cfg_scale": work.guidance, **negative}
    return {"guidance_scale": work.guidance, **negative}
