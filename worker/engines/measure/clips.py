"""Which clips a law is fitted on, and which it is checked on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reelyard.catalog import VideoModel
from worker.engines.measure.clip import Clip

_SMALLER, _BETWEEN = 0.6, 0.8
_SETTLED = 17


@dataclass(frozen=True, slots=True)
class Clips:
    """For one law."""

    fitted: tuple[Clip, ...]
    checked: tuple[Clip, ...]


def denoiser_clips(model: VideoModel, one_size: bool = False) -> Clips:
    """The model's own size and six tenths of it, its longest clip and half of that; checked in
    between. A model of one length only is measured at half and at twice of it; one that has
    learned the places of one size is measured at that."""
    longest = model.longest_clip
    half, between = _frames(model, longest // 2), _frames(model, longest * 3 // 4)
    if model.min_frames == model.max_frames:
        half, between, longest = max(1, longest // 2), longest, 2 * longest
    sizes = (_size(model, 1.0),) if one_size else (_size(model, 1.0), _size(model, _SMALLER))
    fitted = tuple(Clip(*size, frames) for size in sizes for frames in (half, longest))
    return Clips(fitted, (Clip(*_size(model, 1.0 if one_size else _BETWEEN), between),))


def picture_clips(model: VideoModel) -> Clips:
    """As for the denoiser, but never longer than the model's clips: some are decoded in windows."""
    if model.min_frames < model.max_frames:
        return denoiser_clips(model)
    longest = model.longest_clip
    sizes, half = (_size(model, 1.0), _size(model, _SMALLER)), max(1, longest // 2)
    fitted = tuple(Clip(*size, frames) for size in sizes for frames in (half, longest))
    return Clips(fitted, (Clip(*_size(model, _BETWEEN), longest),))


def tiled_clips(model: VideoModel) -> Clips:
    """Shorter, because many tiles take long to count: a quarter and a half of the longest clip,
    but not so short that a VAE with a memory of earlier frames never comes to use it."""
    longest = model.longest_clip
    short, long = (_frames(model, max(longest // part, _SETTLED)) for part in (4, 2))
    if model.min_frames == model.max_frames:
        short = max(1, longest // 2)
    if long <= short or model.min_frames == model.max_frames:
        long = longest
    own, small = _size(model, 1.0), _size(model, _SMALLER)
    fitted = (Clip(*own, short), Clip(*small, short), Clip(*small, long))
    return Clips(fitted, (Clip(*_size(model, _BETWEEN), short),))


def _size(model: VideoModel, share: float) -> tuple[int, int]:
    """Each side times `share`, in the model's steps, at least one."""
    step = model.size_multiple
    return (
        max(step, round(model.width * share / step) * step),
        max(step, round(model.height * share / step) * step),
    )


def _frames(model: VideoModel, frames: int) -> int:
    """The next legal count below, so that a clip of the least frames stays."""
    beyond = max(frames, model.min_frames) - model.frame_offset
    return beyond // model.frame_step * model.frame_step + model.frame_offset
