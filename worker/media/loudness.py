"""One gain for a whole narration: as loud as other films, and never clipping.

ITU-R BS.1770 loudness in LUFS, peaks in dBTP at four times the sample rate. A limiter catches the
peaks that the gain lifts too far; it neither shifts nor shortens the sound.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyloudnorm
from numpy.typing import NDArray

from worker.media.filters import stream, through

CEILING_DB: Final = -2.0
"""Where the limiter stops peaks: coding adds up to a decibel, and -1 dBTP is the promise."""

SILENT_LUFS: Final = -60.0
_MOST_GAIN_DB: Final = 40.0
_CLOSE_LU: Final = 0.2
_ROUNDS: Final = 5
_OVERSAMPLING: Final = 4
_BLOCK_SECONDS: Final = 0.4


@dataclass(frozen=True, slots=True)
class Level:
    """What a meter shows; None for silence."""

    lufs: float | None
    true_peak_db: float | None


def measure(audio: NDArray[np.float32], rate: int) -> Level:
    """Loudness and true peak of mono sound."""
    return Level(_lufs(audio, rate), _true_peak_db(audio, rate))


def levelled(
    audio: NDArray[np.float32], rate: int, lufs: float, ceiling_db: float = CEILING_DB
) -> NDArray[np.float32]:
    """The same samples at this loudness, no peak above the ceiling; silence stays as it is."""
    natural = _lufs(audio, rate)
    if natural is None:
        return audio
    gain = lufs - natural
    for _ in range(_ROUNDS):
        gain = min(gain, _MOST_GAIN_DB)
        louder = _limited(audio * np.float32(10 ** (gain / 20)), rate, ceiling_db)
        reached = _lufs(louder, rate)
        if reached is None or abs(reached - lufs) < _CLOSE_LU:
            break
        gain += lufs - reached  # the limiter took some of it
    return louder


def _limited(audio: NDArray[np.float32], rate: int, ceiling_db: float) -> NDArray[np.float32]:
    ceiling = 10 ** (ceiling_db / 20)
    # without latency=1 the limiter delays the sound by its attack and loses the end
    limiter = f"limit={ceiling:.5f}:level=false:attack=2:release=60:latency=1"
    limited = through(
        audio,
        rate,
        [
            ("aresample", str(rate * _OVERSAMPLING)),
            ("alimiter", limiter),
            ("aresample", str(rate)),
        ],
    )
    if abs(len(limited) - len(audio)) > _OVERSAMPLING:
        raise RuntimeError(f"the limiter made {len(limited)} samples of {len(audio)}")
    return np.pad(limited[: len(audio)], (0, max(0, len(audio) - len(limited))))


def _lufs(audio: NDArray[np.float32], rate: int) -> float | None:
    shortest = math.ceil(_BLOCK_SECONDS * rate) + 1
    heard = np.pad(audio, (0, max(0, shortest - len(audio))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # log of zero, for silence
        lufs = float(pyloudnorm.Meter(rate).integrated_loudness(heard))
    return lufs if lufs > SILENT_LUFS else None


def _true_peak_db(audio: NDArray[np.float32], rate: int) -> float | None:
    blocks = stream(audio, rate, [("aresample", str(rate * _OVERSAMPLING))])
    peak = max((float(np.abs(block).max(initial=0.0)) for block in blocks), default=0.0)
    return 20 * math.log10(peak) if peak > 0 else None
