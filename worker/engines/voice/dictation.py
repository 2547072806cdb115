"""Speaking with dictated durations: predict, plan the whole line, render, fit, time the words.

The same for every voice whose durations can be read out and set, an `Instrument`. Never knows how
one makes sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.engines.voice import Spoken
from worker.engines.voice.author import Heard, caption_words
from worker.engines.voice.durations import (
    SPEECH_BEFORE_STOP,
    STOPS,
    Fitting,
    Prediction,
    fit,
    split,
)
from worker.media.tempo import Squeezed, sound_end, squeeze


@dataclass(frozen=True, slots=True)
class Piece:
    """What the model sees at once: ids, one character per id (`^`, `$` for the pads at the ends),
    tokens as (text, first id, id after the last)."""

    ids: tuple[int, ...]
    chars: tuple[str, ...]
    tokens: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of a voice. `lead_units`: how long before its token a phoneme is heard."""

    sample_rate: int
    unit_samples: int
    lead_units: int = 0
    head_seconds: float = 0.0
    tail_seconds: float = 0.0

    @property
    def unit_seconds(self) -> float:
        """The grain of the durations."""
        return self.unit_samples / self.sample_rate


class Instrument(Protocol):
    """A voice that takes durations."""

    @property
    def tuning(self) -> Tuning:
        """Its constants."""
        ...

    def predict(self, piece: Piece, seed: int) -> NDArray[np.float64]:
        """Units per token, [tokens], as the model would speak."""
        ...

    def say(
        self, piece: Piece, predicted: NDArray[np.float64], units: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        """Sound of exactly `units.sum() * unit_samples` samples."""
        ...


def dictate(
    instrument: Instrument,
    text: str,
    pieces: Sequence[Piece],
    samples: int | None,
    seed: int,
    read: Callable[[str], str],
) -> Spoken:
    """The line in exactly `samples`, or at its natural length for None."""
    tuning = instrument.tuning
    predicted = [instrument.predict(piece, seed + k) for k, piece in enumerate(pieces)]
    prediction = _prediction(pieces, predicted, tuning)
    fitting = fit(prediction, None if samples is None else samples / tuning.sample_rate)
    audio = _render(instrument, pieces, predicted, fitting, seed)
    natural = prediction.natural_seconds if samples else len(audio) / tuning.sample_rate
    fitted = Squeezed(audio, 1.0, 0)
    if samples is not None:
        fitted = squeeze(audio, samples, tuning.sample_rate)
    return Spoken(
        audio=fitted.audio,
        words=tuple(caption_words(text, _heard(pieces, fitting, fitted, tuning), read)),
        natural_seconds=natural,
        rate=fitting.rate * fitted.tempo,
        pause=fitting.pause,
        excess=fitted.excess,
    )


def _prediction(
    pieces: Sequence[Piece], predicted: Sequence[NDArray[np.float64]], tuning: Tuning
) -> Prediction:
    """All pieces as one line: its two ends are fixed, the joins between are elastic silence."""
    parts = [split(d, piece.chars) for d, piece in zip(predicted, pieces, strict=True)]
    speech = np.concatenate([part[0] for part in parts])
    pause = np.concatenate([part[1] for part in parts])
    chars = np.array([char for piece in pieces for char in piece.chars])
    pause[chars == "^"] = tuning.head_seconds / tuning.unit_seconds
    pause[chars == "$"] = tuning.tail_seconds / tuning.unit_seconds
    edge = np.zeros(len(chars))
    for end in (0, -1):
        if chars[end] in "^$":
            edge[end], pause[end] = pause[end], 0.0
    return Prediction(speech, pause, edge, tuning.unit_seconds)


def _render(
    instrument: Instrument,
    pieces: Sequence[Piece],
    predicted: Sequence[NDArray[np.float64]],
    fitting: Fitting,
    seed: int,
) -> NDArray[np.float32]:
    ends = np.cumsum([len(piece.ids) for piece in pieces])[:-1]
    planned = np.split(fitting.units, ends)
    rows = enumerate(zip(pieces, predicted, planned, strict=True))
    said = [instrument.say(piece, d, n, seed + k) for k, (piece, d, n) in rows]
    audio = np.concatenate(said)
    wanted = int(fitting.units.sum()) * instrument.tuning.unit_samples
    if len(audio) != wanted:
        raise RuntimeError(f"the voice made {len(audio)} samples where {wanted} were dictated")
    return audio


def _heard(
    pieces: Sequence[Piece], fitting: Fitting, fitted: Squeezed, tuning: Tuning
) -> list[Heard]:
    """When every token is heard, in seconds from the start of the line."""
    starts = np.concatenate(([0], np.cumsum(fitting.units))) - tuning.lead_units
    last = sound_end(fitted.audio) / tuning.sample_rate
    heard, base = [], 0

    def at(unit: float) -> float:
        return min(max(unit, 0.0) * tuning.unit_seconds / fitted.tempo, last)

    for piece in pieces:
        for text, first, after in piece.tokens:
            stop = float(starts[base + after])
            if after < len(piece.chars) and piece.chars[after] in STOPS:
                spoken = SPEECH_BEFORE_STOP / fitting.rate + tuning.lead_units
                stop = min(stop, float(starts[base + after - 1]) + spoken)
            heard.append(Heard(text, at(float(starts[base + first])), at(stop)))
        base += len(piece.ids)
    return heard
