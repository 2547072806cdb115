"""Runs a pipeline for one shot and gives back its pictures, or what is needed to go on when it has
to make room. Knows nothing of the store."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers.models.attention_dispatch import attention_backend
from numpy.typing import NDArray
from PIL import Image

from reelyard.catalog import VideoModel
from reelyard.failure import FailureKind
from reelyard.plan import Attention, Offload, Plan, Precision
from reelyard.task import VideoWork
from worker.desk import TaskFailed
from worker.engines.video.arguments import arguments, parameters, unheeded
from worker.engines.video.attention import NATIVE, NoSuchKernel, kernel
from worker.engines.video.checkpoint import Place, Unusable
from worker.engines.video.compiled import is_of_the_compiler, set_compiled
from worker.engines.video.components import denoisers
from worker.engines.video.course import Course, Left
from worker.engines.video.load import Loaded, load, sibling
from worker.engines.video.place import place, possible, release, set_tiling
from worker.engines.video.precision import convert

Pictures = NDArray[np.uint8]
"""RGB, [frames, height, width, 3]."""

_COMPILED = "compiled"  # the field of a plan

Report = Callable[[str, int, int], None]
"""Told the phase, the step and the steps; may raise to stop the run at once."""


def nobody_waits() -> bool:
    """Nobody wants the device more urgently."""
    return False


@dataclass(frozen=True, slots=True)
class Visit:
    """What a run has to do with the world around it: whom it tells of its steps, whether it should
    make room after the present one, and where an earlier run was left."""

    report: Report
    should_leave: Callable[[], bool] = nobody_waits
    place: Place | None = None


def variant(plan: Plan, device: str) -> str:
    """What of the plan the weights in memory depend on: another one needs another load."""
    where = possible(device, plan.offload)
    return f"{plan.precision}, {where}{', compiled' if plan.compiled else ''}"


def load_engine(
    model: VideoModel, where: str, device: str, may_download: bool, plan: Plan
) -> VideoEngine:
    """The model on the device, in the plan's variant. Raises TaskFailed as `load` does."""
    loaded = load(model, where, plan.precision, may_download)
    offload = possible(device, plan.offload)
    fits = offload in (Offload.NONE, Offload.MODEL)
    convert(loaded.pipeline, plan.precision, device if fits else "cpu")
    place(loaded.pipeline, device, offload)
    return VideoEngine(model, loaded, device, may_download)


class VideoEngine:
    """A model in memory on one device; stays between shots and follows each shot's plan, or says in
    `plan` how it runs instead."""

    def __init__(self, model: VideoModel, loaded: Loaded, device: str, may_download: bool) -> None:
        self._model, self._loaded, self._device = model, loaded, device
        self._may_download = may_download
        self._from_image: Any = None
        self._kernel, self._is_compiled = NATIVE, False
        self._cannot: dict[str, str] = {}  # kernel, or "compiled": why not, found out once
        self._asked = self.plan = Plan()

    @property
    def pipeline(self) -> Any:
        """The pipeline that starts from noise."""
        return self._loaded.pipeline

    def follow(self, plan: Plan) -> None:
        """Set what needs no load, as far as it can be had here."""
        self._asked = plan
        tiled = set_tiling(self.pipeline, plan.vae_tiling)
        offload = possible(self._device, plan.offload)
        self.plan = plan.model_copy(update={"vae_tiling": tiled, "offload": offload})
        self._settle()

    def belongs_to(self, work: VideoWork) -> dict[str, str]:
        """What a checkpoint of this work says that it is of: it serves no other."""
        from_image = self._model.image_pipeline if work.start_image is not None else None
        return {
            "model": self._model.id,
            "work": hashlib.sha256(work.model_dump_json().encode()).hexdigest(),
            "pipeline": from_image or self._model.pipeline,
            "scheduler": type(self.pipeline.scheduler).__name__,
            "diffusers": diffusers.__version__,
        }

    def render(
        self, work: VideoWork, prompt: str, start: Path | None, visit: Visit
    ) -> tuple[Pictures, tuple[str, ...]]:
        """The shot's pictures, and notes. Whatever `report` raises ends the run and comes out.

        Out-of-memory errors come out too, after the run's own memory was given back. Raises Left
        when it should make room, and Unusable when it cannot begin where an earlier run was left.
        """
        pipeline = self.pipeline if start is None else self._image_pipeline()
        names = parameters(pipeline.__call__)
        call = arguments(names, work, self._model, prompt) | _start(start)
        visit.report("denoise", visit.place.step if visit.place else 0, work.steps)
        pictures = self._run(pipeline, call, work.seed, visit)
        heeded = unheeded(names, work, self._model) + self._left_out()
        return pictures, self._loaded.notes + heeded + self._truncated(prompt)

    def _run(self, pipeline: Any, call: dict[str, Any], seed: int, visit: Visit) -> Pictures:
        """Once, and again where the first call shows that a kernel or the compiler cannot."""
        while True:
            dice = torch.Generator("cpu").manual_seed(seed)
            course = Course(pipeline, dice, visit.place)
            steps = _Steps(visit, course, self.plan.precision)
            try:
                with attention_backend(self._kernel), course:
                    made = pipeline(**call, generator=dice, callback_on_step_end=steps.after)
                break
            except BaseException as wrong:
                traceback.clear_frames(wrong.__traceback__)  # they hold the run's tensors
                pipeline.maybe_free_model_hooks()
                release()
                if steps.begun or not self._give_in(wrong):
                    raise
        return _pictures(made.frames[0], self._model)

    def _settle(self) -> None:
        """Kernel and compiler, but for what is known not to work."""
        attention = self._asked.attention
        if attention not in self._cannot:
            try:
                parts = denoisers(self.pipeline)
                self._kernel = kernel(self._asked, self._device, parts, self._may_download)
            except NoSuchKernel as why:
                self._cannot[attention] = str(why)
        if attention in self._cannot:
            attention, self._kernel = Attention.SDPA, NATIVE
        compiled = self._asked.compiled and _COMPILED not in self._cannot
        if compiled is not self._is_compiled:
            set_compiled(self.pipeline, compiled)
        self._is_compiled = compiled
        self.plan = self.plan.model_copy(update={"attention": attention, _COMPILED: compiled})

    def _give_in(self, wrong: BaseException) -> bool:
        """Leave out the part of the plan that is to blame; False where there is none."""
        if not isinstance(wrong, Exception) or isinstance(wrong, Unusable):
            return False
        if "memory" in str(wrong).lower():
            return False
        has_kernel = self.plan.attention is not Attention.SDPA
        if self.plan.compiled and (is_of_the_compiler(wrong) or not has_kernel):
            self._cannot[_COMPILED] = _briefly(wrong)
        elif has_kernel:
            self._cannot[self.plan.attention] = _briefly(wrong)
        else:
            return False
        self._settle()
        return True

    def _left_out(self) -> tuple[str, ...]:
        """What of the plan was not to be had, in sentences."""
        notes = []
        if self.plan.attention is not self._asked.attention:
            why = self._cannot[self._asked.attention]
            notes.append(
                f"{self._asked.attention} attention was not to be had ({why}): ran with sdpa"
            )
        if self.plan.compiled is not self._asked.compiled:
            notes.append(
                f"the blocks ran as they are: compiling failed ({self._cannot[_COMPILED]})"
            )
        return tuple(notes)

    def _image_pipeline(self) -> Any:
        """The pipeline that starts from a picture, over the weights that are there already."""
        if self._from_image is None and self._model.image_pipeline:
            self._from_image = sibling(self.pipeline, self._model.image_pipeline)
            if self.plan.offload is Offload.MODEL:  # each pipeline hooks for itself
                place(self._from_image, self._device, Offload.MODEL)
        return self._from_image

    def _truncated(self, prompt: str) -> tuple[str, ...]:
        """Words that the text encoder never saw."""
        tokenizer = getattr(self.pipeline, "tokenizer", None)
        if tokenizer is None:
            return ()
        count, limit = len(tokenizer(prompt).input_ids), self._model.max_text_tokens
        if count <= limit:
            return ()
        return (f"the prompt has {count} tokens, {self._model.name} reads the first {limit}",)


def _start(start: Path | None) -> dict[str, Any]:
    return {} if start is None else {"image": Image.open(start).convert("RGB")}


class _Steps:
    """Reports each step of one run, and leaves after one when it should. `begun`: the denoiser has
    been through its first."""

    def __init__(self, visit: Visit, course: Course, precision: Precision) -> None:
        self._visit, self._course, self._precision = visit, course, precision
        self.begun = False

    def after(self, pipeline: Any, step: int, _when: Any, given: dict[str, Any]) -> dict[str, Any]:
        """What diffusers calls."""
        steps = int(pipeline.num_timesteps)
        if self._course.is_behind(step):
            given = self._course.catch_up(step, steps, given)
        else:
            self.begun = True
            self._visit.report("denoise", step + 1, steps)
            if self._visit.should_leave():
                raise Left(self._course.place(step + 1, steps, self._precision, given["latents"]))
        if step + 1 == steps:
            self._visit.report("decode", 0, 0)
        return given


def _briefly(wrong: Exception) -> str:
    """Its first line."""
    return f"{type(wrong).__name__}: {wrong}".strip().splitlines()[0][:200]


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
