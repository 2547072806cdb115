"""Where the weights of a model or a voice lie on this worker, and which of them can be used here.

Looks at folders only: never loads weights, never downloads, never asks the network. Places, in
order: packaged with Reelyard (`builtin:NAME`), `<REELYARD_MODELS_DIR>/<id>`, a folder that the
catalog names, the local Hugging Face cache, and last the hub itself.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path

from reelyard.catalog import Catalog, VideoModel, Voice
from reelyard.failure import FailureKind
from reelyard.settings import Settings
from worker.desk import TaskFailed

_BUILTIN = "builtin:"
_PACKAGED = Path(__file__).parent / "models"
_VARIANTS = frozenset({"fp16", "bf16", "fp8", "non_ema"})
_GPU_FILES = ("/dev/nvidia0", "/dev/nvgpu", "/dev/nvhost-gpu")


def locate(model: VideoModel, settings: Settings) -> str:
    """A folder, or a hub id that may be downloaded. Raises TaskFailed (model missing)."""
    if found := find(model.id, model.repo, settings, "model_index.json"):
        return str(found)
    if _is_hub_id(model.repo) and may_download(settings):
        return model.repo
    raise TaskFailed(FailureKind.MODEL_MISSING, _missing(model, settings))


def find(name: str, repo: str, settings: Settings, index: str) -> Path | None:
    """The folder that holds the weights whole; None when it would have to be downloaded.

    `index` is the file that says what belongs to it: `model_index.json`, `config.json`.
    """
    whole = (folder for folder in _places(name, repo, settings) if _is_whole(folder, index))
    return next(whole, None)


def available_models(
    catalog: Catalog, settings: Settings, has_gpu: bool | None = None
) -> tuple[str, ...]:
    """The ids of the models that this worker can render with.

    Whatever is here whole. With a GPU and leave to download, every model of the hub too: a worker
    without one would fetch tens of GiB to render for days, so it offers only what it has.
    """
    fetches = may_download(settings) and (_has_gpu() if has_gpu is None else has_gpu)
    return tuple(
        model.id
        for model in catalog.models.values()
        if find(model.id, model.repo, settings, "model_index.json")
        or (fetches and _is_hub_id(model.repo))
    )


def available_voices(catalog: Catalog, settings: Settings) -> tuple[str, ...]:
    """The ids of the voices that this worker can speak with: nothing is fetched for a voice."""
    return tuple(voice.id for voice in catalog.voices.values() if _can_speak(voice, settings))


def weight_files(name: str, catalog: Catalog, settings: Settings) -> tuple[Path, ...]:
    """The files that a load of this model or voice reads, in the order of their names; none when it
    is not here whole."""
    if (model := catalog.models.get(name)) is not None:
        folder = find(model.id, model.repo, settings, "model_index.json")
    elif (voice := catalog.voices.get(name)) is not None:
        folder = find(voice.id, voice.repo, settings, "config.json")
    else:
        folder = None
    return tuple(_weights_in(folder)) if folder else ()


def may_download(settings: Settings) -> bool:
    """True when the farm allows it and the hub's own offline switch is not set."""
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}
    return settings.allow_hub and not offline


def _can_speak(voice: Voice, settings: Settings) -> bool:
    if voice.engine == "hibari":
        return importlib.util.find_spec("hibari") is not None
    return find(voice.id, voice.repo, settings, "config.json") is not None


def _places(name: str, repo: str, settings: Settings) -> Iterator[Path]:
    if repo.startswith(_BUILTIN):
        yield _PACKAGED / repo.removeprefix(_BUILTIN)
    if settings.models_dir:
        yield settings.models_dir / name
    if repo and not repo.startswith(_BUILTIN):
        yield Path(repo)
    if _is_hub_id(repo):
        yield from _snapshots(repo)


def _snapshots(repo: str) -> list[Path]:
    """What the local cache holds of a hub id, newest first."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    found = (cache / f"models--{repo.replace('/', '--')}" / "snapshots").glob("*")
    return sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)


def _is_whole(folder: Path, index: str) -> bool:
    """Every part that the index names has its files: half a download does not count."""
    try:
        parts = json.loads((folder / index).read_text(encoding="utf-8"))
        return all(_has_files(folder / name) for name in _named(parts)) and _has_files(folder)
    except (OSError, ValueError):
        return False


def _named(parts: dict[str, object]) -> Iterator[str]:
    """The components of a pipeline: `"vae": ["diffusers", "AutoencoderKLWan"]`."""
    for name, made_by in parts.items():
        if isinstance(made_by, list) and len(made_by) == 2 and isinstance(made_by[0], str):
            yield name


def _weights_in(folder: Path) -> Iterator[Path]:
    """Of a pipeline, those of the parts that its index names: what else lies in such a folder (the
    same weights as one file, or in another number format) is not loaded."""
    index = folder / "model_index.json"
    parts = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
    inside = [folder / name for name in _named(parts)] or [folder]
    for part in inside:
        files = sorted(part.glob("*.safetensors"))
        yield from (file for file in files if not _VARIANTS.intersection(file.name.split(".")[1:]))


def _has_files(folder: Path) -> bool:
    """Something lies there, and all the pieces that an index of weights lists."""
    files = [path for path in folder.iterdir() if path.is_file()]
    listed = (
        piece
        for path in files
        if path.name.endswith(".index.json")
        for piece in json.loads(path.read_text(encoding="utf-8")).get("weight_map", {}).values()
    )
    return bool(files) and all((folder / piece).is_file() for piece in listed)


def _is_hub_id(repo: str) -> bool:
    """`owner/name`, and neither a path nor packaged."""
    return repo.count("/") == 1 and not repo.startswith((".", "/", "~", _BUILTIN))


def _has_gpu() -> bool:
    return any(Path(file).exists() for file in _GPU_FILES)


def _missing(model: VideoModel, settings: Settings) -> str:
    if model.repo.startswith(_BUILTIN):
        where, remedy = f"in {_PACKAGED}", "Install Reelyard again: this model comes with it."
    else:
        where = f"in {settings.models_dir}" if settings.models_dir else "in any folder"
        remedy = (
            f"Put {model.repo} into REELYARD_MODELS_DIR/{model.id}, or allow downloads with "
            "REELYARD_ALLOW_HUB=true."
        )
    return f"The weights of {model.id} are not on this worker (not {where}). {remedy}"
