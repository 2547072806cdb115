"""Opens the demo model's folder, and the same weights again as an image-to-video pipeline.

diffusers loads classes of our own only from modules that are already imported: importing this module is enough,
so `import worker.engines.demo.load` before any `DiffusionPipeline.from_pretrained` will do too. Never runs a pipeline.
"""

from __future__ import annotations

from pathlib import Path

from diffusers import DiffusionPipeline, WanImageToVideoPipeline, WanPipeline

from worker.engines.demo import codec, transformer

CLASSES = (codec.PaintedPatches, transformer.PlacedWan)


def load(folder: Path) -> WanPipeline:
    pipeline = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    assert isinstance(pipeline, WanPipeline)
    return pipeline


def continuing(pipeline: WanPipeline) -> WanImageToVideoPipeline:
    """The same weights, to start from a given first frame. Costs no memory."""
    return WanImageToVideoPipeline(**pipeline.components, expand_timesteps=True)
