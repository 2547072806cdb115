"""Which networks of a pipeline do what, by diffusers' names. Never changes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from reelyard.catalog import Role, VideoModel

_NAMES = {
    Role.TEXT: "text_encoder",
    Role.IMAGE: "image_encoder",
    Role.DENOISER: "transformer",
    Role.VAE: "vae",
}


def part_names(model: VideoModel) -> tuple[str, ...]:
    """The pipeline's name of each of the model's parts: `transformer`, `transformer_2`."""
    names = []
    for index, part in enumerate(model.parts):
        before = sum(other.role is part.role for other in model.parts[:index])
        names.append(_NAMES[part.role] + (f"_{before + 1}" if before else ""))
    return tuple(names)


def networks(pipeline: Any) -> Iterator[tuple[Role | None, Any]]:
    """Every network that is there, with its role (None: one that the catalog has no word for)."""
    for name, component in pipeline.components.items():
        if isinstance(component, torch.nn.Module):
            yield next((r for r, base in _NAMES.items() if name.startswith(base)), None), component


def denoisers(pipeline: Any) -> tuple[Any, ...]:
    """One, or two for the early and the late steps."""
    return tuple(found for role, found in networks(pipeline) if role is Role.DENOISER)


def blocks(denoiser: Any) -> Iterator[tuple[str, Any]]:
    """Its repeated blocks, by name: what its lists hold."""
    for name, child in denoiser.named_children():
        if isinstance(child, torch.nn.ModuleList):
            for index, block in enumerate(child):
                yield f"{name}.{index}", block
