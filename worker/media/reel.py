"""The film's pictures in order: shots joined, resized, held, crossfaded, one picture at a time.

A scene has exactly its frames: longer shots are cut, after shorter ones the last picture stands
still. A crossfade lies inside the incoming scene, so no cut moves. Never holds a whole clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path

import av
import numpy as np
from PIL import Image

from worker.media.clip import Picture, read_clip


class DamagedClip(Exception):
    """A scene's shots cannot be read, or hold no picture at all."""

    def __init__(self, scene: int, why: str) -> None:
        super().__init__(f"the shots of scene {scene + 1} cannot be used: {why}")


@dataclass(frozen=True, slots=True)
class Shot:
    """A clip's file; its first `skip_frames` pictures are left out, `frames` is all it has."""

    path: Path
    frames: int
    skip_frames: int = 0


@dataclass(frozen=True, slots=True)
class Reel:
    """What one scene shows."""

    shots: tuple[Shot, ...]
    frames: int
    crossfade_frames: int = 0


def pictures(reels: Sequence[Reel], width: int, height: int) -> Iterator[Picture]:
    """RGB [height, width, 3], `sum(reel.frames)` of them. Raises DamagedClip."""
    before: Picture | None = None
    for scene, reel in enumerate(reels):
        fade = min(reel.crossfade_frames, reel.frames - 1) if before is not None else 0
        last = before
        for index, picture in enumerate(_scene(scene, reel, width, height)):
            if last is not None and index < fade:
                yield _blend(last, picture, (index + 1) / (fade + 1))
            else:
                yield picture
            before = picture


def fitted(picture: Picture, width: int, height: int) -> Picture:
    """The picture at this size: filled, centred, what sticks out cut off evenly."""
    own_height, own_width = picture.shape[:2]
    if (own_width, own_height) == (width, height):
        return picture
    scale = max(width / own_width, height / own_height)
    if own_width - width in (0, 1) and own_height - height in (0, 1):
        return np.ascontiguousarray(picture[:height, :width])  # the row that made a side even
    size = (max(width, round(own_width * scale)), max(height, round(own_height * scale)))
    large = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(large.crop((left, top, left + width, top + height)), dtype=np.uint8)


def _scene(scene: int, reel: Reel, width: int, height: int) -> Iterator[Picture]:
    shown = chain.from_iterable(
        islice(_read(scene, shot.path), shot.skip_frames, shot.frames) for shot in reel.shots
    )
    last: Picture | None = None
    count = 0
    for picture in islice(shown, reel.frames):
        last = fitted(picture, width, height)
        count += 1
        yield last
    if last is None:
        raise DamagedClip(scene, "they hold no picture")
    yield from repeat(last, reel.frames - count)


def _read(scene: int, path: Path) -> Iterator[Picture]:
    try:
        yield from read_clip(path)
    except (av.error.FFmpegError, IndexError) as wrong:
        raise DamagedClip(scene, f"{path.name} is no clip ({wrong})") from wrong


def _blend(old: Picture, new: Picture, share: float) -> Picture:
    mixed = old * np.float32(1 - share) + new * np.float32(share)
    return np.asarray(np.round(mixed), dtype=np.uint8)
