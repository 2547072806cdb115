"""One gain for a whole narration: as loud as other films, and never clipping.

ITU-R BS.1770 loudness in LUFS, true peaks in dBTP, by FFmpeg's meter. A limiter catches the peaks
that the gain lifts too far; it neither shifts nor shortens the sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.media.filters import blocks, samples_of, stream

CEILING_DB: Final = -2.0
"""Where the limiter stops peaks: coding adds up to a decibel, and -1 dBTP is the promise."""

SILENT_LUFS: Final = -60.0
_MOST_GAIN_DB: Final = 40.0
_CLOSE_LU: Final = 0.2
_ROUNDS: Final = 5
_OVERSAMPLING: Final = 4
_LEAST_SECONDS: Final = 0.5
"""The meter shows nothing for less than one of its blocks: silence is added to a shorter sound."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a meter shows; None for silence."""

    lufs: float | None
    true_peak_db: float | None


def measure(sound: Iterable[NDArray[np.float32]], rate: int) -> Level:
    """Loudness and true peak of mono sound, given in blocks."""
    shown: dict[str, str] = {}
    long_enough = _at_least(sound, math.ceil(_LEAST_SECONDS * rate))
    for frame in stream(long_enough, rate, [("ebur128", "metadata=1:peak=true")]):
        shown = frame.metadata or shown
    lufs = float(shown["lavfi.r128.I"])
    peak = float(shown["lavfi.r128.true_peak"])
    return Level(
        lufs=lufs if lufs > SILENT_LUFS else None,
        true_peak_db=20 * math.log10(peak) if peak > 0 else None,
    )


def _at_least(sound: Iterable[NDArray[np.float32]], samples: int) -> Iterator[NDArray[np.float32]]:
    count = 0
    for block in sound:
        count += len(block)
        yield block
    if count < samples:
        yield np.zeros(samples - count, np.float32)


def levelled(
    audio: NDArray[np.float32],
    rate: int,
    lufs: float,
    ceiling_db: float = CEILING_DB,
    tell: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """The same samples at this loudness, no peak above the ceiling; silence stays as it is.

    `tell` is called between rounds, and may raise to stop it.
    """
    natural = measure(blocks(audio), rate).lufs
    if natural is None:
        return audio
    gain = lufs - natural
    louder = np.empty_like(audio)
    for _ in range(_ROUNDS):
        tell()
        gain = min(gain, _MOST_GAIN_DB)
        _limit(audio, rate, gain, ceiling_db, louder)
        reached = measure(blocks(louder), rate).lufs
        if reached is None or abs(reached - lufs) < _CLOSE_LU:
            break
        gain += lufs - reached  # the limiter took some of it
    return louder


def _limit(
    audio: NDArray[np.float32],
    rate: int,
    gain_db: float,
    ceiling_db: float,
    into: NDArray[np.float32],
) -> None:
    # without latency=1 the limiter delays the sound by its attack and loses the end
    limiter = f"limit={10 ** (ceiling_db / 20):.5f}:level=false:attack=2:release=60:latency=1"
    steps = [
        ("volume", f"{gain_db:.4f}dB"),
        ("aresample", str(rate * _OVERSAMPLING)),
        ("alimiter", limiter),
        ("aresample", str(rate)),
    ]
    filled = 0
    for frame in stream(blocks(audio), rate, steps):
        block = samples_of(frame)[: len(into) - filled]
        into[filled : filled + len(block)] = block
        filled += frame.samples
    if abs(filled - len(audio)) > _OVERSAMPLING:
        raise RuntimeError(f"the limiter made {filled} samples of {len(audio)}")
    into[filled:] = 0
