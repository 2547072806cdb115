"""Puts a pipeline where its plan wants it: on the device, or waiting in RAM and visiting it."""

from __future__ import annotations

import gc
from typing import Any

import torch

from reelyard.plan import Offload


def place(pipeline: Any, device: str, offload: Offload) -> None:
    """Move the pipeline's weights, or hook them so that they visit the device when needed.

    On a CPU there is nowhere to wait: offload is a no-op there.
    """
    if torch.device(device).type == "cpu" or offload is Offload.NONE:
        pipeline.to(device)
    elif offload is Offload.MODEL:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)


def set_tiling(pipeline: Any, wanted: bool) -> None:
    """Decode in tiles, or whole. VAEs without tiling are left alone."""
    switch = getattr(pipeline.vae, "enable_tiling" if wanted else "disable_tiling", None)
    if switch is not None:
        switch()


def release() -> None:
    """Give memory back that no tensor uses any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
