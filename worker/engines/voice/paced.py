"""The plain way to speak: one pace for the whole line, word times by their share of the letters.

For a hibari package whose durations cannot be dictated. Lengths are still exact, by silence and
tempo; only the pace is coarser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.engines.voice import Spoken
from worker.engines.voice.author import Heard, caption_words
from worker.engines.voice.dictation import Piece
from worker.engines.voice.durations import FASTEST
from worker.engines.voice.lines import Reader
from worker.media.tempo import Squeezed, sound_end, squeeze


class PacedSpeaker:
    """Speaks through the package's own `speed`."""

    def __init__(self, reader: Reader, package: Any, note: str) -> None:
        self._reader, self._package, self._note = reader, package, note
        self.sample_rate = int(package.sample_rate)

    def speak(self, text: str, samples: int | None, seed: int) -> Spoken:
        """See `Speaker.speak`."""
        pieces = self._reader.read(text, self._package.split_sentences(text))
        audio, pace = self._say(pieces, 1.0, seed), 1.0
        natural = len(audio) / self.sample_rate
        if samples is not None and sound_end(audio) > samples:
            pace = min(FASTEST, sound_end(audio) / samples)
            audio = self._say(pieces, pace, seed)
        fitted = Squeezed(audio, 1.0, 0)
        if samples is not None:
            fitted = squeeze(audio, samples, self.sample_rate)
        heard = spread(pieces, sound_end(fitted.audio) / self.sample_rate)
        return Spoken(
            audio=fitted.audio,
            words=tuple(caption_words(text, heard, self._reader.normalised)),
            natural_seconds=natural,
            rate=pace * fitted.tempo,
            excess=fitted.excess,
            notes=(self._note,),
        )

    def _say(self, pieces: Sequence[Piece], pace: float, seed: int) -> NDArray[np.float32]:
        dice = np.random.default_rng(seed)
        said = [self._package.from_ids(list(piece.ids), pace, dice) for piece in pieces]
        return np.concatenate(said).astype(np.float32)


def spread(pieces: Sequence[Piece], seconds: float) -> list[Heard]:
    """Every token at its share of the phonemes."""
    whole = sum(len(piece.ids) for piece in pieces)
    heard, before = [], 0
    for piece in pieces:
        for text, first, last in piece.tokens:
            start, end = (before + first) / whole, (before + last) / whole
            heard.append(Heard(text, start * seconds, end * seconds))
        before += len(piece.ids)
    return heard
