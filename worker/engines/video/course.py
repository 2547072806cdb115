"""One run of a pipeline that can be left after a step, and taken up where an earlier one was left.

To take it up, the ordinary pipeline runs from its beginning. At the steps that are done, the
denoiser answers zeros at once and the scheduler hands its latents back; after the last of them
latents, scheduler and dice become what they were. So nothing is assumed of a pipeline but its loop.
Never reads or writes a file.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import torch

from worker.engines.video.checkpoint import Place, Unusable
from worker.engines.video.components import denoisers
from worker.engines.video.resumable import CHANNEL_AXIS, HANDS_BACK, MOVING, can_go_on

_MISSING = object()


class Left(Exception):
    """The run was left after a step; `place` says where, or is None where nobody could go on."""

    def __init__(self, place: Place | None) -> None:
        super().__init__("left after a step")
        self.place = place


class Course:
    """A run's steps, as far as they were done before (`place`) and as they are done now. Used
    around the pipeline's call: it stands in for the denoisers and watches the scheduler."""

    def __init__(self, pipeline: Any, dice: torch.Generator, place: Place | None) -> None:
        self._pipeline, self._scheduler = pipeline, pipeline.scheduler
        self._dice, self._place = dice, place
        self._kind = type(pipeline).__name__
        self._is_skipping = place is not None
        self._handed_back: torch.Tensor | None = None
        self._put_back: list[Callable[[], None]] = []

    @property
    def can_be_kept(self) -> bool:
        """Whether it can be left and taken up again."""
        scheduler = type(self._scheduler).__name__
        return can_go_on(self._kind, scheduler, self._scheduler.config)

    def __enter__(self) -> Course:
        if not self.can_be_kept:
            if self._place is not None:
                raise Unusable(f"{self._kind} cannot go on from a step")
            return self
        self._replace(self._scheduler, "step", self._step(self._scheduler.step))
        if self._is_skipping:
            for denoiser in denoisers(self._pipeline):
                self._replace(denoiser, "forward", self._silent(denoiser))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def is_behind(self, step: int) -> bool:
        """True for a step (counted from 0) that was done before."""
        return self._place is not None and step < self._place.step

    def catch_up(self, step: int, steps: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the pipeline goes on with after a step that was done before. Raises Unusable."""
        place, latents = self._place, given["latents"]
        assert place is not None
        if steps != place.steps or latents.shape != place.latents.shape:
            raise Unusable(
                f"it has {place.steps} steps of {tuple(place.latents.shape)}, "
                f"this run {steps} of {tuple(latents.shape)}"
            )
        if step + 1 < place.step:
            return dict(given)
        self._go_on(place, latents.device)
        return {**given, "latents": place.latents.to(latents.device)}

    def place(self, step: int, steps: int, precision: str, latents: torch.Tensor) -> Place | None:
        """Where the run is after `step` steps; None where nobody could go on."""
        if not self.can_be_kept:
            return None
        moving = MOVING[type(self._scheduler).__name__]
        return Place(
            step=step,
            steps=steps,
            precision=precision,
            latents=_moved(latents.detach(), "cpu"),
            generator=self._dice.get_state(),
            scheduler={name: _moved(getattr(self._scheduler, name), "cpu") for name in moving},
            handed_back=_moved(self._handed_back, "cpu"),
        )

    def _go_on(self, place: Place, device: torch.device) -> None:
        """From here on the steps are real."""
        self._is_skipping = False
        self._restore(but=1)  # the scheduler stays watched
        try:
            self._dice.set_state(place.generator)
            for name in MOVING[type(self._scheduler).__name__]:
                setattr(self._scheduler, name, _moved(place.scheduler[name], device))
        except (RuntimeError, TypeError, KeyError) as wrong:
            raise Unusable(f"it does not fit this run: {wrong}") from wrong

    def _step(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """The scheduler's step, watched, and idle while steps are skipped."""
        signature, scheduler = inspect.signature(real), self._scheduler
        hands_back = type(scheduler).__name__ in HANDS_BACK

        @functools.wraps(real)  # pipelines read its signature
        def step(*args: Any, **kwargs: Any) -> Any:
            if not self._is_skipping:
                answer = real(*args, **kwargs)
                if hands_back:
                    self._handed_back = answer[1]
                return answer
            if hasattr(scheduler, "_step_index"):  # some pipelines count it down again
                scheduler._step_index = (scheduler._step_index or 0) + 1
            sample = signature.bind(*args, **kwargs).arguments["sample"]
            return sample, self._given_back(sample) if hands_back else sample

        return step

    def _given_back(self, sample: torch.Tensor) -> torch.Tensor:
        kept = self._place.handed_back if self._place is not None else None
        if kept is None or kept.shape != sample.shape:
            raise Unusable("it lacks what its scheduler was handed back")
        self._handed_back = kept.to(sample.device)
        return self._handed_back

    def _silent(self, denoiser: Any) -> Callable[..., Any]:
        """A denoiser that says nothing, at once, and in the shape that is expected of it. Put in
        the place of its hooks too: no weight has to visit the device for a step that is skipped."""
        axis = CHANNEL_AXIS[self._kind]
        channels = denoiser.config.get("out_channels") or denoiser.config["in_channels"]

        @functools.wraps(denoiser.forward)
        def silent(*_: Any, hidden_states: torch.Tensor, **__: Any) -> tuple[torch.Tensor]:
            return (torch.zeros_like(hidden_states.narrow(axis, 0, channels)),)

        return silent

    def _replace(self, owner: Any, name: str, value: Callable[..., Any]) -> None:
        before = vars(owner).get(name, _MISSING)
        setattr(owner, name, value)

        def put_back() -> None:
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

        self._put_back.append(put_back)

    def _restore(self, but: int = 0) -> None:
        while len(self._put_back) > but:
            self._put_back.pop()()


def _moved(value: Any, device: torch.device | str) -> Any:
    """A copy, on that device."""
    if isinstance(value, torch.Tensor):
        return value.detach().to(device, copy=True)
    if isinstance(value, list):
        return [_moved(item, device) for item in value]
    return value
