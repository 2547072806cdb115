"""The demo model's transformer: any length, any precision, and the words reach every block."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from worker.engines.demo.transformer import PlacedWan, latent_times

CHANNELS, TEXT = 4, 16


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(before)


def tiny() -> PlacedWan:
    return PlacedWan(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        text_dim=TEXT,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        rope_max_seq_len=32,
    )


@torch.no_grad()
def estimate(dit: PlacedWan, count: int = 3, text: Tensor | None = None) -> Tensor:
    g = torch.Generator().manual_seed(2)
    like = dit.condition_embedder.pool[0].weight
    noise = torch.randn(1, CHANNELS, count, 4, 6, generator=g).to(like.dtype)
    words = torch.ones(1, 5, TEXT) if text is None else text
    made: Tensor = dit(noise, torch.tensor([500.0]), words.to(like.dtype), return_dict=False)[0]
    return made


@pytest.mark.parametrize("count", [1, 2, 5, 25])
def test_a_clip_may_have_any_length(count: int) -> None:
    assert estimate(tiny(), count).shape == (1, CHANNELS, count, 4, 6)


def test_half_precision_gives_nearly_the_same() -> None:
    """As on a GPU, where plans ask for bfloat16."""
    dit = tiny()
    full = estimate(dit)
    assert (estimate(dit.to(torch.bfloat16)).float() - full).abs().max() < 0.1 * full.abs().max()


def test_other_words_give_another_clip() -> None:
    dit = tiny()
    assert not torch.equal(estimate(dit), estimate(dit, text=torch.randn(1, 5, TEXT)))


def test_the_same_moments_are_the_same_places_however_they_are_named() -> None:
    dit = tiny()
    whole = estimate(dit, count=5)
    with dit.at(latent_times(5)[None], torch.tensor([0.25])):
        assert torch.allclose(estimate(dit, count=5), whole, atol=1e-6)


def test_times_begin_at_the_first_frame_and_stay_within_the_clip() -> None:
    times = latent_times(13)
    assert times[0] == 0
    assert bool((times.diff() > 0).all())
    assert times[-1] < 1
    assert latent_times(1).tolist() == [0]
