"""Storyboards for whole-farm tests, and what can be read off a finished film."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

THREE_SCENES = """
title: Three scenes
scenes:
  - picture: a red circle moving right on a black background
    say: One red circle.
  - picture: a blue square moving left on a gray background
    say: And then a blue square.
    seconds: 2.5
  - picture: a yellow triangle moving up on a teal background
    say: A yellow triangle at last.
    transition: crossfade
"""

ONE_SCENE = """
title: One scene
scenes:
  - picture: a red circle moving right on a black background
    say: One red circle.
"""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A film as a player sees it."""

    video_codec: str
    audio_codec: str
    frames: NDArray[np.uint8]  # [frames, height, width, 3]
    fps: float
    sound: NDArray[np.float32]  # [samples]
    sample_rate: int
    subtitles: tuple[str, ...]


def decode(path: Path) -> Decoded:
    """Every picture, every sample, every subtitle."""
    with av.open(str(path)) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        texts = film.streams.subtitles
        video_codec, audio_codec = video.codec_context.name, audio.codec_context.name
        fps, rate = float(video.average_rate or 0), audio.rate
        pictures, sounds, said = [], [], []
        for packet in film.demux():
            for item in packet.decode():
                if isinstance(item, av.VideoFrame):
                    pictures.append(item.to_ndarray(format="rgb24"))
                elif isinstance(item, av.AudioFrame):
                    sounds.append(item.to_ndarray().mean(axis=0))
                elif packet.stream in texts:
                    said.append(_text(item))
    return Decoded(
        video_codec,
        audio_codec,
        np.stack(pictures),
        fps,
        np.concatenate(sounds),
        rate,
        tuple(text for text in said if text),
    )


def _text(item: Any) -> str:
    dialogue = getattr(item, "dialogue", b"")
    return dialogue.decode() if isinstance(dialogue, bytes) else str(dialogue)
