"""The size of a clip in the units that cost: pixels, latent frames, tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reelyard.catalog import VideoModel

GIB = 1024.0**3


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model is asked for. `guided`: followed more strongly than the model does by itself;
    `from_image`: the clip starts from a picture."""

    width: int
    height: int
    frames: int
    steps: int
    guided: bool = True
    from_image: bool = False

    @property
    def pixels(self) -> int:
        """Of one frame."""
        return self.width * self.height

    @property
    def pixel_frames(self) -> int:
        """Of the clip."""
        return self.pixels * self.frames


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the denoiser attends over: `all` = `per_frame` x `frames` of the latent film."""

    all: int
    per_frame: int
    frames: int


def tokens(model: VideoModel, shape: Shape) -> Tokens:
    """Tokens of the clip: (latent frames / patch) x (W / side) x (H / side)."""
    per_frame = model.tokens_per_frame(shape.width, shape.height)
    frames = model.latent_frames(shape.frames)
    return Tokens(per_frame * frames, per_frame, frames)


def legal(model: VideoModel, shape: Shape) -> tuple[Shape, tuple[str, ...]]:
    """The next larger clip that the model renders as it is, and what was changed."""
    width, height = (
        _up(shape.width, model.size_multiple),
        _up(shape.height, model.size_multiple),
    )
    frames = _legal_frames(model, shape.frames)
    made = Shape(width, height, frames, shape.steps, shape.guided, shape.from_image)
    notes = []
    if (width, height) != (shape.width, shape.height):
        notes.append(
            f"{shape.width}x{shape.height} counts as {width}x{height}: sides are multiples of "
            f"{model.size_multiple}"
        )
    if frames != shape.frames:
        notes.append(f"{shape.frames} frames count as {frames}, the next length it renders")
    if frames > model.longest_clip:
        notes.append(f"longer than the {model.longest_clip} frames it was made for")
    return made, tuple(notes)


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def _legal_frames(model: VideoModel, frames: int) -> int:
    beyond = max(frames, model.min_frames) - model.frame_offset
    return -(-beyond // model.frame_step) * model.frame_step + model.frame_offset
