"""Clips drawn ahead of training and kept as latents, so that a training step draws nothing.

A clip is stored as a few of its latent frames with their times, whatever its length: the network
takes times as they come, so long clips cost no more than short ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import max_pool3d

from training import world
from training.codec_fit import LENGTHS, LOW, block_times, random_specs, some_moments
from worker.engines.demo.codec import SIDE, SPAN, PaintedPatches

CHUNK = 50


@dataclass(frozen=True)
class Kind:
    """One sort of clip to learn from, and how often."""

    share: float  # of the training steps
    clips: int
    batch: int
    moments: int = 5
    lengths: Tensor = LENGTHS
    aspect: float = world.WIDE
    onward: bool = False  # the first frame is given

    def times(self, factor: float) -> Kind:
        return replace(self, clips=round(self.clips * factor))


KINDS = (
    Kind(0.62, 5500, 32),
    Kind(0.10, 900, 32, aspect=world.SQUARE),
    Kind(0.10, 500, 12, moments=13, lengths=torch.tensor([13, 15, 17])),
    Kind(0.18, 2000, 32, onward=True),
)


@dataclass(frozen=True)
class Pool:
    kind: Kind
    latents: Tensor  # [n, z, k, h, w], half, normalised
    figure_here: Tensor  # [n, 1, k, h, w], half
    times: Tensor
    span: Tensor
    captions: list[str]


class Normal:
    """The scale that Wan's pipelines put between codec and transformer."""

    def __init__(self, codec: PaintedPatches) -> None:
        self.mean, self.std = (
            torch.tensor(v).view(1, -1, 1, 1, 1)
            for v in (codec.config.latents_mean, codec.config.latents_std)
        )

    def put(self, z: Tensor) -> Tensor:
        return (z - self.mean) / self.std

    def take(self, z: Tensor) -> Tensor:
        return z * self.std + self.mean


@torch.no_grad()
def fill(codec: PaintedPatches, kind: Kind, plain_share: float, g: torch.Generator) -> Pool:
    chunks = [_chunk(codec, kind, k, plain_share, g) for k in range(kind.clips // CHUNK)]
    latents, cells, times, span, captions = zip(*chunks, strict=True)
    return Pool(
        kind,
        torch.cat(latents),
        torch.cat(cells),
        torch.cat(times),
        torch.cat(span),
        [name for some in captions for name in some],
    )


def _chunk(
    codec: PaintedPatches, kind: Kind, number: int, plain_share: float, g: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor, list[str]]:
    chosen = random_specs(CHUNK, g, plain_share)
    scenes = world.scatter(chosen, g, kind.aspect)
    if kind.onward and number % 3:
        scenes = world.going_on(scenes, g)
    times, span = some_moments(
        CHUNK, kind.moments, kind.lengths, g, first=kind.onward or number % 2 == 0
    )
    pixels, cover = world.render(scenes, block_times(times, span), LOW)
    latents = Normal(codec).put(codec.compress(pixels * 2 - 1))
    cells = max_pool3d(cover, (SPAN, SIDE, SIDE))
    captions = [world.caption(s, k % 2) for k, s in enumerate(chosen)]
    return latents.half(), cells.half(), times, span, captions
