"""Pictures in memory to files and back: clips, single pictures, thumbnails.

Clips are H.264 in mp4, nearly lossless, BT.709: they are made to be read again, once, by compose.
Never knows of scenes or sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from worker.media.colour import mark, to_rgb, to_yuv

Picture: TypeAlias = NDArray[np.uint8]
"""RGB, [height, width, 3]."""

_JPEG_QUALITY = 90
_CRF = "8"


def write_clip(frames: NDArray[np.uint8], fps: int, path: Path) -> None:
    """Write RGB `frames` [F, H, W, 3] as an mp4 without sound.

    4:2:0 needs even sides: an odd picture gets its last row or column twice.
    Raises ValueError for no frames or another form.
    """
    if frames.ndim != 4 or frames.shape[0] == 0 or frames.shape[3] != 3:
        raise ValueError(f"a clip is [frames, height, width, 3], not {list(frames.shape)}")
    pictures = even(frames)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as file:
        stream = _h264(file, fps, width=pictures.shape[2], height=pictures.shape[1])
        for index, picture in enumerate(pictures):
            frame = to_yuv(VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"))
            frame.pts, frame.time_base = index, Fraction(1, fps)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def read_clip(path: Path) -> Iterator[Picture]:
    """Every picture of a clip, RGB [H, W, 3], in order. Raises av.error.FFmpegError."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in file.decode(stream):
            yield to_rgb(frame)


def write_png(frame: Picture, path: Path) -> None:
    """One picture, lossless."""
    Image.fromarray(frame).save(path, format="PNG")


def write_jpeg(frame: Picture, path: Path) -> None:
    """One picture, small."""
    Image.fromarray(frame).save(path, format="JPEG", quality=_JPEG_QUALITY)


def write_thumbnail(frame: Picture, path: Path, width: int = 320) -> None:
    """A JPEG of at most `width` pixels across, never larger than the picture."""
    height, own = frame.shape[:2]
    across = min(width, own)
    size = (across, max(1, round(height * across / own)))
    small = Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)
    small.save(path, format="JPEG", quality=_JPEG_QUALITY)


def even(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[..., H, W, 3] with even sides, by repeating the last row or column."""
    odd_rows, odd_columns = frames.shape[-3] % 2, frames.shape[-2] % 2
    if not odd_rows and not odd_columns:
        return frames
    sides = [(0, 0)] * (frames.ndim - 3) + [(0, odd_rows), (0, odd_columns), (0, 0)]
    return np.pad(frames, sides, mode="edge")


def _h264(file: av.container.OutputContainer, fps: int, width: int, height: int) -> VideoStream:
    stream = file.add_stream("libx264", rate=fps, options={"crf": _CRF, "preset": "veryfast"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, fps)
    mark(stream)
    return stream
