"""What a person asks for: scenes, each with a picture, a line to say, and a length.

Only the shape of a valid storyboard and its defaults; `reelyard.script` reads files into it and
reports problems, `reelyard.limits` holds it to the farm's limits. Never touches files or the clock.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_SIZE = re.compile(r"^([1-9]\d{1,4})x([1-9]\d{1,4})$")

Transition = Literal["cut", "crossfade"]
Overflow = Literal["hold", "fail"]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Scene(_Asked):
    """One scene: what to see, what to say, how long."""

    picture: Annotated[str, Field(min_length=1, description="What to see: the model's prompt.")]
    say: Annotated[str, Field(description="What to say over it; empty for silence.")] = ""
    seconds: Annotated[
        float | None,
        Field(gt=0, description="A fixed length. Left out: as long as the narration takes."),
    ] = None
    seed: Annotated[int | None, Field(ge=0, lt=2**63, description="Same seed, same clip.")] = None
    negative: Annotated[str | None, Field(description="What not to see.")] = None
    voice: Annotated[str | None, Field(description="Another voice for this scene.")] = None
    model: Annotated[str | None, Field(description="Another model for this scene.")] = None
    transition: Annotated[
        Transition, Field(description="How this scene comes in after the one before.")
    ] = "cut"
    continues: Annotated[
        bool,
        Field(alias="continue", description="Start from the last picture of the scene before."),
    ] = False

    @field_validator("picture", "say")
    @classmethod
    def _tidy(cls, text: str) -> str:
        return " ".join(text.split())


class Storyboard(_Asked):
    """A film on paper. Everything but the scenes has a default."""

    title: Annotated[str, Field(min_length=1, max_length=200)] = "Untitled"
    model: Annotated[str, Field(description="A model of the catalog.")] = "reelyard-demo"
    voice: Annotated[str, Field(description="A voice of the catalog.")] = "heart"
    size: Annotated[
        str | None, Field(description="WIDTHxHEIGHT in pixels; left out: the model's own.")
    ] = None
    fps: Annotated[int | None, Field(ge=1, le=60, description="Left out: the model's own.")] = None
    style: Annotated[str, Field(description="Words of the style catalog added to pictures.")] = ""
    negative: Annotated[str, Field(description="What not to see, in every scene.")] = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Annotated[int | None, Field(ge=1, le=200)] = None
    guidance: Annotated[float | None, Field(ge=0, le=30)] = None
    overflow: Annotated[
        Overflow,
        Field(description="When a line does not fit: hold the last picture, or fail the job."),
    ] = "hold"
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1)]

    @field_validator("size")
    @classmethod
    def _size_is_two_numbers(cls, text: str | None) -> str | None:
        if text is not None and not _SIZE.match(text):
            raise ValueError("must look like 512x288: width, x, height in pixels")
        return text

    @model_validator(mode="after")
    def _first_scene_stands_alone(self) -> Storyboard:
        if self.scenes and self.scenes[0].continues:
            raise ValueError("scenes[0].continue: the first scene has none before it")
        return self

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height in pixels, when given."""
        found = _SIZE.match(self.size) if self.size else None
        return (int(found[1]), int(found[2])) if found else None
