"""The demo model's codec: one matrix each way, and on the way out a small painter as well.

It has the interface that diffusers' Wan pipelines expect of a "vae". Encoding reduces a picture to
a quarter of its size and takes the principal parts of blocks of 4 x 8 x 8 pixels. Decoding is the
reverse, then `Painter`, a few convolutions that give the reduced, blurred picture its full size and
clean edges. The first frame is a block of its own, four times the same, as in Wan: frames = 4n + 1.
Good for the flat drawn world it was fitted to, useless for photographs. Never trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from diffusers import ModelMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad, pixel_shuffle, relu

SPAN = 4  # frames in a block
SIDE = 8  # pixels of the reduced picture
FRAMES_AT_ONCE = 4  # of the painter: they stay in a processor's cache
LOOKS = (1, 2, 4, 2, 8, 4, 2, 1)  # steps between the pixels a layer looks at: near, far, near

Init = TypeVar("Init", bound=Callable[..., None])


def _config(init: Init) -> Init:
    """diffusers' decorator, with the types that it drops: it keeps the arguments as `config`."""
    kept: Init = register_to_config(init)  # type: ignore[no-untyped-call]
    return kept


@dataclass(frozen=True)
class Encoded:
    """What diffusers' `retrieve_latents` looks for."""

    latents: Tensor


class Painter(nn.Module):
    """Small pictures [n, 3, h, w] in [-1, 1] to pictures `scale` times larger.

    The large picture is a smooth enlargement plus learned detail.
    """

    def __init__(self, scale: int, width: int, depth: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(5, width, 3, padding=1)
        self.middle = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=LOOKS[k], dilation=LOOKS[k]) for k in range(depth)
        )
        self.last = nn.Conv2d(width, 3 * scale * scale, 3, padding=1)

    def forward(self, small: Tensor) -> Tensor:
        return self.paint(placed(small))

    def paint(self, seen: Tensor) -> Tensor:
        """From pictures that know their places, which may be parts of larger ones."""
        small = seen[:, :3]
        h = relu(self.first(seen.contiguous(memory_format=torch.channels_last)))
        for k, conv in enumerate(self.middle):
            h = h + relu(conv(h)) if k else relu(conv(h))
        return pixel_shuffle(self.last(h) + self._smooth(small), self.scale)

    def _smooth(self, small: Tensor) -> Tensor:
        """Bilinear enlargement before the shuffle: as one convolution it costs a fifth."""
        spread = _spread(self.scale).to(small)
        return conv2d(pad(small, (1, 1, 1, 1), mode="replicate"), spread)


def _spread(scale: int) -> Tensor:
    """[3 scale^2, 3, 3, 3]: what each of the 3 x 3 pixels around it gives to each new pixel."""
    around = torch.eye(9).reshape(9, 1, 3, 3)
    large = interpolate(around, scale_factor=scale, mode="bilinear", align_corners=False)
    middle = large[:, 0, scale : 2 * scale, scale : 2 * scale].reshape(9, -1).T.reshape(-1, 3, 3)
    weight = torch.zeros(3, scale * scale, 3, 3, 3)
    for channel in range(3):
        weight[channel, :, channel] = middle
    return weight.flatten(0, 1)


def placed(small: Tensor) -> Tensor:
    """With two more channels, which say where in the picture a pixel is."""
    n, _, h, w = small.shape
    y = torch.linspace(-1, 1, h, device=small.device, dtype=small.dtype)
    x = torch.linspace(-1, 1, w, device=small.device, dtype=small.dtype)
    where = torch.stack([y[:, None].expand(h, w), x[None].expand(h, w)]).expand(n, 2, h, w)
    return torch.cat([small, where], 1)


class PaintedPatches(ModelMixin, ConfigMixin):
    config: Any  # what `_config` kept; diffusers adds it without a type

    @_config
    def __init__(
        self,
        z_dim: int = 48,
        enlarge: int = 4,
        painter_width: int = 40,
        painter_depth: int = 4,
        scale_factor_temporal: int = SPAN,
        scale_factor_spatial: int = 32,
        latents_mean: list[float] | None = None,
        latents_std: list[float] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        values = SPAN * SIDE * SIDE * 3
        self.basis = nn.Parameter(torch.zeros(z_dim, values), requires_grad=False)
        self.centre = nn.Parameter(torch.zeros(values), requires_grad=False)
        self.painter = Painter(enlarge, painter_width, painter_depth)
        self.temperal_downsample = [True, True]  # (sic) Wan's pipelines want it: time factor 4

    def encode(self, pixels: Tensor) -> Encoded:
        """Full-size pixels [n, 3, 4k + 1, H, W] in [-1, 1]."""
        n, _, count, _, _ = pixels.shape
        small = avg_pool2d(pixels.transpose(1, 2).flatten(0, 1), self.config.enlarge)
        small = small.reshape(n, count, *small.shape[1:]).transpose(1, 2)
        return Encoded(self.compress(torch.cat([small[:, :, :1]] * (SPAN - 1) + [small], 2)))

    def compress(self, small: Tensor) -> Tensor:
        """Reduced pixels [n, 3, 4k, h, w] to latents [n, z, k, h / 8, w / 8]."""
        n, _, f, h, w = small.shape
        blocks = small.reshape(n, 3, f // SPAN, SPAN, h // SIDE, SIDE, w // SIDE, SIDE)
        blocks = blocks.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)
        return ((blocks - self.centre) @ self.basis.T).permute(0, 4, 1, 2, 3)

    def expand(self, z: Tensor) -> Tensor:
        """Latents to reduced pixels, four frames for each latent frame."""
        n, _, t, h, w = z.shape
        blocks = z.permute(0, 2, 3, 4, 1) @ self.basis + self.centre
        blocks = blocks.reshape(n, t, h, w, 3, SPAN, SIDE, SIDE).permute(0, 4, 1, 5, 2, 6, 3, 7)
        return blocks.reshape(n, 3, t * SPAN, h * SIDE, w * SIDE)

    def decode(self, z: Tensor, return_dict: bool = True) -> DecoderOutput | tuple[Tensor]:
        small = self.expand(z)[:, :, SPAN - 1 :]
        n, _, count, h, w = small.shape
        frames = small.transpose(1, 2).flatten(0, 1)
        scale = self.painter.scale
        large = small.new_empty(len(frames), 3, h * scale, w * scale)
        for done in range(0, len(frames), FRAMES_AT_ONCE):
            few = slice(done, done + FRAMES_AT_ONCE)
            large[few] = self.painter(frames[few])
        pixels = large.reshape(n, count, *large.shape[1:]).transpose(1, 2)
        return DecoderOutput(sample=pixels) if return_dict else (pixels,)


def decibels(made: Tensor, true: Tensor) -> float:
    """Peak signal to noise of pixels in [-1, 1]."""
    return 10 * math.log10(4 / float(((made.clamp(-1, 1) - true) ** 2).mean()))
