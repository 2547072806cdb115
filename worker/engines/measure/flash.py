"""Attention with the footprint of a flash kernel, for runs on the meta device.

Like the CPU, meta would take attention apart into the matrix of all pairs, which no GPU kernel
keeps. Never computes anything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SIGNATURE = "flash(Tensor q, Tensor k, Tensor v, Tensor? mask, bool causal) -> (Tensor, Tensor)"


@functools.cache
def flash_op() -> Any:
    """The operation `reelyard::flash`; registered when it is first asked for."""
    kind: Any = torch.library.Library  # torch leaves it untyped
    library = kind("reelyard", "FRAGMENT")
    library.define(_SIGNATURE)
    library.impl("flash", _flash, "Meta")
    _flash.library = library  # type: ignore[attr-defined] # it is unregistered when it dies
    return torch.ops.reelyard.flash


def _flash(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool
) -> tuple[Tensor, Tensor]:
    """[B, H, S, D] in. Out: a transposed view of [B, S, H, D], as flash kernels return it, and the
    log-sum-exp [B, H, S] in fp32."""
    batch, heads, rows = q.shape[:3]
    out = q.new_empty(batch, rows, heads, v.shape[-1]).transpose(1, 2)
    return out, q.new_empty(batch, heads, rows, dtype=torch.float32)


def attention_flops(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> int:
    """2 S_q S_k (D_k + D_v) for each head and sample; half of it when causal."""
    batch, heads, rows, width = q.shape
    pairs = batch * heads * rows * k.shape[2]
    return 2 * pairs * (width + v.shape[-1]) // (2 if causal else 1)


class FlashShaped(TorchFunctionMode):
    """Within it, `scaled_dot_product_attention` is `reelyard::flash`."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not torch.nn.functional.scaled_dot_product_attention:
            return func(*args, **kwargs)
        return _attend(*args, **kwargs)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **_: Any,
) -> Tensor:
    *leading, heads, rows, _width = query.shape
    q, k, v = (t if t.dim() == 4 else t.reshape(-1, *t.shape[-3:]) for t in (query, key, value))
    out: Tensor = flash_op()(q, k, v, attn_mask, is_causal)[0]
    return out if out.dim() == query.dim() else out.reshape(*leading, heads, rows, -1)
