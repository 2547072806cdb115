"""Say one line: a voice of the catalog speaks it, the sound goes to the store with its word times.

The sound keeps its natural loudness: the film gets one gain, at compose.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from reelyard.catalog import Voice
from reelyard.failure import FailureKind
from reelyard.task import VoiceResult, VoiceWork, Word
from worker.desk import Desk, TaskFailed
from worker.engines.voice import Speaker, Spoken
from worker.engines.voice.author import shared_out
from worker.engines.voice.load import load_speaker
from worker.media.tempo import sound_end

_MOSTLY_SILENT: Final = 0.5
_FULL_SCALE: Final = 0.99


def run(work: VoiceWork, desk: Desk) -> VoiceResult:
    """Speak at natural length, or in exactly `frames / fps` seconds. Raises TaskFailed."""
    # 1. Have the voice at hand.
    voice = _voice(work.voice, desk)
    desk.report("load")
    speaker = _speaker(voice, desk)

    # 2. Say it.
    desk.report("speak", 0, 1)
    spoken = speaker.speak(work.text, _samples(work, speaker.sample_rate), work.seed)
    desk.report("speak", 1, 1)

    # 3. Keep it.
    path = desk.folder / "line.wav"
    soundfile.write(path, _within_scale(spoken.audio), speaker.sample_rate, subtype="PCM_16")
    desk.report("store")
    return VoiceResult(
        audio=desk.store.put(path, "line.wav", "audio/wav"),
        sample_rate=speaker.sample_rate,
        samples=len(spoken.audio),
        natural_seconds=spoken.natural_seconds,
        words=_words(work.text, spoken, speaker.sample_rate),
        rate=round(spoken.rate, 4),
        pause=round(spoken.pause, 4),
        overflow_seconds=spoken.excess / speaker.sample_rate,
        notes=tuple(_notes(spoken, speaker.sample_rate)),
    )


def preload(voice_id: str, desk: Desk) -> None:
    """Have the voice in memory. Raises TaskFailed."""
    _speaker(_voice(voice_id, desk), desk)


def _speaker(voice: Voice, desk: Desk) -> Speaker:
    return desk.resident(voice.id, lambda: load_speaker(voice, desk.settings, desk.device_id))


def _voice(voice_id: str, desk: Desk) -> Voice:
    voice = desk.catalog.voices.get(voice_id)
    if voice is None:
        known = ", ".join(sorted(desk.catalog.voices))
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"This worker's catalog has no voice {voice_id!r}. Choose one of: {known}.",
        )
    return voice


def _samples(work: VoiceWork, rate: int) -> int | None:
    return None if work.frames is None else round(Fraction(work.frames, work.fps) * rate)


def _words(text: str, spoken: Spoken, rate: int) -> tuple[Word, ...]:
    """The voice's own times; where it has none, the letters share out what is heard."""
    return spoken.words or tuple(shared_out(text, 0.0, sound_end(spoken.audio) / rate))


def _within_scale(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turned down when it would clip, as a whole: a file of integers has no room above 1."""
    peak = float(np.abs(audio).max(initial=0.0))
    return audio if peak <= _FULL_SCALE else audio * np.float32(_FULL_SCALE / peak)


def _notes(spoken: Spoken, rate: int) -> list[str]:
    notes = list(spoken.notes)
    seconds, heard = len(spoken.audio) / rate, sound_end(spoken.audio) / rate
    if not spoken.words:
        notes.append("this voice tells no word times: subtitles are an estimate")
    if spoken.excess:
        notes.append(
            f"the line is {spoken.excess / rate:.2f} s too long for its scene even at the fastest "
            "pace: nothing was cut"
        )
    elif heard < seconds * _MOSTLY_SILENT:
        notes.append(f"the line is said in {heard:.1f} s of {seconds:.1f} s: the rest is silent")
    return notes
