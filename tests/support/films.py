"""Storyboards for whole-farm tests, and what can be read off a finished film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from worker.media.filters import resample

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

_BT709 = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """A subtitle inside the film, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """A film as a player sees it. Times are in seconds, exact."""

    video_codec: str
    audio_codec: str
    frames: NDArray[np.uint8]  # [frames, height, width, 3]
    frame_times: tuple[Fraction, ...]
    fps: float
    sound: NDArray[np.float32]  # [samples]
    sound_starts: Fraction
    sound_seconds: Fraction
    sample_rate: int
    shown: tuple[Shown, ...]
    is_bt709: bool
    title: str
    language: str

    @property
    def subtitles(self) -> tuple[str, ...]:
        """Their texts, lines joined by spaces."""
        return tuple(shown.text.replace("\n", " ") for shown in self.shown)


def decode(path: Path) -> Decoded:
    """Every picture, every sample, every subtitle."""
    with av.open(str(path)) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        texts = film.streams.subtitles
        pictures, sounds, shown, times, heard = [], [], [], [], []
        for packet in film.demux():
            for item in packet.decode():
                if isinstance(item, av.VideoFrame):
                    pictures.append(item.to_ndarray(format="rgb24"))
                    times.append(_seconds(item.pts, item.time_base))
                elif isinstance(item, av.AudioFrame):
                    sounds.append(item.to_ndarray().mean(axis=0))
                    heard.append(_seconds(item.pts, item.time_base))
                elif packet.stream in texts and (text := _text(item)):
                    shown.append(_shown(packet, text))
        seconds = _seconds(audio.duration, audio.time_base)
        return Decoded(
            video_codec=video.codec_context.name,
            audio_codec=audio.codec_context.name,
            frames=np.stack(pictures),
            frame_times=tuple(times),
            fps=float(video.average_rate or 0),
            sound=np.concatenate(sounds),
            sound_starts=heard[0],
            sound_seconds=seconds,
            sample_rate=audio.rate,
            shown=tuple(shown),
            is_bt709=_is_bt709(video.codec_context),
            title=film.metadata.get("title", ""),
            language=texts[0].language or "" if texts else "",
        )


def pictures(path: Path) -> NDArray[np.uint8]:
    """A clip's pictures, [frames, height, width, 3]."""
    with av.open(str(path)) as clip:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)])


def seen_at(film: Decoded, shot: NDArray[np.uint8]) -> int:
    """The frame of the film at which this shot's first picture is seen: where all of it is most
    like what the film shows. A shot is given as long as it is used."""
    wanted, shown = (frames[:, ::2, ::2].astype(np.int16) for frames in (shot, film.frames))
    unlike = [
        float(np.abs(shown[first : first + len(wanted)] - wanted).mean())
        for first in range(len(shown) - len(wanted) + 1)
    ]
    return int(np.argmin(unlike))


def heard_at(film: Decoded, line: NDArray[np.float32], rate: int) -> int:
    """The sample of the film at which this line's first sample is heard, by correlation."""
    samples = round(len(line) * film.sample_rate / rate)
    wanted = resample(np.asarray(line, np.float32), rate, film.sample_rate, samples)
    size = 1 << (len(film.sound) + len(wanted)).bit_length()
    likeness = np.fft.irfft(
        np.fft.rfft(film.sound, size) * np.conj(np.fft.rfft(wanted, size)), size
    )
    return int(np.argmax(likeness[: len(film.sound)]))


def drift(film: Decoded, shot: Path, line: Path) -> int:
    """How many samples a scene's line is heard after its picture is seen; 0 is what it should be.

    `shot` is the scene's first clip, at least half of which the film uses; `line` what is said.
    """
    frames = pictures(shot)
    frame = seen_at(film, frames[: max(1, len(frames) // 2)])
    said, rate = soundfile.read(line, dtype="float32")
    return heard_at(film, said, rate) - round(frame * film.sample_rate / film.fps)


def silent_between(film: Decoded, spans: Sequence[tuple[int, int]], quiet: float = 0.003) -> bool:
    """Nothing is heard in these spans of samples, but for what coding smears over their edges."""
    smear = 2048
    return all(
        float(np.abs(film.sound[start + smear : end - smear]).max(initial=0.0)) < quiet
        for start, end in spans
    )


def _seconds(pts: int | None, time_base: Fraction | None) -> Fraction:
    assert pts is not None
    assert time_base is not None
    return pts * Fraction(time_base)


def _is_bt709(context: Any) -> bool:
    said = (context.colorspace, context.color_primaries, context.color_trc)
    return all(number == _BT709 for number in said)


def _shown(packet: Any, text: str) -> Shown:
    start = round(_seconds(packet.pts, packet.time_base) * 1000)
    return Shown(start, start + round(_seconds(packet.duration, packet.time_base) * 1000), text)


def _text(item: Any) -> str:
    dialogue = getattr(item, "dialogue", b"")
    said = dialogue.decode() if isinstance(dialogue, bytes) else str(dialogue)
    return said.replace("\\N", "\n").replace("\u2060", "")
