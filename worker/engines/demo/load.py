"""Opens the demo model's folder, and the same weights again as an image-to-video pipeline.

diffusers loads classes of our own only from modules that are imported already: importing this one
is enough. Never runs a pipeline.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline, WanImageToVideoPipeline, WanPipeline

from worker.engines.demo import codec, transformer

CLASSES = (codec.PaintedPatches, transformer.PlacedWan)


def load(folder: Path) -> WanPipeline:
    kind: Any = DiffusionPipeline  # diffusers has no types for what it makes
    pipeline = kind.from_pretrained(folder, local_files_only=True)
    assert isinstance(pipeline, WanPipeline)
    return pipeline


def continuing(pipeline: Any) -> WanImageToVideoPipeline:
    """The same weights, to start from a given first frame. Costs no memory."""
    kind: Any = WanImageToVideoPipeline
    made: WanImageToVideoPipeline = kind(**pipeline.components, expand_timesteps=True)
    return made
