"""Sizes of a network in parameters: what offloading moves and what quantisation shrinks.

A repeated block is an entry of an outermost list of layers of one class that holds a tenth of the
network or more. Autoencoders have none: they visit a device as a whole. Never runs the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN
from torch import nn

from worker.engines.measure.build import is_kept, kept_in_fp32

_SHARE = 0.1
_CASTABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True, slots=True)
class Counts:
    """As the catalog's Component has them."""

    parameters: int
    kept_fp32: int
    linear: int
    castable: int
    blocks: int
    block: int
    outside: int
    leaf: int


def count(model: nn.Module) -> Counts:
    """Counts parameters, shared ones once."""
    everything = _size(model)
    blocks = [block for blocks in _repeated(model, everything) for block in blocks]
    kept = kept_in_fp32(model)
    return Counts(
        parameters=everything,
        kept_fp32=sum(p.numel() for name, p in model.named_parameters() if is_kept(name, kept)),
        linear=sum(_matrices(block) for block in blocks),
        castable=sum(_size(layer) for layer in _castable(model)),
        blocks=len(blocks),
        block=max(map(_size, blocks), default=0),
        outside=everything - sum(map(_size, blocks)),
        leaf=max(_own(module) for module in model.modules()),
    )


def _repeated(model: nn.Module, everything: int) -> Iterator[Iterable[nn.Module]]:
    if hasattr(model, "decode") and hasattr(model, "encode"):
        return
    lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and _is_alike(m)]
    lists = [one for one in lists if _size(one) >= _SHARE * everything]
    for one in lists:
        if not any(one is not other and one in list(other.modules()) for other in lists):
            yield one


def _is_alike(layers: nn.ModuleList) -> bool:
    return len(layers) >= 2 and len({type(layer) for layer in layers}) == 1


def _matrices(block: nn.Module) -> int:
    return sum(m.weight.numel() for m in block.modules() if isinstance(m, nn.Linear))


def _castable(model: Any) -> Iterator[nn.Module]:
    """Layers that diffusers' layerwise casting narrows; what it skips goes by name."""
    if not hasattr(model, "enable_layerwise_casting") or hasattr(model, "decode"):
        return
    own = (*(model._keep_in_fp32_modules or ()), *(model._skip_layerwise_casting_patterns or ()))
    skipped = re.compile("|".join((*DEFAULT_SKIP_MODULES_PATTERN, *own)))
    yield from _cast(model, "", skipped)


def _cast(module: nn.Module, name: str, skipped: re.Pattern[str]) -> Iterator[nn.Module]:
    for child_name, child in module.named_children():
        path = f"{name}.{child_name}" if name else child_name
        if skipped.search(path):
            continue
        if isinstance(child, _CASTABLE):
            yield child
        else:
            yield from _cast(child, path, skipped)


def _size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _own(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters(recurse=False))
