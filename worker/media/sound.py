"""The film's sound: every line at its place, one loudness, encoded once and listened to.

Silence fills what no line fills. A line that is longer than its scene is refused, never cut. What
was encoded is decoded again and measured, because coding moves peaks. Sound is mono float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from worker.media.filters import audio_frame, resample, samples_of
from worker.media.loudness import CEILING_DB, Level, levelled, measure
from worker.media.timeline import SAMPLE_RATE, Slot, Timeline

TRUE_PEAK_DB: Final = -1.0
"""The loudest that a film may be, in dBTP."""

MP4: Final = MappingProxyType({"movie_timescale": str(SAMPLE_RATE)})
"""Lengths in the file to the sample; by default they are rounded down to milliseconds."""

_AAC: Final = MappingProxyType({"aac_coder": "fast"})
"""Measured on speech at this bit rate: a third of the time, and nearer to the original."""

_BIT_RATE: Final = 128_000
_BLOCK: Final = 1024
_TRIES: Final = 4
_STEP_DB: Final = 0.2
_MARGIN_DB: Final = 0.5
"""Other meters may find a little more between the samples than ours does."""


class TooLong(Exception):
    """A line does not fit its scene."""

    def __init__(self, scene: int, seconds: float, room: float) -> None:
        super().__init__(
            f"the line of scene {scene + 1} is {seconds:.3f} s long and its scene {room:.3f} s: "
            "narration is never cut"
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A spoken line and the scene it belongs to."""

    scene: int
    path: Path


def place(lines: Iterable[Line], timeline: Timeline) -> NDArray[np.float32]:
    """The whole film's sound, each line from its scene's first sample on.

    Raises TooLong, and soundfile.LibsndfileError for what is no sound.
    """
    sound = np.zeros(timeline.samples, np.float32)
    for line in lines:
        slot = timeline.slots[line.scene]
        said = _at_film_rate(line, slot)
        sound[slot.first_sample : slot.first_sample + len(said)] = said
    return sound


def publish(sound: NDArray[np.float32], lufs: float, path: Path, tell: Callable[[], None]) -> Level:
    """Encode it at this loudness; the level of what a player will decode. `tell` may raise."""
    ceiling = CEILING_DB
    for _ in range(_TRIES):
        tell()
        write_sound(levelled(sound, SAMPLE_RATE, lufs, ceiling, tell), path)
        level = measure(heard(path), SAMPLE_RATE)
        if level.true_peak_db is None:
            break
        over = level.true_peak_db - (TRUE_PEAK_DB - _MARGIN_DB)
        if over <= 0:
            break
        ceiling -= over + _STEP_DB
    return level


def write_sound(sound: NDArray[np.float32], path: Path) -> None:
    """AAC in mp4, 48 kHz mono."""
    with av.open(str(path), "w", format="mp4", options=dict(MP4)) as file:
        stream = file.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options=dict(_AAC))
        stream.bit_rate = _BIT_RATE
        for first in range(0, len(sound), _BLOCK):
            block = sound[first : first + _BLOCK]
            file.mux(stream.encode(audio_frame(block, SAMPLE_RATE, first, format="fltp")))
        file.mux(stream.encode(None))


def heard(path: Path) -> Iterator[NDArray[np.float32]]:
    """What a player hears of a file's sound, block by block."""
    with av.open(str(path)) as file:
        for frame in file.decode(file.streams.audio[0]):
            yield samples_of(frame)


def _at_film_rate(line: Line, slot: Slot) -> NDArray[np.float32]:
    said, rate = soundfile.read(line.path, dtype="float32", always_2d=True)
    samples = round(len(said) * SAMPLE_RATE / rate)
    # a length in samples of the voice is rounded once there and once here: that is no overflow
    if samples > slot.samples + math.ceil(SAMPLE_RATE / rate) + 1:
        raise TooLong(line.scene, samples / SAMPLE_RATE, slot.samples / SAMPLE_RATE)
    return resample(said.mean(axis=1), rate, SAMPLE_RATE, min(samples, slot.samples))
