"""What the meta device cannot do, and the worst case that stands in for it.

Attention gets a flash kernel's footprint. Answers that depend on data (which words of a prompt
count) are "all of them". Autocast, which meta does not know, does nothing. All of it ends with the
context. Never changes a value that a real device would compute.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from worker.engines.measure.flash import FlashShaped


class AllCounts(TorchFunctionMode):
    """On meta tensors: every element is nonzero, every mask selects everything, `all` and `any`
    asked as a question are true."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = args[0] if args else None
        if not isinstance(given, Tensor) or not given.is_meta:
            return func(*args, **kwargs)
        if func in (torch.nonzero, Tensor.nonzero):
            return _everywhere(given, **kwargs)
        if func is Tensor.__getitem__ and _is_mask(args[1]):
            return given.reshape(-1, *given.shape[args[1].dim() :])
        if func is Tensor.__bool__:
            return True
        return func(*args, **kwargs)


def _everywhere(given: Tensor, as_tuple: bool = False) -> Any:
    """The places of all elements: [elements, dimensions], or one vector for each dimension."""
    vectors = tuple(
        torch.zeros(given.numel(), dtype=torch.int64, device=given.device) for _ in given.shape
    )
    return vectors if as_tuple else torch.stack(vectors, -1)


def _is_mask(index: Any) -> bool:
    return isinstance(index, Tensor) and index.dtype is torch.bool and index.is_meta


class StandIns:
    """All of them, as one context."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._held.enter_context(mock.patch.object(torch, "autocast", _no_autocast))
        self._held.enter_context(FlashShaped())
        self._held.enter_context(AllCounts())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.__exit__(kind, wrong, trace)


def _no_autocast(*_: Any, **__: Any) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()
