"""A run after one of its steps, as a file: tensors as safetensors, all else as JSON in its header.

Never a pickle: reading one runs nothing. What the text encoder says is not kept, it is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

STATE_VERSION: Final = 1
MEDIA_TYPE: Final = "application/vnd.reelyard.checkpoint"
_HEADER: Final = "reelyard"
_TENSOR: Final = "tensor"


class Unusable(Exception):
    """The run cannot go on from there; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is: `step` of `steps` are done.

    `generator` is the state of its dice, `scheduler` what has moved in the scheduler, `handed_back`
    what a scheduler wants to be given again at the next step. `precision` is that of the steps.
    """

    step: int
    steps: int
    precision: str
    latents: torch.Tensor
    generator: torch.Tensor
    scheduler: dict[str, Any]
    handed_back: torch.Tensor | None = None


def write(place: Place, of: Mapping[str, str], path: Path) -> None:
    """Keep it. `of` says of which work and which program it is: whoever reads it must say the
    same."""
    tensors: dict[str, torch.Tensor] = {}
    said = {
        "version": STATE_VERSION,
        "of": dict(of),
        "step": place.step,
        "steps": place.steps,
        "precision": place.precision,
        "latents": _put(place.latents, "latents", tensors),
        "generator": _put(place.generator, "generator", tensors),
        "scheduler": {
            name: _put(value, f"scheduler.{name}", tensors)
            for name, value in place.scheduler.items()
        },
        "handed_back": _put(place.handed_back, "handed_back", tensors),
    }
    save_file(tensors, path, metadata={_HEADER: json.dumps(said)})


def read(path: Path, of: Mapping[str, str]) -> Place:
    """What `write` kept, on the CPU. Raises Unusable for what is no checkpoint, one of another
    version, or one of other work."""
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads(file.metadata()[_HEADER])
            _check(said, of)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _place(said, tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Unusable(f"it cannot be read: {type(wrong).__name__}") from wrong


def _check(said: Mapping[str, Any], of: Mapping[str, str]) -> None:
    if said["version"] != STATE_VERSION:
        raise Unusable(f"it is of version {said['version']}, this worker reads {STATE_VERSION}")
    for name, value in of.items():
        if (theirs := said["of"].get(name)) != value:
            shown = "another" if name == "work" else f"{theirs}, not {value}"
            raise Unusable(f"its {name} is {shown}")


def _place(said: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Place:
    if not 1 <= said["step"] <= said["steps"]:
        raise ValueError(said["step"])
    return Place(
        step=said["step"],
        steps=said["steps"],
        precision=said["precision"],
        latents=tensors["latents"],
        generator=tensors["generator"],
        scheduler={name: _take(value, tensors) for name, value in said["scheduler"].items()},
        handed_back=_take(said["handed_back"], tensors),
    )


def _put(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """As JSON; tensors are put aside under their name. Each is copied: a file of safetensors does
    not know that two names mean the same memory."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: name}
    if isinstance(value, list):
        return [_put(item, f"{name}.{index}", tensors) for index, item in enumerate(value)]
    return value


def _take(said: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(said, dict):
        return tensors[said[_TENSOR]]
    if isinstance(said, list):
        return [_take(item, tensors) for item in said]
    return said
