"""What a model cannot render, said before anything is loaded. Pure: no torch, no files."""

from __future__ import annotations

from reelyard.catalog import VideoModel
from reelyard.failure import FailureKind
from reelyard.plan import Plan
from reelyard.task import VideoWork
from worker.desk import TaskFailed


def refuse_impossible(work: VideoWork, model: VideoModel) -> int:
    """The shot's frame count. Raises TaskFailed (bad input) with value, limit and remedy."""
    frames = work.frames
    if frames is None:
        raise _bad(f"{model.id}: the shot came without a frame count. Give the scene a length.")
    if not model.is_legal(frames):
        raise _bad(
            f"{model.id} renders {_rule(model)} frames, from {model.min_frames} to "
            f"{model.longest_clip}, not {frames}. Ask for {model.frames_for(frames)}."
        )
    for name, value in (("width", work.width), ("height", work.height)):
        if value % model.size_multiple or value <= 0:
            raise _bad(
                f"{model.id} needs a {name} that is a multiple of {model.size_multiple}, "
                f"not {value}. Ask for {_nearest(value, model.size_multiple)}."
            )
    if work.start_image is not None and model.image_pipeline is None:
        raise _bad(
            f"{model.id} cannot start from a picture. "
            "Take `continue` from the scene, or choose a model with an image pipeline."
        )
    return frames


def refuse_gang(plan: Plan) -> None:
    """This worker runs a task on one device. Raises TaskFailed, of a kind that is tried again."""
    if plan.gang is not None:
        raise TaskFailed(
            FailureKind.UNKNOWN,
            f"This worker runs a shot on one device, not {plan.gang.sentence()}. "
            "Let it run on one device, in a leaner way if need be.",
        )


def _rule(model: VideoModel) -> str:
    return f"{model.frame_step}n" + (f"+{model.frame_offset}" if model.frame_offset else "")


def _bad(sentence: str) -> TaskFailed:
    return TaskFailed(FailureKind.BAD_INPUT, sentence)


def _nearest(value: int, multiple: int) -> int:
    return max(1, round(value / multiple)) * multiple
