"""Runs a pipeline for one shot and gives back its pictures. Knows nothing of files or the store."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from reelyard.catalog import VideoModel
from reelyard.failure import FailureKind
from reelyard.plan import Offload, Plan, Precision
from reelyard.task import VideoWork
from worker.desk import TaskFailed
from worker.engines.video.arguments import arguments, parameters, unheeded
from worker.engines.video.load import Loaded, load, sibling
from worker.engines.video.place import place, release, set_tiling

Pictures = NDArray[np.uint8]
"""RGB, [frames, height, width, 3]."""

Report = Callable[[str, int, int], None]
"""Told the phase, the step and the steps; may raise to stop the run at once."""


class VideoEngine:
    """A model in memory on one device; stays between shots and follows each shot's plan."""

    def __init__(self, model: VideoModel, where: str, device: str, may_download: bool) -> None:
        self._model, self._where, self._device = model, where, device
        self._may_download = may_download
        self._loaded: Loaded | None = None
        self._from_image: Any = None
        self._held: tuple[Precision, Offload] | None = None

    def prepare(self, plan: Plan) -> VideoEngine:
        """Load and place the weights as the plan says; nothing is done when they already are."""
        if self._held != (plan.precision, plan.offload):
            self._drop()
            loaded = load(self._model, self._where, plan.precision, self._may_download)
            place(loaded.pipeline, self._device, plan.offload)
            self._loaded, self._held = loaded, (plan.precision, plan.offload)
        set_tiling(self._pipeline.pipeline, plan.vae_tiling)
        return self

    def render(
        self, work: VideoWork, prompt: str, start: Path | None, report: Report
    ) -> tuple[Pictures, tuple[str, ...]]:
        """The shot's pictures, and notes. Whatever `report` raises ends the run and comes out.

        Out-of-memory errors come out too, after the run's own memory was given back.
        """
        pipeline = self._pipeline.pipeline if start is None else self._image_pipeline()
        names = parameters(pipeline.__call__)
        notes = self._pipeline.notes + unheeded(names, work, self._model)
        call = arguments(names, work, self._model, prompt)
        report("denoise", 0, work.steps)
        try:
            made = pipeline(
                **call,
                **_start(start),
                generator=torch.Generator("cpu").manual_seed(work.seed),
                callback_on_step_end=_on_step(report),
            )
        except BaseException as wrong:
            traceback.clear_frames(wrong.__traceback__)  # they hold the run's tensors
            pipeline.maybe_free_model_hooks()
            release()
            raise
        return _pictures(made.frames[0], self._model), notes + self._truncated(prompt)

    @property
    def _pipeline(self) -> Loaded:
        if self._loaded is None:
            raise RuntimeError("prepare() was not called")
        return self._loaded

    def _image_pipeline(self) -> Any:
        """The pipeline that starts from a picture, over the weights that are there already."""
        if self._from_image is None and self._model.image_pipeline:
            self._from_image = sibling(self._pipeline.pipeline, self._model.image_pipeline)
            if self._held and self._held[1] is Offload.MODEL:  # each pipeline hooks for itself
                place(self._from_image, self._device, Offload.MODEL)
        return self._from_image

    def _truncated(self, prompt: str) -> tuple[str, ...]:
        """Words that the text encoder never saw."""
        tokenizer = getattr(self._pipeline.pipeline, "tokenizer", None)
        if tokenizer is None:
            return ()
        count, limit = len(tokenizer(prompt).input_ids), self._model.max_text_tokens
        if count <= limit:
            return ()
        return (f"the prompt has {count} tokens, {self._model.name} reads the first {limit}",)

    def _drop(self) -> None:
        self._loaded, self._from_image, self._held = None, None, None
        release()


def _start(start: Path | None) -> dict[str, Any]:
    return {} if start is None else {"image": Image.open(start).convert("RGB")}


def _on_step(report: Report) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    def after(pipeline: Any, step: int, _when: Any, given: dict[str, Any]) -> dict[str, Any]:
        steps = int(pipeline.num_timesteps)
        report("denoise", step + 1, steps)
        if step + 1 == steps:
            report("decode", 0, 0)
        return given

    return after


def _pictures(frames: NDArray[np.float32], model: VideoModel) -> Pictures:
    """[0, 1] to 8 bits, a picture at a time: a long clip in floats is large enough once."""
    made = np.empty(frames.shape, np.uint8)
    for index, frame in enumerate(frames):
        if not np.isfinite(frame).all():
            raise TaskFailed(
                FailureKind.UNKNOWN,
                f"{model.id} computed numbers that are no picture (frame {index}). "
                "Half precision overflowed: give the model precision bf16 or fp32 in the catalog.",
            )
        made[index] = np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
    return made
