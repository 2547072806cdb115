"""Which pipelines can be left after a step and taken up again later, on another device if need be.

Only those of which a test shows that the pictures come out the same. Pure: no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reelyard.catalog import Catalog, VideoModel
from reelyard.settings import Settings
from worker.weights import find

CHANNEL_AXIS: Final[Mapping[str, int]] = {
    "WanPipeline": 1,
    "WanImageToVideoPipeline": 1,
    "LTXPipeline": 2,
    "LTXImageToVideoPipeline": 2,
    "CogVideoXPipeline": 2,
    "CosmosTextToWorldPipeline": 1,
    "MochiPipeline": 1,
    "HunyuanVideoPipeline": 1,
}
"""diffusers' pipelines, and where the channels are in what their denoisers are given."""

MOVING: Final[Mapping[str, tuple[str, ...]]] = {
    "UniPCMultistepScheduler": (
        "_step_index",
        "lower_order_nums",
        "this_order",
        "model_outputs",
        "timestep_list",
        "last_sample",
    ),
    "FlowMatchEulerDiscreteScheduler": ("_step_index",),
    "EDMEulerScheduler": ("_step_index",),
    "CogVideoXDDIMScheduler": (),
    "CogVideoXDPMScheduler": (),
}
"""diffusers' schedulers, and what in them moves with the steps: the rest is made anew from their
settings and the number of steps."""

HANDS_BACK: Final = frozenset({"CogVideoXDPMScheduler"})
"""Schedulers that are handed, at each step, the second thing that the step before answered."""


def can_go_on(pipeline: str, scheduler: str, settings: Mapping[str, object]) -> bool:
    """Whether a run of these two can be kept. `settings` are the scheduler's: one that draws noise
    of its own at each step takes it from dice that nobody can put back."""
    known = pipeline in CHANNEL_AXIS and scheduler in MOVING
    return known and not settings.get("stochastic_sampling", False)


def models_that_go_on(catalog: Catalog, settings: Settings) -> tuple[str, ...]:
    """The ids of the models on this worker of which any run can be left and taken up again. What is
    not here yet is not promised: nobody has seen its scheduler."""
    here = (
        (model, find(model.id, model.repo, settings, "model_index.json"))
        for model in catalog.models.values()
    )
    return tuple(model.id for model, folder in here if folder and goes_on(model, folder))


def goes_on(model: VideoModel, folder: Path) -> bool:
    """Whether all that the model can be asked for can be kept, by what its folder says of it."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        file = folder / "scheduler" / "scheduler_config.json"
        settings = json.loads(file.read_text(encoding="utf-8"))
        scheduler = str(index["scheduler"][1])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return False
    pipelines = (model.pipeline, model.image_pipeline or model.pipeline)
    return all(can_go_on(pipeline, scheduler, settings) for pipeline in pipelines)
