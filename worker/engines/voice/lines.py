"""Text to what the hibari voice reads: sentences of phoneme ids, with the place of every token.

Long texts are cut into pieces that the model sees at once, at sentence ends first, then at clauses.
A word that yields no sound is refused, never dropped. Runs the grapheme rules, never the voice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.engines.voice import cannot_read, nothing_to_say
from worker.engines.voice.dictation import Piece
from worker.engines.voice.durations import PAUSES

LONGEST: Final = 400
"""Phonemes of one piece."""

_CLAUSE_ENDS: Final = frozenset(",;:—…")


@dataclass(frozen=True, slots=True)
class _Sound:
    """A token of the text: its phonemes that the model knows, and whether a space follows."""

    text: str
    phonemes: str
    spaced: bool

    @property
    def is_word(self) -> bool:
        return any(char not in PAUSES for char in self.phonemes)


class Reader:
    """Reads text with hibari's rules for English."""

    def __init__(self, voice: str, g2p: Any, vocabulary: Mapping[str, int]) -> None:
        self._voice, self._g2p, self._vocabulary = voice, g2p, vocabulary

    def read(self, text: str, sentences: Sequence[str]) -> list[Piece]:
        """The pieces to say. Raises TaskFailed (bad input) naming the word that cannot be read."""
        pieces = [
            self._piece(part)
            for sentence in sentences
            for part in _parts(list(self._sounds(sentence)))
            if any(sound.is_word for sound in part)
        ]
        if not pieces:
            raise nothing_to_say(text, self._voice)
        return pieces

    def normalised(self, text: str) -> str:
        """How the text is read out: `3.5 km` as `3.5 kilometers`."""
        from hibari.g2p.normalize import normalize

        return str(normalize(text))

    def _sounds(self, sentence: str) -> Iterator[_Sound]:
        for token in self._g2p.phonemize_tokens(self._g2p.tokenize(self.normalised(sentence))):
            known = "".join(char for char in token.phonemes or "" if char in self._vocabulary)
            sound = _Sound(token.text, known, bool(token.whitespace))
            if not _is_latin(token.text) or (_has_letters(token.text) and not sound.is_word):
                raise cannot_read(token.text, self._voice)
            yield sound

    def _piece(self, sounds: Sequence[_Sound]) -> Piece:
        chars, tokens = ["^"], []
        for sound in sounds:
            first = len(chars)
            chars += sound.phonemes
            if sound.is_word:
                tokens.append((sound.text, first, len(chars)))
            if sound.spaced:
                chars.append(" ")
        while chars[-1] == " ":
            chars.pop()
        ids = [self._vocabulary[char] for char in chars[1:]]
        return Piece((0, *ids, 0), (*chars, "$"), tuple(tokens))


def _parts(sounds: list[_Sound]) -> Iterator[list[_Sound]]:
    """Runs of at most LONGEST phonemes, cut after a clause where there is one, else at a space."""
    while _length(sounds) > LONGEST:
        cut = _cut(sounds)
        yield sounds[:cut]
        sounds = sounds[cut:]
    yield sounds


def _cut(sounds: Sequence[_Sound]) -> int:
    fits = 1
    while fits < len(sounds) and _length(sounds[: fits + 1]) <= LONGEST:
        fits += 1
    for ends in (lambda sound: sound.phonemes[-1:] in _CLAUSE_ENDS, lambda sound: sound.spaced):
        for cut in range(fits, 0, -1):
            if ends(sounds[cut - 1]) and any(sound.is_word for sound in sounds[:cut]):
                return cut
    return fits


def _length(sounds: Sequence[_Sound]) -> int:
    return sum(len(sound.phonemes) + sound.spaced for sound in sounds)


def _has_letters(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _is_latin(text: str) -> bool:
    """No letter of another script: the rules would spell those out as noise."""
    return all(
        not char.isalpha() or unicodedata.name(char, "").startswith(("LATIN", "MODIFIER"))
        for char in text
    )
