"""The tracker on networks that a person can count by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from reelyard.errors import InvalidInput
from worker.engines.measure.tracker import ALLOCATION, CUDNN_COPIES, Tally, tracked

META = "meta"


def tally(module: nn.Module, given: Tensor, call: Callable[[], Any] | None = None) -> Tally:
    return tracked(module, given, call or (lambda: module(given)), CUDNN_COPIES)


def half(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device=META)


def test_a_linear_layer() -> None:
    """512 x 1024 weights, 64 rows in: 64 x 1024 out, all in two bytes."""
    layer = nn.Linear(512, 1024, bias=False, device=META, dtype=torch.bfloat16)
    found = tally(layer, half(64, 512))
    assert found.held_bytes == 512 * 1024 * 2
    assert found.peak_bytes == 2 * (512 * 1024 + 64 * 512 + 64 * 1024)
    assert found.gemm_flops == 2 * 64 * 512 * 1024
    assert found.traffic_bytes == 0
    assert found.all_traffic_bytes == 2 * (512 * 1024 + 64 * 512 + 64 * 1024)
    assert found.operations == 1


def test_what_dies_is_not_counted_twice() -> None:
    """Three layers in a row: input (kept by the caller) and two results live at once."""
    row = nn.Sequential(*(nn.Linear(512, 512, False, META, torch.bfloat16) for _ in range(3)))
    found = tally(row, half(256, 512))
    assert found.peak_bytes - found.held_bytes == 3 * 256 * 512 * 2


def test_small_blocks_are_rounded_up_as_the_allocator_does() -> None:
    layer = nn.Linear(4, 4, bias=False, device=META, dtype=torch.bfloat16)
    found = tally(layer, half(1, 4))
    assert found.held_bytes == ALLOCATION
    assert found.peak_bytes == 3 * ALLOCATION


def test_views_take_nothing_and_move_nothing() -> None:
    given = half(256, 512)
    found = tally(nn.Identity(), given, lambda: given.view(512, 256).transpose(0, 1)[3:7])
    assert found.peak_bytes == 256 * 512 * 2
    assert (found.all_traffic_bytes, found.operations) == (0, 0)


def test_work_in_place_moves_bytes_but_takes_none() -> None:
    given = half(256, 512)
    found = tally(nn.Identity(), given, lambda: given.add_(1))
    assert found.peak_bytes == 256 * 512 * 2
    assert found.traffic_bytes == 2 * 256 * 512 * 2


def test_attention_keeps_no_matrix_of_all_pairs() -> None:
    """2 samples, 8 heads, 4,096 queries, 1,024 keys, 64 wide: the result and one fp32 number for
    each row and head; 2 S_q S_k (64 + 64) a head."""
    q, k = half(2, 8, 4096, 64), half(2, 8, 1024, 64)
    found = tracked(nn.Identity(), (q, k), lambda: scaled_dot_product_attention(q, k, k), 0.0)
    inputs = 2 * 8 * (4096 + 1024) * 64 * 2
    assert found.peak_bytes == inputs + 2 * 8 * 4096 * (64 * 2 + 4)
    assert found.attention_flops == 2 * 8 * 2 * 4096 * 1024 * (64 + 64)
    assert found.gemm_flops == 0


def test_causal_attention_is_half_the_work() -> None:
    q = half(1, 1, 1024, 64)
    whole = tracked(nn.Identity(), q, lambda: scaled_dot_product_attention(q, q, q), 0.0)
    causal = tracked(
        nn.Identity(), q, lambda: scaled_dot_product_attention(q, q, q, is_causal=True), 0.0
    )
    assert causal.attention_flops * 2 == whole.attention_flops


@pytest.mark.parametrize(("dtype", "copies"), [(torch.bfloat16, 1.0), (torch.float32, 0.0)])
def test_a_3d_convolution_and_the_copies_that_cudnn_makes(
    dtype: torch.dtype, copies: float
) -> None:
    """16 to 32 channels, 3 x 3 x 3, 8 frames of 32 x 32, padded: same size out."""
    layer = nn.Conv3d(16, 32, 3, padding=1, bias=False, device=META, dtype=dtype)
    given = torch.empty(1, 16, 8, 32, 32, dtype=dtype, device=META)
    found = tracked(layer, given, lambda: layer(given), copies)
    places, each = 8 * 32 * 32, dtype.itemsize
    film = (16 + 32) * places * each
    assert found.held_bytes == 16 * 32 * 27 * each
    assert found.peak_bytes - found.held_bytes == film * (1 + copies)
    assert found.gemm_flops == 2 * 16 * 32 * 27 * places


def test_masks_and_autocast_take_the_worst_case() -> None:
    """A prompt's mask keeps every word; autocast, which meta does not know, changes nothing."""
    given, mask = half(77, 64), torch.empty(77, dtype=torch.bool, device=META)
    kept = []

    def call() -> None:
        with torch.autocast("meta"):
            kept.append(given[mask])
            kept.append(torch.nonzero(mask))

    found = tracked(nn.Identity(), (given, mask), call, 0.0)
    assert [tuple(one.shape) for one in kept] == [(77, 64), (77, 1)]
    assert found.peak_bytes >= 77 * 64 * 2


def test_what_meta_cannot_follow_is_said() -> None:
    given = half(4)
    with pytest.raises(InvalidInput, match=r"Identity.*cannot be run|cannot be run.*Identity"):
        tracked(nn.Identity(), given, given.tolist, 0.0)
