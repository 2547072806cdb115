"""Reads the catalog: the built-in tables, with a farm's own file on top."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from reelyard.catalog.component import Component
from reelyard.catalog.device import DeviceType
from reelyard.catalog.entry import Entry
from reelyard.catalog.model import VideoModel
from reelyard.catalog.voice import Style, Voice
from reelyard.errors import InvalidInput, Problem

_T = TypeVar("_T", bound=Entry)
_REMEDY = "Correct the catalog file."


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything by id."""

    models: Mapping[str, VideoModel]
    voices: Mapping[str, Voice]
    styles: Mapping[str, Style]
    components: Mapping[str, Component] = field(default_factory=dict)
    devices: Mapping[str, DeviceType] = field(default_factory=dict)


def load_catalog(extra: Path | None = None) -> Catalog:
    """The built-in catalog, with a farm's own file on top. Raises InvalidInput."""
    own = _read(extra) if extra else {}
    catalog = Catalog(
        models=_entries(VideoModel, _merged("models", own), "models"),
        voices=_entries(Voice, _merged("voices", own), "voices"),
        styles=_entries(Style, _merged("styles", own), "styles"),
        components=_entries(Component, _merged("components", own), "components"),
        devices=_entries(DeviceType, _merged("devices", own), "devices"),
    )
    if problems := list(_unknown_parts(catalog)):
        raise InvalidInput(problems)
    return catalog


def _unknown_parts(catalog: Catalog) -> Iterator[Problem]:
    """Every component that a model or a voice names must be there."""
    for field_name, component in _named_components(catalog):
        if component not in catalog.components:
            yield Problem(
                field=field_name,
                message="names no component of the catalog",
                value=component,
                remedy="Measure it with `reelyard models add`, or correct the name.",
            )


def _named_components(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Where a component is named, and the name."""
    for model in catalog.models.values():
        for index, part in enumerate(model.parts):
            yield f"models.{model.id}.parts.{index}.component", part.component
    for voice in catalog.voices.values():
        if voice.component:
            yield f"voices.{voice.id}.component", voice.component


def _merged(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    return _builtin(f"{name}.toml") | _table(own, name)


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
                remedy=_REMEDY,
            )
        ]
    )


def _builtin(name: str) -> dict[str, Any]:
    folder = resources.files(__package__ or "reelyard.catalog")
    return tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8"))


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
                    remedy=_REMEDY,
                )
                for error in wrong.errors()
            ]
    if problems:
        raise InvalidInput(problems)
    return entries
