"""What Cosmos pipelines want beyond diffusers: torchvision, and NVIDIA's guardrail.

Never switches a guardrail off that is installed; where it is missing the shot says so.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import SimpleNamespace
from typing import Any, TypeVar

import torch
from torch.nn.functional import interpolate

T = TypeVar("T")

UNGUARDED = (
    "rendered without NVIDIA's Cosmos guardrail, which the model's licence asks for: "
    "add it with `pip install cosmos_guardrail`"
)


class Unguarded:
    """Stands where the guardrail would; lets everything pass.

    A plain object: diffusers would ask a torch module for its device and dtype.
    """

    def to(self, *_: Any, **__: Any) -> Unguarded:
        """It has no weights to move."""
        return self

    def check_text_safety(self, prompt: str) -> bool:
        """Every prompt passes."""
        return True

    def check_video_safety(self, frames: T) -> T:
        """Every picture passes, unchanged."""
        return frames


def extras(pipeline_class: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Components to hand to `from_pretrained`, and what the shot's notes must say of them."""
    if not pipeline_class.startswith("Cosmos"):
        return {}, ()
    _stand_in_for_torchvision()
    if importlib.util.find_spec("cosmos_guardrail"):
        return {}, ()
    return {"safety_checker": Unguarded()}, (UNGUARDED,)


def _stand_in_for_torchvision() -> None:
    """diffusers uses torchvision for one nearest-neighbour resize of a mask: give it just that."""
    transformer = importlib.import_module("diffusers.models.transformers.transformer_cosmos")
    if hasattr(transformer, "transforms"):
        return
    transformer.transforms = SimpleNamespace(  # type: ignore[attr-defined]
        functional=SimpleNamespace(resize=_resize),
        InterpolationMode=SimpleNamespace(NEAREST="nearest"),
    )


def _resize(mask: torch.Tensor, size: list[int], interpolation: str) -> torch.Tensor:
    return interpolate(mask, size=size, mode=interpolation)
