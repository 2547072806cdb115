"""A diffusers pipeline: what may be asked of it, and which networks it is made of."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from reelyard.catalog.entry import Entry
from reelyard.plan import Precision


def id_of(repo: str) -> str:
    """`Wan-AI/Wan2.1-T2V-14B-Diffusers` is `wan2.1-t2v-14b`: the last part, in lower case."""
    return repo.rstrip("/").rpartition("/")[2].lower().removesuffix("-diffusers")


class Role(StrEnum):
    """What a component does in a pipeline."""

    TEXT = "text"
    IMAGE = "image"
    DENOISER = "denoiser"
    VAE = "vae"


class GuidanceBy(StrEnum):
    """How a model follows its prompt more strongly: two calls, one call of both, or by itself."""

    CALLS = "calls"
    BATCH = "batch"
    EMBEDDED = "embedded"


class Part(Entry):
    """A component in its place. `disk`: as its repository ships it; `resident`: as it is held
    whatever the plan says (a VAE that needs fp32), or None to follow the plan."""

    role: Role
    component: str
    disk: Precision = Precision.BF16
    resident: Precision | None = None


class VideoModel(Entry):
    """A diffusers pipeline and what is known of it before it runs."""

    id: str
    name: str
    about: str = ""
    repo: str
    pipeline: str
    image_pipeline: str | None = None
    needs_image: bool = False
    licence: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    fps: int = Field(gt=0)
    frame_step: int = Field(ge=1)
    frame_offset: int = Field(default=1, ge=0, le=1, description="Legal: frame_step n + offset.")
    min_frames: int = Field(ge=1)
    max_frames: int = Field(ge=1)
    size_multiple: int = Field(ge=1)
    steps: int = Field(ge=1)
    guidance: float = Field(ge=0)
    guidance_by: GuidanceBy = GuidanceBy.CALLS
    precision: Precision = Precision.BF16
    negative: bool = True
    max_text_tokens: int = Field(ge=1)
    pixels_per_token: int = Field(ge=1, description="Along each side.")
    time_factor: int = Field(ge=1, description="Frames per latent frame.")
    patch_frames: int = Field(default=1, ge=1, description="Latent frames per token.")
    parts: tuple[Part, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_a_legal_clip(self) -> VideoModel:
        least = 2 if self.image_pipeline else 1
        if self.longest_clip < max(self.min_frames, min(least, self.max_frames)):
            raise ValueError(
                f"max_frames {self.max_frames} with frame_step {self.frame_step} allows clips of "
                f"at most {self.longest_clip} frames, fewer than the least"
            )
        if not any(part.role is Role.DENOISER for part in self.parts):
            raise ValueError("parts must name a denoiser")
        return self

    def frames_for(self, frames: int) -> int:
        """The smallest legal count (step * n + offset) of at least `frames`, within the limits."""
        beyond = max(frames, self.min_frames) - self.frame_offset
        legal = -(-beyond // self.frame_step) * self.frame_step + self.frame_offset
        return min(legal, self.longest_clip)

    def is_legal(self, frames: int) -> bool:
        """A count that the pipeline renders as it is."""
        within = self.min_frames <= frames <= self.longest_clip
        return within and (frames - self.frame_offset) % self.frame_step == 0

    @property
    def longest_clip(self) -> int:
        """The largest legal frame count of one run."""
        beyond = self.max_frames - self.frame_offset
        return beyond // self.frame_step * self.frame_step + self.frame_offset

    def latent_frames(self, frames: int) -> int:
        """Frames of the latent film, in units of a token."""
        latent = -(-(frames - self.frame_offset) // self.time_factor) + self.frame_offset
        return -(-latent // self.patch_frames)

    def tokens_per_frame(self, width: int, height: int) -> int:
        """Tokens of one latent frame."""
        return (width // self.pixels_per_token) * (height // self.pixels_per_token)

    def of(self, role: Role) -> tuple[Part, ...]:
        """Its parts in this role."""
        return tuple(part for part in self.parts if part.role is role)
