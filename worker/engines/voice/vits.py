"""VITS voices of transformers, dictated to like the embedded one: a hook replaces the durations.

Exact to one hop of the model, to the sample by padding. Characters are this model's phonemes, so
every word has its own tokens. A word with a character that the voice does not know is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from reelyard.failure import FailureKind
from worker.desk import TaskFailed
from worker.engines.voice import Spoken, cannot_read, nothing_to_say
from worker.engines.voice.dictation import Piece, Tuning, dictate

LONGEST: Final = 400
"""Characters that the model sees at once."""

_BLANK: Final = "_"
_SENTENCE: Final = re.compile(r"(?<=[.!?…])\s+")


class _Enough(Exception):
    """The durations are known; the sound is not wanted."""


def load(voice: str, where: str, device: str, local_only: bool) -> VitsSpeaker:
    """The voice from a folder or the hub. Raises TaskFailed (model missing) with what to do."""
    from transformers import VitsModel, VitsTokenizer

    try:
        tokenizer = VitsTokenizer.from_pretrained(where, local_files_only=local_only)
        model: Any = VitsModel.from_pretrained(where, local_files_only=local_only)
    except (OSError, ValueError, TypeError) as wrong:  # the tokenizer opens None
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"The voice {voice} could not be loaded from {where}. Put its files into a folder of "
            "that name under REELYARD_MODELS_DIR, or allow the hub with REELYARD_ALLOW_HUB=1.",
            str(wrong),
        ) from None
    if tokenizer.phonemize:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"The voice {voice} reads phonemes of espeak-ng, which Reelyard does not carry. "
            "Choose a VITS voice that reads letters, such as the MMS ones.",
        )
    return VitsSpeaker(voice, model.to(device).eval(), tokenizer)


class VitsSpeaker:
    """A loaded VITS voice."""

    def __init__(self, voice: str, model: Any, tokenizer: Any) -> None:
        self._voice, self._tokenizer = voice, tokenizer
        self._model = _Model(model)
        self.sample_rate = self._model.tuning.sample_rate

    def speak(self, text: str, samples: int | None, seed: int) -> Spoken:
        """See `Speaker.speak`."""
        pieces = [self._piece(words) for words in _parts(text) if any(map(_has_letters, words))]
        if not pieces:
            raise nothing_to_say(text, self._voice)
        return dictate(self._model, text, pieces, samples, seed, lambda word: word)

    def _piece(self, words: list[str]) -> Piece:
        letters: list[str] = []
        places: list[tuple[str, int, int]] = []
        for word in words:
            known = self._letters(word)
            if letters and known and " " in self._tokenizer.encoder:
                letters.append(" ")
            if any(map(str.isalnum, known)):
                places.append((word, len(letters), len(letters) + len(known)))
            letters += known
        return self._with_blanks(letters, places)

    def _letters(self, word: str) -> str:
        known, _ = self._tokenizer.prepare_for_tokenization(word)
        kept = "".join(char for char in known if char in self._tokenizer.encoder)
        lost = _count_letters(kept) < _count_letters(word)
        if _has_letters(word) and (not kept or (lost and not self._tokenizer.is_uroman)):
            raise cannot_read(word, self._voice)
        return kept

    def _with_blanks(self, letters: list[str], places: list[tuple[str, int, int]]) -> Piece:
        ids = [self._tokenizer.encoder[char] for char in letters]
        if not self._tokenizer.add_blank:
            return Piece(tuple(ids), tuple(letters), tuple(places))
        spaced, chars = [0] * (2 * len(ids) + 1), [_BLANK] * (2 * len(ids) + 1)
        spaced[1::2], chars[1::2] = ids, letters
        doubled = [(word, 2 * first + 1, 2 * after) for word, first, after in places]
        return Piece(tuple(spaced), tuple(chars), tuple(doubled))


class _Model:
    """The network as an instrument."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.tuning = Tuning(
            sample_rate=int(model.config.sampling_rate),
            unit_samples=math.prod(model.config.upsample_rates),
        )

    def predict(self, piece: Piece, seed: int) -> NDArray[np.float64]:
        kept: list[torch.Tensor] = []

        def keep(log_durations: torch.Tensor) -> torch.Tensor:
            kept.append(log_durations)
            raise _Enough

        with suppress(_Enough):
            self._run(piece, seed, keep)
        units = torch.ceil(torch.exp(kept[0]).flatten()).double().cpu().numpy()
        return np.asarray(units, dtype=np.float64)

    def say(
        self, piece: Piece, predicted: NDArray[np.float64], units: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        def replace(log_durations: torch.Tensor) -> torch.Tensor:
            # the model takes ceil(exp(.)): half a unit below is safe from rounding
            wanted = torch.from_numpy(np.log(units - 0.5)).to(log_durations)
            return wanted.reshape(log_durations.shape)

        return self._run(piece, seed, replace)

    def _run(
        self, piece: Piece, seed: int, durations: Callable[[torch.Tensor], torch.Tensor]
    ) -> NDArray[np.float32]:
        ids = torch.tensor([piece.ids], device=self._model.device)
        with _hooked(self._model.duration_predictor, durations), torch.inference_mode():
            torch.manual_seed(seed)
            waveform = self._model(input_ids=ids).waveform
        return np.asarray(waveform[0].float().cpu().numpy(), dtype=np.float32)


@contextmanager
def _hooked(
    predictor: torch.nn.Module, durations: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    handle = predictor.register_forward_hook(lambda _module, _given, out: durations(out))
    try:
        yield
    finally:
        handle.remove()


def _parts(text: str) -> Iterator[list[str]]:
    """The words of every sentence, in runs of at most LONGEST characters."""
    for sentence in _SENTENCE.split(text.strip()):
        run: list[str] = []
        for word in sentence.split():
            if run and sum(map(len, run)) + len(run) + len(word) > LONGEST:
                yield run
                run = []
            run.append(word)
        if run:
            yield run


def _has_letters(word: str) -> bool:
    return any(map(str.isalnum, word))


def _count_letters(word: str) -> int:
    return sum(map(str.isalnum, word))
