"""What a person asks for: scenes, each with a picture, a line to say, and a length.

Only the shape of a valid storyboard and its defaults; `reelyard.script` reads files into it and
reports problems, `reelyard.limits` holds it to the farm's limits. Never touches files or the clock.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_HALF_LETTERS = re.compile("[\ud800-\udfff]")  # no file and no database takes them
_SIZE_AS_TYPED = re.compile(r"\s*([0-9]+)\s*[xX\u00d7]\s*([0-9]+)\s*")

Transition = Literal["cut", "crossfade"]
Overflow = Literal["hold", "fail"]


def _tidy(text: object) -> object:
    """One line: breaks, tabs and control characters are spaces, and spaces are single."""
    if not isinstance(text, str):
        return text
    if _HALF_LETTERS.search(text):
        raise ValueError("has characters that are no text")
    return " ".join(_CONTROL.sub(" ", text).split())


def _no_truth(value: object) -> object:
    """`yes` is not 1: Python would take it for one."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _size(text: object) -> object:
    """`512 x 288`, also with a real multiplication sign, means 512x288."""
    if not isinstance(text, str):
        return text
    typed = _SIZE_AS_TYPED.fullmatch(text)
    size = f"{typed[1]}x{typed[2]}" if typed else text
    if not _SIZE.fullmatch(size):
        raise ValueError("must be WIDTHxHEIGHT in pixels")
    return size


Line = Annotated[str, BeforeValidator(_tidy)]
Words = Annotated[str, Field(min_length=1), BeforeValidator(_tidy)]
Title = Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_tidy)]
Whole = Annotated[int, BeforeValidator(_no_truth)]
Amount = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_truth)]
Size = Annotated[str, BeforeValidator(_size)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Scene(_Asked):
    """One scene: what to see, what to say, how long."""

    picture: Annotated[Words, Field(description="What to see: the model's prompt.")]
    say: Annotated[Line, Field(description="What to say over it; empty for silence.")] = ""
    seconds: Annotated[
        Amount | None,
        Field(gt=0, description="A fixed length. Left out: as long as the narration takes."),
    ] = None
    seed: Annotated[
        Whole | None,
        Field(ge=0, lt=2**63, description="Same seed, same clip. Left out: made from the film's."),
    ] = None
    negative: Annotated[Line | None, Field(description="What not to see.")] = None
    voice: Annotated[Line | None, Field(description="Another voice for this scene.")] = None
    model: Annotated[Line | None, Field(description="Another model for this scene.")] = None
    transition: Annotated[
        Transition, Field(description="How this scene comes in after the one before.")
    ] = "cut"
    continues: Annotated[
        bool,
        Field(alias="continue", description="Start from the last picture of the scene before."),
    ] = False


class Storyboard(_Asked):
    """A film on paper. Everything but the scenes has a default."""

    title: Annotated[Title, Field(description="What the film is called.")] = "Untitled"
    model: Annotated[Line, Field(description="A model of the catalog.")] = "reelyard-demo"
    voice: Annotated[Line, Field(description="A voice of the catalog.")] = "heart"
    size: Annotated[
        Size | None, Field(description="WIDTHxHEIGHT in pixels; left out: the model's own.")
    ] = None
    fps: Annotated[
        Whole | None,
        Field(ge=1, le=60, description="Pictures per second; left out: the model's own."),
    ] = None
    style: Annotated[
        Line, Field(description="A style of the catalog: its words are added to every picture.")
    ] = ""
    negative: Annotated[Line, Field(description="What not to see, in every scene.")] = ""
    seed: Annotated[Whole, Field(ge=0, lt=2**63, description="Same seed, same film.")] = 0
    steps: Annotated[
        Whole | None,
        Field(ge=1, le=200, description="Denoising steps; left out: the model's own."),
    ] = None
    guidance: Annotated[
        Amount | None,
        Field(
            ge=0,
            le=30,
            description="How closely pictures follow their words; left out: the model's own.",
        ),
    ] = None
    overflow: Annotated[
        Overflow,
        Field(description="When a line does not fit: hold the last picture, or fail the job."),
    ] = "hold"
    scenes: Annotated[
        tuple[Scene, ...], Field(min_length=1, description="The scenes, in the order of the film.")
    ]

    @model_validator(mode="after")
    def _first_scene_stands_alone(self) -> Storyboard:
        if self.scenes and self.scenes[0].continues:
            raise ValueError("scenes[0].continue: the first scene has none before it")
        return self

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height in pixels, when given."""
        found = _SIZE.fullmatch(self.size) if self.size else None
        return (int(found[1]), int(found[2])) if found else None
