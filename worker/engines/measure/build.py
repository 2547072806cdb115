"""Builds a network of the catalog on the meta device, from its class and configuration alone.

Takes milliseconds and no memory at any size. Never reads a weight.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from reelyard.errors import InvalidInput, Problem
from worker.engines.video import cosmos


@dataclass(frozen=True, slots=True)
class Network:
    """A class with its configuration. `library`: diffusers, transformers, a folder of diffusers'
    pipelines, or a module of ours."""

    id: str
    library: str
    class_name: str
    config_class: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, id: str, table: Mapping[str, Any]) -> Network:
        """From a table of components.toml."""
        return cls(
            id,
            table["library"],
            table["class"],
            table.get("config_class", ""),
            table.get("config", {}),
        )

    def with_config(self, **changed: Any) -> Network:
        """The same class with some entries of its configuration changed."""
        config = {**self.config, **changed}
        return Network(self.id, self.library, self.class_name, self.config_class, config)


def build(network: Network, dtype: torch.dtype | None = None) -> nn.Module:
    """The network in eval mode. With a dtype, what diffusers keeps in fp32 stays in fp32, as
    `from_pretrained(dtype=...)` has it. Raises InvalidInput for a class or config that is not."""
    cosmos.extras(network.class_name)
    kind = _class(network, network.class_name)
    try:
        with torch.device("meta"):
            model: nn.Module = _made(network, kind)
    except (TypeError, ValueError, AttributeError, KeyError) as wrong:
        raise _cannot_be_built(network, f"{type(wrong).__name__}: {wrong}") from wrong
    model.to("meta")  # some classes make small tables where they please
    if dtype is not None:
        _cast(model, dtype)
    return model.eval()


def kept_in_fp32(model: nn.Module) -> tuple[str, ...]:
    """Names of submodules that diffusers does not halve. transformers' own list concerns fp16
    only."""
    if not type(model).__module__.startswith(("diffusers.", "worker.")):
        return ()
    return tuple(getattr(model, "_keep_in_fp32_modules", None) or ())


def is_kept(parameter: str, kept: tuple[str, ...]) -> bool:
    """Whether the parameter of this dotted name is under one of them."""
    return not set(kept).isdisjoint(parameter.split("."))


def _made(network: Network, kind: Any) -> Any:
    config = _plain(network.config)
    if network.config_class:
        return kind(_class(network, network.config_class)(**config))
    return kind.from_config(config)


def _plain(value: Any) -> Any:
    """Lists and dicts of the catalog as a constructor may change them."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _cast(model: nn.Module, dtype: torch.dtype) -> None:
    kept = kept_in_fp32(model)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and not is_kept(name, kept):
            tensor.data = tensor.data.to(dtype)


def _class(network: Network, name: str) -> Any:
    for place in (network.library, f"diffusers.pipelines.{network.library}"):
        try:
            found = getattr(importlib.import_module(place), name, None)
        except ModuleNotFoundError:
            continue
        if found is not None:
            return found
    raise _cannot_be_built(network, f"{network.library} has no class {name}")


def _cannot_be_built(network: Network, why: str) -> InvalidInput:
    return InvalidInput(
        [
            Problem(
                field=f"components.{network.id}",
                message=f"cannot be built: {why}",
                value=f"{network.library}.{network.class_name}",
                remedy="Correct its class or config, or install the library's version it needs.",
            )
        ]
    )
