"""What others published about their own runs of models of the catalog: one JSON object a line.

Says what a fact holds, reads all of them and turns each into the question that it answers. Never
predicts anything and judges no figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reelyard.plan import Attention, Offload, Precision, Split
from reelyard.predict.request import Request

FOLDER = Path(__file__).parent
GB_PER_GIB = 2**30 / 1e9
"""1.074: how much more a gibibyte is than a gigabyte."""
NO_DEVICE = "h200"
"""Asked about where only memory was published, with room for everything."""
ROOM_GIB = 4096.0


class Role(StrEnum):
    """What a fact is good for: constants may be set with it; only compared; too vague to count."""

    FIT = "fit"
    CHECK = "check"
    SANITY = "sanity"


class Unit(StrEnum):
    """GiB as torch counts; or `GB` in print, which may be either."""

    GIB = "gib"
    GB_OR_GIB = "gb?"


class Covers(StrEnum):
    """What the seconds are of: the whole job, or denoising alone."""

    JOB = "job"
    DENOISE = "denoise"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where it is written, with the words (of a picture: its cells)."""

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    path: str = Field(min_length=3)
    quote: str = Field(min_length=3)


class Fact(_Part):
    """One run: its plan as far as it is said (None: not said), and what was measured of it.

    `peak_gib`: of one device, as printed, in `unit`, with half its last digit as `rounding`.
    `stated`: the plan is said in full.
    """

    source: Source
    model: str
    device: str | None
    gpus: int = Field(ge=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    frames: int = Field(gt=0)
    steps: int = Field(gt=0)
    precision: Precision
    offload: Offload | None
    vae_tiling: bool | None
    attention: Attention | None
    compiled: bool
    split: Split
    sharded: bool
    from_image: bool
    guided: bool
    engine: str = Field(min_length=2)
    peak_gib: float | None = Field(gt=0)
    unit: Unit | None
    rounding: float = Field(ge=0)
    seconds: float | None = Field(gt=0)
    covers: Covers
    stated: bool
    role: Role
    note: str

    @model_validator(mode="after")
    def _says_something(self) -> Fact:
        if self.peak_gib is None and self.seconds is None:
            raise ValueError("neither memory nor time")
        if (self.peak_gib is None) != (self.unit is None):
            raise ValueError("a peak has a unit, and nothing else has")
        if self.seconds is not None and self.device is None:
            raise ValueError("a time needs the device that took it")
        return self

    @property
    def counts(self) -> bool:
        """May be held against a predictor."""
        return self.role is not Role.SANITY

    @property
    def peak_range(self) -> tuple[float, float]:
        """The least and the most GiB that the printed peak can mean. Raises ValueError for none."""
        if self.peak_gib is None:
            raise ValueError(f"no peak was published: {self.source.quote}")
        least, most = self.peak_gib - self.rounding, self.peak_gib + self.rounding
        return (least / GB_PER_GIB if self.unit is Unit.GB_OR_GIB else least), most

    @property
    def run(self) -> tuple[object, ...]:
        """What was run, where it is told and which figures are given: no two facts share it."""
        aside = {"source", "peak_gib", "unit", "rounding", "seconds", "stated", "role", "note"}
        figures = (self.peak_gib is not None, self.seconds is not None)
        told = (self.source.repository, self.source.path, *figures)
        return (*told, *self.model_dump(mode="json", exclude=aside).values())

    def request(self) -> Request:
        """The question that this fact answers."""
        alone = self.gpus == 1
        return Request(
            model=self.model,
            device=self.device or NO_DEVICE,
            gpus=self.gpus,
            width=self.width,
            height=self.height,
            frames=self.frames,
            steps=self.steps,
            precision=self.precision,
            offload=self.offload,
            vae_tiling=self.vae_tiling,
            attention=self.attention,
            compiled=self.compiled,
            split=None if alone else self.split,
            sharded=None if alone else self.sharded,
            guided=self.guided,
            from_image=self.from_image,
            memory_gib=None if self.device else ROOM_GIB,
        )


def load_facts(folder: Path = FOLDER) -> tuple[Fact, ...]:
    """Every fact of every file. Raises ValueError (pydantic's) for a line that is not one."""
    return tuple(fact for path in sorted(folder.glob("*.jsonl")) for fact in _facts(path))


def _facts(path: Path) -> Iterable[Fact]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return (Fact.model_validate_json(line) for line in lines if line.strip())
