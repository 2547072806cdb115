"""The embedded English voice, dictated to: lengths to the sample and word times, on one CPU thread.

The model predicts whole units of 25 ms per phoneme. Two edits of its bytes (`graph`) let durations
be read out, planned (`durations`) and dictated back, and the model recomputes the prosody for them.
Tied to one version of the package: with any other one `load` gives the plain voice of `paced`.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reelyard.failure import FailureKind
from worker.desk import TaskFailed
from worker.engines.voice import Speaker, Spoken
from worker.engines.voice.dictation import Piece, Tuning, dictate
from worker.engines.voice.graph import OtherGraph, dictated
from worker.engines.voice.lines import Reader
from worker.engines.voice.paced import PacedSpeaker

VERSION: Final = "0.2.1"
MODEL_SHA256: Final = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
QUOTIENT: Final = "/Div_40_output_0"
TUNING: Final = Tuning(
    sample_rate=24_000, unit_samples=600, lead_units=2, head_seconds=0.12, tail_seconds=0.20
)


def load(voice: str, version: str | None = None) -> Speaker:
    """The voice, ready to speak. Raises TaskFailed (model missing) where it is not installed.

    `version` stands in for the installed package's.
    """
    try:
        from hibari import Hibari
    except ImportError:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"The voice {voice} needs the package hibari-tts, which is not installed here. "
            'Install it with `pip install "reelyard[worker]"`.',
        ) from None
    package = Hibari(threads=1)
    reader = Reader(voice, package.g2p, package.vocab)
    version = version or metadata.version("hibari-tts")
    try:
        model = _session(_edited(Path(package.model_path).read_bytes(), version))
        return HibariSpeaker(reader, package, _Model(model))
    except OtherGraph:
        note = (
            f"hibari-tts {version} is not the one that lengths can be dictated to ({VERSION}): "
            "pace and word times are estimates"
        )
        return PacedSpeaker(reader, package, note)


class HibariSpeaker:
    """Plans every phoneme's length before there is any sound."""

    sample_rate = TUNING.sample_rate

    def __init__(self, reader: Reader, package: Any, model: _Model) -> None:
        self._reader, self._package, self._model = reader, package, model

    def speak(self, text: str, samples: int | None, seed: int) -> Spoken:
        """See `Speaker.speak`."""
        pieces = self._reader.read(text, self._package.split_sentences(text))
        return dictate(self._model, text, pieces, samples, seed, self._reader.normalised)


class _Model:
    """The edited graph as an instrument."""

    tuning = TUNING

    def __init__(self, session: Any) -> None:
        self._session = session

    def predict(self, piece: Piece, seed: int) -> NDArray[np.float64]:
        found = self._run(piece, np.ones(len(piece.ids)), [QUOTIENT])[0]
        return np.asarray(found, dtype=np.float64).ravel()

    def say(
        self, piece: Piece, predicted: NDArray[np.float64], units: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        from hibari import dsp

        *sound, quotient = self._run(piece, predicted / units, None)
        if not (np.round(quotient.ravel()) == units).all():
            raise RuntimeError("the voice did not take the durations it was given")
        audio = dsp.synth(*(part[0] for part in sound), np.random.default_rng(seed))
        return np.asarray(audio, dtype=np.float32)

    def _run(
        self, piece: Piece, speed: NDArray[np.float64], outputs: list[str] | None
    ) -> list[Any]:
        feed = {"ids": np.array([piece.ids], np.int64), "speed": speed.astype(np.float32)}
        return list(self._session.run(outputs, feed))


def _edited(onnx: bytes, version: str) -> bytes:
    """The graph that takes durations. Raises OtherGraph for any other model than the known one."""
    if version != VERSION or hashlib.sha256(onnx).hexdigest() != MODEL_SHA256:
        raise OtherGraph
    return dictated(onnx, QUOTIENT)


def _session(onnx: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # one thread: measured twice as fast for such short runs, and the same bits every time
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
