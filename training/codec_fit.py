"""Fits the linear half of the codec: the principal parts of small blocks of the drawn world.

One eigenvalue decomposition, a few seconds. The painter, the codec's other half, is trained by
`painter_fit`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training import world
from worker.engines.demo.codec import SIDE, SPAN, PaintedPatches
from worker.engines.demo.transformer import latent_times

LOW = 64  # height of the reduced picture


def block_times(latents: Tensor, span: Tensor) -> Tensor:
    """The times of the four frames of each latent frame: [n, k] and [n] to [n, 4k]."""
    offsets = torch.tensor([-1.5, -0.5, 0.5, 1.5]) / SPAN
    moving = (latents != 0).float()[..., None]
    return (latents[..., None] + moving * offsets * span[:, None, None]).flatten(1)


def some_moments(
    n: int, keep: int, lengths: Tensor, g: torch.Generator, first: bool
) -> tuple[Tensor, Tensor]:
    """For n clips of random length, `keep` of their latent frames: times [n, keep], span [n]."""
    rows, spans = [], []
    for count in lengths[torch.randint(len(lengths), (n,), generator=g)].tolist():
        chosen = torch.randperm(count, generator=g)[:keep].sort().values
        if first:
            chosen[0] = 0
        rows.append(latent_times(count)[chosen])
        spans.append(1 / (count - 1))
    return torch.stack(rows), torch.tensor(spans)


def random_specs(n: int, g: torch.Generator, plain_share: float = 0.4) -> list[world.Spec]:
    """Captions that training may see."""
    pools = [[s for s in world.specs(plain) if not world.held_back(s)] for plain in (True, False)]
    plain = (torch.rand(n, generator=g) < plain_share).tolist()
    picks = torch.randint(1 << 30, (n,), generator=g).tolist()
    return [
        pools[0 if p else 1][k % len(pools[0 if p else 1])]
        for p, k in zip(plain, picks, strict=True)
    ]


LENGTHS = torch.tensor([5, 7, 9, 11, 13, 15, 17, 19, 21, 25])


def fit(channels: int, clips: int = 600, seed: int = 5) -> PaintedPatches:
    """Blocks with an edge in them are oversampled; latents are scaled half way to white."""
    g = torch.Generator().manual_seed(seed)
    pixels = _examples(clips, g)
    probe = PaintedPatches(z_dim=1)
    with torch.no_grad():
        blocks = _blocks(pixels)
        busy = blocks.reshape(-1, 3, SPAN, SIDE, SIDE).std((2, 3, 4)).mean(1)
        order = torch.rand(len(blocks), generator=g)
        edged = blocks[(busy > 0.06) & (order < 0.7)]
        flat = blocks[(busy <= 0.06)][: len(edged) // 3]
        x = torch.cat([edged, flat])
        centre = x.mean(0)
        parts, _, _ = torch.linalg.svd((x - centre).T @ (x - centre) / len(x))
        codec = PaintedPatches(z_dim=channels)
        codec.basis.data, codec.centre.data = parts[:, :channels].T.contiguous(), centre
        z = codec.compress(pixels)
    spread = z.std((0, 2, 3, 4))
    scale = (spread * spread.max()).sqrt()
    fitted = PaintedPatches(
        z_dim=channels, latents_mean=z.mean((0, 2, 3, 4)).tolist(), latents_std=scale.tolist()
    )
    fitted.load_state_dict(codec.state_dict())
    del probe
    return fitted


def _examples(clips: int, g: torch.Generator) -> Tensor:
    made = []
    for _ in range(clips // 50):
        scenes = world.scatter(random_specs(50, g), g)
        times, span = some_moments(50, 5, LENGTHS, g, first=True)
        pixels, _ = world.render(scenes, block_times(times, span), LOW)
        made.append(pixels * 2 - 1)
    return torch.cat(made)


def _blocks(pixels: Tensor) -> Tensor:
    n, _, f, h, w = pixels.shape
    blocks = pixels.reshape(n, 3, f // SPAN, SPAN, h // SIDE, SIDE, w // SIDE, SIDE)
    return blocks.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(-1, 3 * SPAN * SIDE * SIDE)
