"""Voices: a line of text becomes sound of a wanted length, with the time of every word.

What all voices agree on; the voices themselves are in `hibari` and `vits`. Never touches files of
a job, the store or the film: a step does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reelyard.failure import FailureKind
from reelyard.task import Word
from worker.desk import TaskFailed


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line as it sounds. `audio` is mono float32 [samples]; `excess` samples did not fit."""

    audio: NDArray[np.float32]
    words: tuple[Word, ...]
    natural_seconds: float
    rate: float = 1.0
    pause: float = 1.0
    excess: int = 0
    notes: tuple[str, ...] = ()


class Speaker(Protocol):
    """A loaded voice."""

    @property
    def sample_rate(self) -> int:
        """Samples per second of what it says."""
        ...

    def speak(self, text: str, samples: int | None, seed: int) -> Spoken:
        """Say it in exactly so many samples, or at its natural length.

        Never cuts speech: what does not fit is `Spoken.excess`. Raises TaskFailed (bad input) for
        a text that this voice cannot read.
        """
        ...


def cannot_read(word: str, voice: str) -> TaskFailed:
    """The voice has no sound for a word: refusing beats leaving it out."""
    return TaskFailed(
        FailureKind.BAD_INPUT,
        f"The voice {voice} cannot read {word!r}. Write it in words of its language, or choose "
        "another voice for this scene.",
    )


def nothing_to_say(text: str, voice: str) -> TaskFailed:
    """There is no word in the text."""
    return TaskFailed(
        FailureKind.BAD_INPUT,
        f"There is no word in {text[:60]!r} that the voice {voice} could say. Write a line, or "
        "leave it out for a silent scene.",
    )
