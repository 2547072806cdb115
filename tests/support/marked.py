"""Scenes that can be recognised: every picture carries its scene and number, every scene begins
with a flash, every line with a click."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from reelyard.task import Clip, VoiceResult, Word
from tests.support.desk import PlainDesk
from worker.media.clip import write_clip
from worker.media.filters import resample
from worker.media.timeline import SAMPLE_RATE

WIDTH, HEIGHT = 128, 64
_BITS = 16
_NUMBERS = 1024
_COLOURS = ((170, 40, 40), (40, 140, 40), (50, 50, 190), (150, 140, 30), (140, 40, 150))
_CLICK, _QUIET_SECONDS = 0.9, 0.004
_CLICK_SAMPLES, _REACH = 64, 128


def marked_frames(scene: int, count: int, width: int, height: int) -> NDArray[np.uint8]:
    """Above: a flash, then the scene's colour. Below: its scene and number, as bars."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[:, : height // 2] = _COLOURS[scene % len(_COLOURS)]
    frames[0, : height // 2] = 255
    bar = np.arange(width) * _BITS // width
    for number in range(count):
        bits = (scene * _NUMBERS + number) >> bar & 1
        frames[number, height // 2 :] = (bits * 255)[None, :, None]
    return frames


def marked_clip(
    desk: PlainDesk,
    scene: int,
    count: int,
    fps: int,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Clip:
    """A clip of such pictures, in the store."""
    path = desk.folder / f"clip{scene}.mp4"
    write_clip(marked_frames(scene, count, *size), fps, path)
    return Clip(artifact=desk.store.put(path, path.name, "video/mp4"), frames=count)


def read_mark(picture: NDArray[np.uint8]) -> tuple[int, int]:
    """Scene and number of a picture."""
    height, width = picture.shape[:2]
    row = picture[height * 3 // 4].mean(axis=-1)
    bars = row.reshape(_BITS, width // _BITS)[:, width // _BITS // 2]
    number = sum(1 << bit for bit in range(_BITS) if bars[bit] > 127)
    return divmod(number, _NUMBERS)


def is_flash(picture: NDArray[np.uint8]) -> bool:
    """Its upper half is white."""
    return bool(picture[4 : len(picture) // 2 - 4].mean() > 240)


def marked_line(samples: int, rate: int, seed: int = 0) -> NDArray[np.float32]:
    """A click on the first sample, a moment of quiet, then syllables of noisy hum to the end, but
    for as short a moment of quiet before whatever follows."""
    dice = np.random.default_rng(seed)
    t = np.arange(samples) / rate
    voiced = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 4 * t), 0, 1)
    line = 0.05 * syllables * (voiced + dice.normal(0, 0.3, samples))
    quiet = round(_QUIET_SECONDS * rate)
    line[:quiet] = line[-quiet:] = 0
    line[0] = _CLICK
    return np.asarray(line, dtype=np.float32)


def marked_voice(
    desk: PlainDesk, samples: int, rate: int, words: tuple[Word, ...] = (), seed: int = 0
) -> VoiceResult:
    """Such a line, in the store."""
    path = Path(desk.folder / f"line{seed}.wav")
    soundfile.write(path, marked_line(samples, rate, seed), rate, subtype="PCM_16")
    return VoiceResult(
        audio=desk.store.put(path, path.name, "audio/wav"),
        sample_rate=rate,
        samples=samples,
        natural_seconds=samples / rate,
        words=words,
    )


def clicks(sound: NDArray[np.float32], samples: list[int], rates: list[int]) -> list[int]:
    """How many samples from each of these places its click is; `rates` are those of the voices.

    By correlation with what a click of that rate is at the film's: its top alone is flat, and
    coding can make its neighbour the highest.
    """
    found = []
    for sample, rate in zip(samples, rates, strict=True):
        click = resample(np.eye(1, rate, dtype=np.float32)[0], rate, SAMPLE_RATE, _CLICK_SAMPLES)
        near = np.pad(sound, (_REACH, 0))[sample : sample + 2 * _REACH + _CLICK_SAMPLES]
        likeness = np.correlate(near, click, mode="valid")
        found.append(int(np.argmax(likeness)) - _REACH)
    return found
