"""The clip that a measured call is for, as the parts of its pipeline see it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reelyard.catalog import GuidanceBy, VideoModel


@dataclass(frozen=True, slots=True)
class Clip:
    """Pixels and frames."""

    width: int
    height: int
    frames: int

    @property
    def pixels(self) -> int:
        """Of one frame."""
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.frames}"


@dataclass(frozen=True, slots=True)
class Grid:
    """The latent film of a clip: frames, rows, columns; `patch` rows and columns and `patch_frames`
    frames make a token. `per_frame` tokens are in one frame of tokens."""

    frames: int
    rows: int
    columns: int
    per_frame: int
    token_frames: int

    @property
    def tokens(self) -> int:
        """Of the clip."""
        return self.per_frame * self.token_frames

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, rows, columns."""
        return self.frames, self.rows, self.columns


def grid(model: VideoModel, clip: Clip, patch: int) -> Grid:
    """The latent film that the model's pipeline makes for the clip, padded to whole tokens."""
    space = model.pixels_per_token // patch
    token_frames = model.latent_frames(clip.frames)
    return Grid(
        frames=token_frames * model.patch_frames,
        rows=clip.height // space,
        columns=clip.width // space,
        per_frame=model.tokens_per_frame(clip.width, clip.height),
        token_frames=token_frames,
    )


def batch(model: VideoModel) -> int:
    """Samples of one call of its denoiser."""
    return 2 if model.guidance_by is GuidanceBy.BATCH else 1


def half(*shape: int) -> Tensor:
    """Numbers in bf16, on meta."""
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")


def single(*shape: int) -> Tensor:
    """Numbers in fp32, on meta."""
    return torch.empty(shape, dtype=torch.float32, device="meta")


def whole(*shape: int) -> Tensor:
    """Integers, on meta."""
    return torch.empty(shape, dtype=torch.int64, device="meta")


def yes_or_no(*shape: int) -> Tensor:
    """A mask, on meta."""
    return torch.empty(shape, dtype=torch.bool, device="meta")


def patch_of(config: Any) -> int:
    """Rows (and columns) of the latent film that make one token."""
    patch = config.get("patch_size") or 1
    return int(patch if isinstance(patch, int) else patch[-1])
