"""Reads what a diffusers pipeline is made of from its JSON files alone: a folder, or a hub id.

Of a hub repository only configurations and the indexes of its weights are fetched, never weights.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import transformers

from reelyard.catalog import Role
from reelyard.errors import InvalidInput, Problem, Unreachable
from reelyard.plan import Precision
from worker.engines.measure.build import Network

WANTED = ("model_index.json", "*/config.json", "*/*.safetensors.index.json")
_INDEX = "model_index.json"
_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
_ROLES: Final = {
    "transformer": Role.DENOISER,
    "text_encoder": Role.TEXT,
    "connectors": Role.TEXT,
    "image_encoder": Role.IMAGE,
    "vae": Role.VAE,
    "audio_vae": Role.VAE,
    "vocoder": Role.VAE,
}
_DTYPES: Final = {"F32": Precision.FP32, "F16": Precision.FP16, "BF16": Precision.BF16}


@dataclass(frozen=True, slots=True)
class Piece:
    """A network of the pipeline, in its folder. `disk`: how its weights are stored, if that can be
    seen; `stored_bytes`: their size, or 0."""

    name: str
    role: Role
    network: Network
    disk: Precision | None
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class PipelineFolder:
    """A pipeline: its class, its own settings (`expand_timesteps`, ...) and its networks."""

    where: str
    class_name: str
    settings: Mapping[str, Any]
    pieces: tuple[Piece, ...]

    def config(self, role: Role) -> Mapping[str, Any]:
        """The configuration of the first network in this role. Raises InvalidInput if none is."""
        for piece in self.pieces:
            if piece.role is role:
                return piece.network.config
        raise _not_a_pipeline(self.where, f"it has no {role}")


def read_pipeline(where: str) -> PipelineFolder:
    """From a folder or a hub id. Raises InvalidInput for what is not a pipeline, Unreachable if the
    hub does not answer."""
    folder = Path(where) if Path(where).is_dir() else _fetched(where)
    index = _json(folder / _INDEX, where)
    class_name = index.get("_class_name")
    if not isinstance(class_name, str):
        raise _not_a_pipeline(where, f"{_INDEX} names no _class_name")
    settings = {key: one for key, one in index.items() if not isinstance(one, list | dict)}
    return PipelineFolder(where, class_name, settings, tuple(_pieces(folder, index, where)))


def _pieces(folder: Path, index: Mapping[str, Any], where: str) -> Iterator[Piece]:
    for name, made_by in sorted(index.items()):
        role = _ROLES.get(re.sub(r"_\d+$", "", name))
        if role is None or not isinstance(made_by, list) or made_by[0] is None:
            continue
        config = _json(folder / name / "config.json", where)
        network = _network(name, str(made_by[0]), str(made_by[1]), config)
        disk, stored = _stored(folder / name)
        yield Piece(name, role, network, disk or _said(config), stored)


def _network(name: str, library: str, class_name: str, config: Mapping[str, Any]) -> Network:
    kept = {key: value for key, value in config.items() if not key.startswith("_")}
    if library != "transformers":
        return Network(name, library, class_name, "", kept)
    for key in ("architectures", "transformers_version", "dtype", "torch_dtype"):
        kept.pop(key, None)
    kind = getattr(getattr(transformers, class_name, None), "config_class", None)
    return Network(name, library, class_name, kind.__name__ if kind else "", kept)


def _stored(folder: Path) -> tuple[Precision | None, int]:
    """The number format of most weights, and bytes: from the files' headers, or from the index."""
    elements: Counter[str] = Counter()
    for file in folder.glob("*.safetensors"):
        elements.update(_elements(file))
    if elements:
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        return _DTYPES.get(elements.most_common(1)[0][0]), size
    for file in folder.glob("*.safetensors.index.json"):
        metadata = _json(file, str(folder)).get("metadata", {})
        return None, int(metadata.get("total_size", 0))
    return None, 0


def _elements(file: Path) -> Counter[str]:
    """How many numbers of each format a safetensors file holds, by its header."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(length))
    found: Counter[str] = Counter()
    for name, tensor in header.items():
        if name != "__metadata__":
            first, last = tensor["data_offsets"]
            found[tensor["dtype"]] += last - first
    return found


def _said(config: Mapping[str, Any]) -> Precision | None:
    """What a configuration says of its weights."""
    said = str(config.get("dtype") or config.get("torch_dtype") or "")
    names = {"float32": Precision.FP32, "float16": Precision.FP16, "bfloat16": Precision.BF16}
    return names.get(said)


def _fetched(where: str) -> Path:
    if not _HUB_ID.fullmatch(where):
        raise _not_a_pipeline(where, "there is no such folder")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(where, allow_patterns=list(WANTED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as wrong:
        raise Unreachable(
            f"The configuration of {where} could not be fetched: {_first_line(wrong)}.",
            "Check the id and this machine's network, or give the folder of a copy.",
        ) from wrong


def _first_line(wrong: Exception) -> str:
    lines = str(wrong).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(wrong).__name__


def _json(file: Path, where: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as wrong:
        said = f"{file.parent.name}/{file.name} cannot be read: {wrong}"
        raise _not_a_pipeline(where, said) from None
    if not isinstance(found, dict):
        raise _not_a_pipeline(where, f"{file.parent.name}/{file.name} holds no object")
    return found


def _not_a_pipeline(where: str, why: str) -> InvalidInput:
    return InvalidInput(
        [
            Problem(
                field="model",
                message=f"is not a diffusers pipeline: {why}",
                value=where,
                limit=f"a folder with {_INDEX}, or a hub id such as owner/name",
                remedy="Give the folder that save_pretrained wrote, or the id of a repository.",
            )
        ]
    )
