"""What the farm can render and speak with: models, voices and styles, from TOML, checked on load.

A farm adds its own with a file of the same form (`REELYARD_CATALOG_FILE`, tables `models`,
`voices`, `styles`). Never loads a model and never touches the network.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reelyard.errors import InvalidInput, Problem
from reelyard.plan import Precision


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_T = TypeVar("_T", bound=_Entry)


class VideoModel(_Entry):
    """A diffusers pipeline and what is known of it before it runs."""

    id: str
    name: str
    about: str = ""
    repo: str
    pipeline: str
    image_pipeline: str | None = None
    licence: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    fps: int = Field(gt=0)
    frame_step: int = Field(ge=1)
    min_frames: int = Field(ge=1)
    max_frames: int = Field(ge=1)
    size_multiple: int = Field(ge=1)
    steps: int = Field(ge=1)
    guidance: float = Field(ge=0)
    passes: int = Field(ge=1, le=3)
    precision: Precision = Precision.BF16
    negative: bool = True
    transformer_billion: float = Field(gt=0)
    text_encoder_billion: float = Field(ge=0)
    vae_billion: float = Field(ge=0)
    space_factor: int = Field(ge=1, description="Pixels per token along each side.")
    time_factor: int = Field(ge=1)
    act_kib_per_token: float = Field(ge=0)
    decode_kib_per_pixel: float = Field(ge=0)
    decode_bytes_per_pixel_frame: float = Field(ge=0)
    max_text_tokens: int = Field(ge=1)

    @model_validator(mode="after")
    def _has_a_legal_clip(self) -> VideoModel:
        if self.longest_clip < max(self.min_frames, 2 if self.image_pipeline else 1):
            raise ValueError(
                f"max_frames {self.max_frames} with frame_step {self.frame_step} allows clips of "
                f"at most {self.longest_clip} frames, fewer than the least"
            )
        return self

    def frames_for(self, frames: int) -> int:
        """The smallest legal count (step * n + 1) of at least `frames`, within the limits."""
        steps = -(-(max(frames, self.min_frames) - 1) // self.frame_step)
        return min(steps * self.frame_step + 1, self.longest_clip)

    @property
    def longest_clip(self) -> int:
        """The largest legal frame count of one run."""
        return (self.max_frames - 1) // self.frame_step * self.frame_step + 1


class Voice(_Entry):
    """A voice and the engine that speaks it."""

    id: str
    name: str
    engine: str
    repo: str = ""
    language: str
    licence: str
    about: str = ""
    memory_gib: float = Field(gt=0)


class Style(_Entry):
    """Words added to every picture prompt."""

    id: str
    adds: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything by id."""

    models: Mapping[str, VideoModel]
    voices: Mapping[str, Voice]
    styles: Mapping[str, Style]


def load_catalog(extra: Path | None = None) -> Catalog:
    """The built-in catalog, with a farm's own file on top. Raises InvalidInput."""
    own = _read(extra) if extra else {}
    return Catalog(
        models=_entries(VideoModel, _builtin("models.toml") | _table(own, "models"), "models"),
        voices=_entries(Voice, _builtin("voices.toml") | _table(own, "voices"), "voices"),
        styles=_entries(Style, _builtin("styles.toml") | _table(own, "styles"), "styles"),
    )


def _table(own: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One of the file's tables. Raises InvalidInput for anything else of that name."""
    found = own.get(name, {})
    entries = found.values() if isinstance(found, dict) else [found]
    if isinstance(found, dict) and all(isinstance(entry, dict) for entry in entries):
        return found
    raise InvalidInput(
        [
            Problem(
                field=name,
                message=f"must hold tables such as [{name}.my-own]",
                value=str(found)[:80],
                remedy="Correct the catalog file.",
            )
        ]
    )


def _builtin(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__name__).joinpath(name).read_text(encoding="utf-8"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise InvalidInput(
            [Problem(field=str(path), message=f"cannot be read as TOML: {wrong}")]
        ) from None


def _entries(kind: type[_T], tables: Mapping[str, Any], where: str) -> dict[str, _T]:
    entries, problems = {}, []
    for name, table in tables.items():
        try:
            entries[name] = kind.model_validate({"id": name, **table})
        except ValidationError as wrong:
            problems += [
                Problem(
                    field=f"{where}.{name}.{'.'.join(str(part) for part in error['loc'])}",
                    message=error["msg"],
                    value=str(error.get("input", ""))[:80],
                    remedy="Correct the catalog file.",
                )
                for error in wrong.errors()
            ]
    if problems:
        raise InvalidInput(problems)
    return entries
