"""From a model's folder or hub id to a diffusers pipeline in memory. Never renders."""

from __future__ import annotations

import importlib
import inspect
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import transformers

from reelyard.catalog import VideoModel
from reelyard.failure import FailureKind
from reelyard.plan import Precision
from worker.desk import TaskFailed
from worker.engines.video import cosmos
from worker.engines.video.precision import dtypes

_OURS = "worker.engines."


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pipeline on the CPU, and what a shot's notes must say of it."""

    pipeline: Any
    notes: tuple[str, ...] = ()


def load(model: VideoModel, where: str, precision: Precision, may_download: bool) -> Loaded:
    """The model's pipeline from `where`, weights on the CPU.

    Raises TaskFailed when the files are missing, damaged or not of this pipeline.
    """
    _be_quiet()
    kind = pipeline_class(model.pipeline)
    extras, notes = cosmos.extras(model.pipeline)
    is_folder = Path(where).is_dir()
    try:
        _import_our_own(Path(where))
        pipeline = kind.from_pretrained(
            where,
            dtype=dtypes(model, precision),
            local_files_only=is_folder or not may_download,
            use_safetensors=True,
            **extras,
        )
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as wrong:
        raise _cannot_load(model, where, is_folder, wrong) from wrong
    pipeline.set_progress_bar_config(disable=True)
    return Loaded(pipeline, notes)


def pipeline_class(name: str) -> Any:
    """The diffusers class of this name. Raises TaskFailed when there is none."""
    found = getattr(diffusers, name, None)
    if found is None:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"diffusers {diffusers.__version__} has no pipeline {name}. "
            "Correct the catalog entry, or upgrade diffusers on this worker.",
        )
    return found


def sibling(pipeline: Any, name: str) -> Any:
    """Another pipeline over the very same components: no weight is copied or cast."""
    kind = pipeline_class(name)
    wanted = inspect.signature(kind).parameters
    parts = {part: value for part, value in pipeline.components.items() if part in wanted}
    settings = {key: pipeline.config[key] for key in wanted if key in pipeline.config}
    made = kind(**settings | parts | _how_to_start(pipeline, wanted))
    made.set_progress_bar_config(disable=True)
    return made


def _how_to_start(pipeline: Any, wanted: Mapping[str, Any]) -> dict[str, bool]:
    """How a Wan is told its first picture: in channels of its own, or, where its transformer has
    none to spare, by a time step for every token. Folders saved for text alone do not say."""
    if "expand_timesteps" not in wanted:
        return {}
    return {
        "expand_timesteps": pipeline.transformer.config.in_channels == pipeline.vae.config.z_dim
    }


def _import_our_own(folder: Path) -> None:
    """diffusers finds classes of ours only in modules that are imported already."""
    index = folder / "model_index.json"
    if not index.is_file():
        return
    for made_by in json.loads(index.read_text(encoding="utf-8")).values():
        if isinstance(made_by, list) and str(made_by[0]).startswith(_OURS):
            importlib.import_module(made_by[0])


def _be_quiet() -> None:
    """Of bars, and of what torchao says on import of kernels for other devices."""
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def _cannot_load(model: VideoModel, where: str, is_folder: bool, wrong: Exception) -> TaskFailed:
    detail = f"{type(wrong).__name__}: {wrong}"
    if is_folder:
        return TaskFailed(
            FailureKind.MODEL_MISSING,
            f"The folder of {model.id} ({where}) is not a whole {model.pipeline}. "
            "Copy or download the model again.",
            detail,
        )
    return TaskFailed(
        FailureKind.UNKNOWN,
        f"{model.id} could not be loaded from the hub as {where}. "
        "Check this worker's network, or put the model under REELYARD_MODELS_DIR.",
        detail,
    )
