"""The embedded English voice, dictated to: lengths to the sample and word times, on one CPU thread.

The model predicts whole units of 25 ms per phoneme. Two edits of its bytes (`graph`) let durations
be read out, planned (`durations`) and dictated back, and the model recomputes the prosody for them.
Tied to one version of the package: with any other one `load` gives the plain voice of `paced`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reelyard.failure import FailureKind
from worker.desk import TaskFailed
from worker.engines.voice import Speaker, Spoken
from worker.engines.voice.author import Heard, caption_words
from worker.engines.voice.durations import (
    SPEECH_BEFORE_STOP,
    STOPS,
    Fitting,
    Prediction,
    fit,
    split,
)
from worker.engines.voice.graph import OtherGraph, dictated
from worker.engines.voice.lines import Piece, Reader
from worker.engines.voice.paced import PacedSpeaker
from worker.media.tempo import Squeezed, sound_end, squeeze

VERSION: Final = "0.2.1"
MODEL_SHA256: Final = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
QUOTIENT: Final = "/Div_40_output_0"
RATE: Final = 24_000
UNIT_SAMPLES: Final = 600
UNIT_SECONDS: Final = UNIT_SAMPLES / RATE
LEAD_SECONDS: Final = 0.12
TAIL_SECONDS: Final = 0.20
SOUND_LEADS_TOKEN_UNITS: Final = 2
"""A phoneme is heard about 50 ms before its token begins."""


def load(voice: str) -> Speaker:
    """The voice, ready to speak. Raises TaskFailed (model missing) where it is not installed."""
    try:
        from hibari import Hibari
    except ImportError:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"the voice {voice} needs the package hibari-tts, which is not installed here. "
            'Install it with `pip install "reelyard[worker]"`.',
        ) from None
    package = Hibari(threads=1)
    reader = Reader(voice, package.g2p, package.vocab)
    onnx = Path(package.model_path).read_bytes()
    version = metadata.version("hibari-tts")
    if version == VERSION and hashlib.sha256(onnx).hexdigest() == MODEL_SHA256:
        try:
            return DictatedSpeaker(reader, _session(dictated(onnx, QUOTIENT)))
        except OtherGraph:
            pass
    note = (
        f"hibari-tts {version} is not the version that lengths can be dictated to ({VERSION}): "
        "pace and word times are estimates"
    )
    return PacedSpeaker(reader, package, note)


class DictatedSpeaker:
    """Plans every phoneme's length before there is any sound."""

    sample_rate = RATE

    def __init__(self, reader: Reader, session: Any) -> None:
        self._reader, self._session = reader, session

    def speak(self, text: str, samples: int | None, seed: int) -> Spoken:
        """See `Speaker.speak`."""
        pieces = self._reader.read(text, sentences(text))
        predicted = [self._predict(piece) for piece in pieces]
        wanted = None if samples is None else samples / RATE
        prediction = _prediction(pieces, predicted)
        fitting = fit(prediction, wanted)
        audio = self._render(pieces, predicted, fitting, np.random.default_rng(seed))
        fitted = Squeezed(audio, 1.0, 0) if samples is None else squeeze(audio, samples, RATE)
        heard = _heard(pieces, fitting, fitted)
        natural = len(audio) / RATE if samples is None else prediction.natural_seconds
        return Spoken(
            audio=fitted.audio,
            words=tuple(caption_words(text, heard, self._reader.normalised)),
            natural_seconds=natural,
            rate=fitting.rate * fitted.tempo,
            pause=fitting.pause,
            excess=fitted.excess,
        )

    def _predict(self, piece: Piece) -> NDArray[np.float64]:
        ones = np.ones(len(piece.ids))
        return np.asarray(self._run(piece, ones, [QUOTIENT])[0], dtype=np.float64).ravel()

    def _render(
        self,
        pieces: Sequence[Piece],
        predicted: Sequence[NDArray[np.float64]],
        fitting: Fitting,
        dice: np.random.Generator,
    ) -> NDArray[np.float32]:
        ends = np.cumsum([len(piece.ids) for piece in pieces])[:-1]
        planned = np.split(fitting.units, ends)
        rows = zip(pieces, predicted, planned, strict=True)
        return np.concatenate([self._say(piece, d, n, dice) for piece, d, n in rows])

    def _say(
        self,
        piece: Piece,
        predicted: NDArray[np.float64],
        units: NDArray[np.int64],
        dice: np.random.Generator,
    ) -> NDArray[np.float32]:
        from hibari import dsp

        *sound, quotient = self._run(piece, predicted / units, None)
        if not (np.round(quotient.ravel()) == units).all():
            raise RuntimeError("the voice did not take the durations it was given")
        audio = np.asarray(dsp.synth(*(part[0] for part in sound), dice), dtype=np.float32)
        if len(audio) != units.sum() * UNIT_SAMPLES:
            raise RuntimeError(f"the voice made {len(audio)} samples of {units.sum()} units")
        return audio

    def _run(
        self, piece: Piece, speed: NDArray[np.float64], outputs: list[str] | None
    ) -> list[Any]:
        feed = {"ids": np.array([piece.ids], np.int64), "speed": speed.astype(np.float32)}
        return list(self._session.run(outputs, feed))


def sentences(text: str) -> list[str]:
    """The text's sentences, by hibari's own rules."""
    from hibari import Hibari

    return list(Hibari.split_sentences(text))


def samples_of(frames: int, fps: int, rate: int) -> int:
    """How many samples lie under so many pictures."""
    return round(Fraction(frames, fps) * rate)


def _session(onnx: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # one thread: measured twice as fast for these short runs, and the same bits every time
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def _prediction(pieces: Sequence[Piece], predicted: Sequence[NDArray[np.float64]]) -> Prediction:
    """All pieces as one line: its two ends are fixed, the joins between are elastic silence."""
    parts = [split(d, piece.chars) for d, piece in zip(predicted, pieces, strict=True)]
    speech = np.concatenate([part[0] for part in parts])
    pause = np.concatenate([part[1] for part in parts])
    edge = np.zeros(len(speech))
    first = 0
    for piece in pieces:
        last = first + len(piece.ids) - 1
        pause[first], pause[last] = LEAD_SECONDS / UNIT_SECONDS, TAIL_SECONDS / UNIT_SECONDS
        first = last + 1
    for end in (0, -1):
        edge[end], pause[end] = pause[end], 0.0
    return Prediction(speech, pause, edge, UNIT_SECONDS)


def _heard(pieces: Sequence[Piece], fitting: Fitting, fitted: Squeezed) -> list[Heard]:
    """When every token is heard, in seconds from the start of the line."""
    starts = np.concatenate(([0], np.cumsum(fitting.units))) - SOUND_LEADS_TOKEN_UNITS
    last = sound_end(fitted.audio) / RATE
    heard, first = [], 0

    def at(unit: float) -> float:
        return min(max(unit, 0.0) * UNIT_SECONDS / fitted.tempo, last)

    for piece in pieces:
        for text, begin, end in piece.tokens:
            stop = float(starts[first + end])
            if piece.chars[min(end, len(piece.chars) - 1)] in STOPS:
                spoken = SPEECH_BEFORE_STOP / fitting.rate + SOUND_LEADS_TOKEN_UNITS
                stop = min(stop, float(starts[first + end - 1]) + spoken)
            heard.append(Heard(text, at(float(starts[first + begin])), at(stop)))
        first += len(piece.ids)
    return heard
