"""The demo model's transformer: diffusers' Wan transformer, tiny, with three additions.

`PlacedPatch` gives every token its place and time in the clip, absolutely. Wan knows places only
relative to each other, so on pure noise it cannot say "starts on the left".
`PlacedRope` counts time in parts of the clip, not in frames: one training serves every length.
`SpokenTime` adds the caption to the modulation of every block: through cross-attention alone the
words for motion are learned far more slowly.
Pipeline and scheduler stay stock. Never trains.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

# WanPipeline.from_pretrained looks for ModelMixin in the module of every class it loads.
from diffusers import ModelMixin, WanTransformer3DModel
from torch import Tensor, nn

__all__ = ["ModelMixin", "PlacedWan", "latent_times"]

OCTAVES = 4
TURNS = 8.0  # positions that the whole clip spans in rotary attention


def latent_times(count: int) -> Tensor:
    """When each latent frame is, as a part of the clip.

    The first is frame 0, the others cover four frames each.
    """
    if count == 1:
        return torch.zeros(1)
    centres = torch.arange(count) * 4 - 1.5
    centres[0] = 0
    return centres / (4 * (count - 1))


class Places(nn.Module):
    """Shared by patches and rope: the times of the latent frames at hand."""

    def __init__(self) -> None:
        super().__init__()
        self.given: Tensor | None = None  # [n, count], training only: a few moments of a long clip
        self.span: Tensor | None = None  # [n]

    def times(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """[n or 1, count] times, and [n or 1] the part of the clip that one latent frame covers."""
        if self.given is not None and self.span is not None:
            return self.given, self.span
        count = like.shape[2]
        span = torch.full((1,), 1 / max(1, count - 1), device=like.device)
        return latent_times(count)[None].to(like.device), span


class PlacedPatch(nn.Module):
    """The patch embedding plus a map of where and when the patch is: any size, any frame count."""

    def __init__(self, conv: nn.Module, width: int, places: Places) -> None:
        super().__init__()
        self.conv, self._places = conv, [places]
        self.place = nn.Linear(3 + 3 * 2 * OCTAVES + 3, width)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv(x)
        times, span = self._places[0].times(x)
        features = _features(times, span, h.shape[3], h.shape[4]).to(h.dtype)
        placed: Tensor = self.place(features)
        return h + placed.permute(0, 4, 1, 2, 3)


def _features(times: Tensor, span: Tensor, rows: int, columns: int) -> Tensor:
    """[n, count, rows, columns, features]"""
    n, count = times.shape
    y, x = (((torch.arange(k, device=times.device) + 0.5) / k * 2 - 1) for k in (rows, columns))
    full = (n, count, rows, columns)
    t = (times * 2 - 1)[:, :, None, None].expand(full)
    grid = torch.stack([t, y[:, None].expand(full), x.expand(full)], -1)
    waves = grid[..., None] * 2.0 ** torch.arange(OCTAVES, device=times.device) * math.pi / 2
    length = span[:, None, None, None].expand(full)
    still = (times == 0)[:, :, None, None].expand(full).float()
    wide = torch.full_like(length, columns / rows)
    extra = torch.stack([4 * length, still, wide], -1)
    return torch.cat([grid, waves.sin().flatten(-2), waves.cos().flatten(-2), extra], -1)


class PlacedRope(nn.Module):
    """Rotary places: time in parts of the clip, rows and columns in patches."""

    def __init__(self, head_dim: int, patch: tuple[int, int, int], places: Places) -> None:
        super().__init__()
        self.patch, self._places = patch, [places]
        side = 2 * (head_dim // 6)
        self.widths = (head_dim - 2 * side, side, side)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        times, _ = self._places[0].times(x)
        rows, columns = x.shape[3] // self.patch[1], x.shape[4] // self.patch[2]
        full = (*times.shape, rows, columns)
        axes = (
            (times * TURNS)[:, :, None, None].expand(full),
            torch.arange(rows, device=x.device)[:, None].expand(full),
            torch.arange(columns, device=x.device).expand(full),
        )
        angles = [
            a[..., None] * _rates(w, x.device) for a, w in zip(axes, self.widths, strict=True)
        ]
        turn = torch.cat(angles, -1).repeat_interleave(2, -1).flatten(1, 3).unsqueeze(2)
        return turn.cos(), turn.sin()


def _rates(width: int, device: torch.device) -> Tensor:
    return 100.0 ** -(torch.arange(0, width, 2, device=device) / width)


class SpokenTime(nn.Module):
    """Wan's embedder of time and text; its two time outputs also carry the caption."""

    def __init__(self, inner: nn.Module, text_width: int, width: int) -> None:
        super().__init__()
        self.inner = inner
        # Normed, because one word in ten changes the sum of a caption only a little.
        self.pool = nn.Sequential(
            nn.Linear(text_width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.LayerNorm(width),
            nn.SiLU(),
        )
        self.to_head, self.to_blocks = nn.Linear(width, width), nn.Linear(width, 6 * width)

    def forward(
        self,
        timestep: Tensor,
        text: Tensor,
        image: Tensor | None = None,
        timestep_seq_len: int | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        head, blocks, context, image = self.inner(
            timestep, text, image, timestep_seq_len=timestep_seq_len
        )
        words = (text.abs().sum(-1) > 0).sum(1, keepdim=True).clamp_min(1)
        caption = self.pool(text.sum(1) / words.sqrt().to(text.dtype))
        said_head, said_blocks = self.to_head(caption), self.to_blocks(caption)
        if timestep_seq_len is not None:  # one time per token: a given first frame has none
            said_head, said_blocks = said_head[:, None], said_blocks[:, None]
        return head + said_head, blocks + said_blocks, context, image


Init = TypeVar("Init", bound=Callable[..., None])


def _signed_like_wan(init: Init) -> Init:
    """diffusers reads the signature to tell arguments from other config entries."""
    wan: Any = WanTransformer3DModel.__init__
    signed: Init = functools.wraps(wan)(init)  # type: ignore[assignment] # still the same function
    return signed


class PlacedWan(WanTransformer3DModel):
    config: Any  # diffusers adds these without a type
    patch_embedding: nn.Module
    condition_embedder: nn.Module

    @_signed_like_wan
    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)  # type: ignore[no-untyped-call]
        c = self.config
        width = c.num_attention_heads * c.attention_head_dim
        self._places = [Places()]
        self.patch_embedding = PlacedPatch(self.patch_embedding, width, self._places[0])
        self.rope = PlacedRope(c.attention_head_dim, tuple(c.patch_size), self._places[0])
        self.condition_embedder = SpokenTime(self.condition_embedder, c.text_dim, width)

    @contextmanager
    def at(self, times: Tensor, span: Tensor) -> Iterator[None]:
        """Look at these moments of a longer clip; training only."""
        places = self._places[0]
        places.given, places.span = times, span
        try:
            yield
        finally:
            places.given = places.span = None
