"""Measures any diffusers pipeline and writes it as a fragment of a catalog.

The fragment is a file that `load_catalog(extra=...)` reads: the model with its parts, and every
network it is made of with configuration, counts and cards. Never downloads or loads a weight.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reelyard.catalog import Role, VideoModel
from reelyard.errors import InvalidInput, Problem
from reelyard.plan import Precision
from worker.engines.measure.build import build
from worker.engines.measure.component import Use, measure
from worker.engines.measure.counts import count
from worker.engines.measure.facts import checked, derive, model_id
from worker.engines.measure.folder import Piece, PipelineFolder, read_pipeline
from worker.engines.measure.record import counts_and_cards, table

_FULL_PRECISION_VAE = ("Wan",)
_BYTES = {4: Precision.FP32, 2: Precision.BF16}


@dataclass(frozen=True, slots=True)
class Fragment:
    """A model and its components as plain values, and what a person should look at."""

    model: VideoModel
    components: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """As the tables of a catalog file."""
        model = self.model.model_dump(mode="json", exclude_defaults=True, exclude={"id"})
        return {"models": {self.model.id: model}, "components": dict(self.components)}

    def toml(self) -> str:
        """As a catalog file."""
        lines = [f"# {note}" for note in self.notes]
        for kind, entries in self.values().items():
            for id, entry in entries.items():
                lines += ["", *table((kind, id), entry)]
        return "\n".join(lines).lstrip("\n") + "\n"

    def json(self) -> str:
        """The same as JSON, with the notes."""
        return json.dumps({**self.values(), "notes": list(self.notes)}, indent=2)


def given_facts(pairs: Iterable[str]) -> dict[str, Any]:
    """`fps=24` and the like; a value is read as TOML, or else as text. Raises InvalidInput."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or name not in VideoModel.model_fields or name == "parts":
            raise _no_fact(pair)
        try:
            found[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name] = value
    return found


def _no_fact(pair: str) -> InvalidInput:
    names = [name for name in VideoModel.model_fields if name not in ("id", "parts")]
    return InvalidInput(
        [
            Problem(
                field="--fact",
                message="names no fact of a model",
                value=pair,
                limit=", ".join(names),
                remedy="Write it as NAME=VALUE, for example --fact fps=24.",
            )
        ]
    )


def measure_pipeline(
    where: str,
    id: str = "",
    given: Mapping[str, Any] | None = None,
    tiles: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> Fragment:
    """Measures the pipeline in a folder, or of a hub id. `given`: facts that no file says, or that
    are otherwise. Raises InvalidInput, with every fact that is missing, or Unreachable."""
    folder = read_pipeline(where)
    name = id or model_id(where)
    facts = derive(folder, name, given or {})
    names = {piece.name: f"{name}-{piece.name.replace('_', '-')}" for piece in folder.pieces}
    draft = checked({**facts.values, "parts": [_part(p, names, folder) for p in folder.pieces]})
    components, disks = {}, {}
    for piece in folder.pieces:
        tell(f"measuring {piece.name} ({piece.network.class_name})")
        found = counts_and_cards(measure(piece.network, [Use(draft, piece.role)], tiles))
        components[names[piece.name]] = {**_identity(piece), **found}
        disks[piece.name] = _disk(piece, found["parameters"])
    parts = [_part(p, names, folder, disks[p.name]) for p in folder.pieces]
    model = checked({**facts.values, "parts": parts})
    doubts = tuple(doubt for piece in folder.pieces for doubt in _doubts(piece))
    return Fragment(model, components, facts.notes + doubts)


def _doubts(piece: Piece) -> Iterator[str]:
    if piece.disk is None and not piece.stored_bytes:
        yield f"{piece.name}: how its weights are stored could not be seen; bf16 is assumed"
    network = piece.network
    written = replace(network, config=_without_nothing(network.config))
    if count(build(written)) != count(build(network)):
        yield f"{piece.name}: its configuration holds null for what has a default; correct it here"


def _part(
    piece: Piece,
    names: Mapping[str, str],
    folder: PipelineFolder,
    disk: Precision = Precision.BF16,
) -> dict[str, Any]:
    part: dict[str, Any] = {"role": piece.role, "component": names[piece.name], "disk": disk}
    if piece.role is Role.VAE and folder.class_name.startswith(_FULL_PRECISION_VAE):
        part["resident"] = Precision.FP32
    return part


def _identity(piece: Piece) -> dict[str, Any]:
    network = piece.network
    found: dict[str, Any] = {"library": network.library, "class": network.class_name}
    if network.config_class:
        found["config_class"] = network.config_class
    return found | {"config": _without_nothing(network.config)}


def _without_nothing(config: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has no word for nothing; constructors mostly take what is not given as nothing."""
    return {
        key: _without_nothing(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if value is not None
    }


def _disk(piece: Piece, parameters: int) -> Precision:
    if piece.disk is not None:
        return piece.disk
    return _BYTES.get(round(piece.stored_bytes / parameters), Precision.BF16)
