"""The last rungs of the ladder that brings a line to its length: silence, then tempo.

Speech is never cut: what is still too long is handed back whole. Sound is mono float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.media.filters import through

SILENCE: Final = 0.01
"""Nothing quieter than this is heard as speech."""

FASTEST: Final = 1.12
_KEPT_SECONDS: Final = 0.06
_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Squeezed:
    """Sound of the wanted length, or `excess` samples longer; `tempo` is what it was sped up by."""

    audio: NDArray[np.float32]
    tempo: float
    excess: int


def sound_end(audio: NDArray[np.float32]) -> int:
    """The sample after the last one that is heard."""
    heard = np.flatnonzero(np.abs(audio) > SILENCE)
    return int(heard[-1]) + 1 if len(heard) else 0


def squeeze(audio: NDArray[np.float32], samples: int, rate: int) -> Squeezed:
    """Bring the sound to exactly so many samples: silence after it goes or comes, then tempo."""
    if sound_end(audio) <= samples:
        return Squeezed(_to_length(audio, samples), 1.0, 0)
    bare = audio[: sound_end(audio) + round(_KEPT_SECONDS * rate)]
    wanted = len(bare) / samples
    for _ in range(_TRIES):
        factor = min(wanted, FASTEST)
        faster = through(bare, rate, [("atempo", f"{factor:.6f}")])
        end = sound_end(faster)
        if end <= samples:
            return Squeezed(_to_length(faster, samples), factor, 0)
        if factor == FASTEST:
            break
        wanted = factor * (end + rate // 500) / samples
    whole = faster[: max(end, samples)]
    return Squeezed(whole, factor, len(whole) - samples)


def _to_length(audio: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    return np.pad(audio[:samples], (0, max(0, samples - len(audio))))
