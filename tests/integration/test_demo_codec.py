"""The demo model's codec: what it keeps, what its painter adds, and the lengths it gives back."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn.functional import interpolate

from worker.engines.demo import codec
from worker.engines.demo.codec import SIDE, SPAN, PaintedPatches, Painter


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(before)


def whole() -> PaintedPatches:
    """A codec that keeps everything: as many channels as a block has values."""
    values = SPAN * SIDE * SIDE * 3
    made = PaintedPatches(z_dim=values, painter_width=8, painter_depth=2)
    made.basis.data = torch.linalg.qr(torch.randn(values, values)).Q
    return made


def test_with_every_channel_nothing_is_lost() -> None:
    small = torch.rand(1, 3, 2 * SPAN, 2 * SIDE, 3 * SIDE)
    kept = whole()
    assert torch.allclose(kept.expand(kept.compress(small)), small, atol=1e-4)


def test_a_clip_of_4n_plus_1_frames_comes_back_as_long_and_as_large() -> None:
    pixels = torch.rand(1, 3, 9, 64, 96) * 2 - 1
    kept = whole()
    latents = kept.encode(pixels).latents
    assert latents.shape == (1, kept.config.z_dim, 3, 2, 3)
    with torch.no_grad():
        assert kept.decode(latents).sample.shape == pixels.shape


def test_a_painter_that_has_learned_nothing_enlarges_smoothly() -> None:
    painter = Painter(scale=4, width=8, depth=2)
    torch.nn.init.zeros_(painter.last.weight)
    torch.nn.init.zeros_(painter.last.bias)  # type: ignore[arg-type]
    small = torch.rand(2, 3, 6, 10)
    smooth = interpolate(small, scale_factor=4, mode="bilinear", align_corners=False)
    with torch.no_grad():
        assert torch.allclose(painter(small), smooth, atol=1e-5)


def test_how_many_frames_are_painted_at_once_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = whole()
    latents = torch.randn(2, kept.config.z_dim, 2, 2, 2)
    with torch.no_grad():
        few = kept.decode(latents).sample
        monkeypatch.setattr(codec, "FRAMES_AT_ONCE", 100)
        assert torch.allclose(kept.decode(latents).sample, few, atol=1e-5)
