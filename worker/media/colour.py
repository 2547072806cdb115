"""RGB to BT.709 and back. Both ways are named in full: a player that guesses, guesses BT.601."""

from __future__ import annotations

from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

BT709: Final = 1
"""Primaries, transfer curve and matrix all have this number in ITU-T H.273."""

LIMITED: Final = 1


def to_yuv(frame: VideoFrame) -> VideoFrame:
    """The picture as yuv420p, BT.709, limited range; its time is to be set again."""
    return frame.reformat(
        format="yuv420p",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )


def to_rgb(frame: VideoFrame) -> NDArray[np.uint8]:
    """The picture as RGB [H, W, 3]."""
    picture = frame.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.BICUBIC,
    )
    return np.asarray(picture.to_ndarray(), dtype=np.uint8)


def mark(stream: VideoStream) -> None:
    """Say in the file what the numbers of its pictures mean."""
    context = stream.codec_context
    context.color_range = LIMITED
    context.colorspace = context.color_primaries = context.color_trc = BT709
