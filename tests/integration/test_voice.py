"""The embedded voice and a VITS one: lengths to the sample, every word of the author, none cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from reelyard.catalog import Catalog, Voice, load_catalog
from reelyard.failure import FailureKind
from reelyard.task import VoiceWork
from tests.support.desk import PlainDesk, plain_desk
from tests.support.tiny_voice import make_voice
from worker.desk import TaskFailed
from worker.engines.voice import Speaker, Spoken, hibari, vits
from worker.engines.voice.load import load_speaker
from worker.engines.voice.paced import PacedSpeaker
from worker.media.tempo import sound_end
from worker.steps import voice

LINES = (
    "At the edge of the hills stands a white lighthouse.",
    "All day long, red boats pass by, on their way across the sea.",
    "The lamp is 3.5 km away, said the keeper; it cost $3.2 billion on 10/12/2019.",
    "“Stop!” he cried — and then: silence.",
    "Sea",
)
RATE = hibari.TUNING.sample_rate


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """A tiny network: more threads would spend their time waiting for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def heart() -> Speaker:
    return hibari.load("heart")


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("voices") / "tiny")


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path) -> Speaker:
    return vits.load("tiny", str(tiny_folder), "cpu", local_only=True)


@pytest.fixture
def desk(tmp_path: Path, tiny_folder: Path) -> PlainDesk:
    built_in = load_catalog()
    tiny = Voice(
        id="tiny",
        name="Tiny",
        engine="vits",
        repo=str(tiny_folder),
        language="en",
        licence="Apache-2.0",
        memory_gib=0.1,
    )
    odd = tiny.model_copy(update={"id": "odd", "engine": "flute"})
    away = tiny.model_copy(update={"id": "away", "repo": "nobody/nowhere"})
    voices = {**built_in.voices, "tiny": tiny, "odd": odd, "away": away}
    return plain_desk(tmp_path, Catalog(models={}, voices=voices, styles={}))


def tell_the_author_s_words(spoken: Spoken, text: str) -> None:
    words, seconds = spoken.words, len(spoken.audio) / RATE
    assert " ".join(word.text for word in words) == text
    assert all(0 <= word.start <= word.end <= seconds for word in words)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(words))


@pytest.mark.parametrize("factor", [0.75, 0.9, 1.0, 1.25])
@pytest.mark.parametrize("text", LINES)
def test_a_line_is_exactly_as_long_as_asked(heart: Speaker, text: str, factor: float) -> None:
    natural = heart.speak(text, None, 0).natural_seconds
    samples = round(natural * factor * RATE)
    spoken = heart.speak(text, samples, 0)
    assert (len(spoken.audio), spoken.excess) == (samples, 0)
    assert spoken.natural_seconds == pytest.approx(natural, abs=0.06)
    assert sound_end(spoken.audio) > 0.4 * samples
    tell_the_author_s_words(spoken, text)


def test_dictated_durations_are_taken_token_by_token(heart: Any) -> None:
    (piece,) = heart._reader.read(LINES[0], [LINES[0]])
    model = heart._model
    predicted = model.predict(piece, 0)
    dice = np.random.default_rng(1)
    units = np.maximum(1, np.round(predicted)).astype(np.int64) + dice.integers(
        0, 3, len(predicted)
    )
    quotient = model._run(piece, predicted / units, [hibari.QUOTIENT])[0].ravel()
    assert (np.round(quotient) == units).all()
    assert len(model.say(piece, predicted, units, 0)) == units.sum() * hibari.TUNING.unit_samples


def test_what_does_not_fit_is_handed_back_whole_with_how_much_it_is_over(heart: Speaker) -> None:
    text = LINES[2]
    natural = heart.speak(text, None, 0)
    samples = round(0.6 * natural.natural_seconds * RATE)
    spoken = heart.speak(text, samples, 0)
    assert spoken.excess > 0
    assert len(spoken.audio) == samples + spoken.excess
    spoken_words, natural_words = ([word.text for word in s.words] for s in (spoken, natural))
    assert spoken_words == natural_words
    assert spoken.rate <= 1.15 * 1.12 + 1e-6
    # as much sound is left as that rate makes of the whole line: nothing is missing at the end
    tempo_alone = heart.speak(text, round(natural.natural_seconds * RATE * 0.74), 0)
    assert sound_end(spoken.audio) >= sound_end(tempo_alone.audio) / 1.13


def test_the_same_seed_says_the_same(heart: Speaker) -> None:
    first, second, other = (heart.speak(LINES[0], 90_000, seed).audio for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_long_text_is_said_piece_by_piece_and_is_exact(heart: Speaker) -> None:
    text = " ".join(LINES[:4] * 3)
    natural = heart.speak(text, None, 0)
    tell_the_author_s_words(natural, text)
    samples = round(0.9 * natural.natural_seconds * RATE)
    assert len(heart.speak(text, samples, 0).audio) == samples


def test_one_sentence_longer_than_the_model_sees_is_cut_at_clauses(heart: Any) -> None:
    text = ", ".join(["and a boat with a red sail went by the old lighthouse"] * 14) + "."
    pieces = heart._reader.read(text, [text])
    assert len(pieces) > 1
    assert all(len(piece.ids) <= 402 for piece in pieces)
    assert all("," in piece.chars[-4:] for piece in pieces[:-1])
    assert sum(len(piece.tokens) for piece in pieces) == len(text.split())
    tell_the_author_s_words(heart.speak(text, None, 0), text)


@pytest.mark.parametrize("text", ["", "   ", "…", "😀", "— ! ?"])
def test_a_text_without_a_word_is_refused(heart: Speaker, text: str) -> None:
    with pytest.raises(TaskFailed, match="no word in"):
        heart.speak(text, None, 0)


@pytest.mark.parametrize("text", ["你好世界", "Hello 你好", "Привет", "שלום everyone"])
def test_another_script_is_refused_and_named(heart: Speaker, text: str) -> None:
    with pytest.raises(TaskFailed, match="cannot read") as refused:
        heart.speak(text, None, 0)
    assert refused.value.failure.kind is FailureKind.BAD_INPUT


def test_one_word_without_a_stop_is_said(heart: Speaker) -> None:
    spoken = heart.speak("Lighthouse", None, 0)
    tell_the_author_s_words(spoken, "Lighthouse")
    assert 0.4 < len(spoken.audio) / RATE < 2
    assert len(heart.speak("Lighthouse", 10 * RATE, 0).audio) == 10 * RATE


def test_another_version_of_the_package_speaks_plainly_and_says_so() -> None:
    plain = hibari.load("heart", version="0.3.0")
    assert isinstance(plain, PacedSpeaker)
    natural = plain.speak(LINES[0], None, 0)
    for factor in (0.8, 1.0, 1.25):
        samples = round(factor * natural.natural_seconds * RATE)
        spoken = plain.speak(LINES[0], samples, 0)
        assert (len(spoken.audio), spoken.excess) == (samples, 0)
        tell_the_author_s_words(spoken, LINES[0])
        assert "0.3.0" in spoken.notes[0]


def test_other_bytes_are_not_dictated_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hibari, "MODEL_SHA256", "0" * 64)
    assert isinstance(hibari.load("heart"), PacedSpeaker)


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.0, 1.17])
def test_a_vits_voice_is_exact_too(tiny: Speaker, factor: float) -> None:
    text = "A red boat's sail, far out at sea."
    natural = tiny.speak(text, None, 0)
    assert len(natural.audio) % 256 == 0
    samples = round(factor * len(natural.audio))
    spoken = tiny.speak(text, samples, 0)
    assert len(spoken.audio) == samples + spoken.excess
    assert spoken.excess == 0 or factor < 1
    assert " ".join(word.text for word in spoken.words) == text
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(spoken.words))


def test_a_vits_voice_with_plain_durations_is_exact_too(tmp_path: Path) -> None:
    folder = make_voice(tmp_path / "plain", stochastic=False)
    plain = vits.load("plain", str(folder), "cpu", local_only=True)
    samples = len(plain.speak("far out at sea", None, 0).audio) - 2011
    assert len(plain.speak("far out at sea", samples, 0).audio) == samples


@pytest.mark.parametrize("text", ["über", "a 5", "你好"])
def test_a_word_that_a_vits_voice_has_no_letters_for_is_refused(tiny: Speaker, text: str) -> None:
    with pytest.raises(TaskFailed, match="cannot read"):
        tiny.speak(text, None, 0)


def test_a_voice_that_needs_phonemes_or_is_not_there_is_explained(tmp_path: Path) -> None:
    folder = make_voice(tmp_path / "phonemes", phonemize=True)
    for where, said in ((folder, "phonemes"), (tmp_path / "nowhere", "REELYARD_MODELS_DIR")):
        with pytest.raises(TaskFailed, match=said) as failed:
            vits.load("x", str(where), "cpu", local_only=True)
        assert failed.value.failure.kind is FailureKind.MODEL_MISSING


@pytest.mark.parametrize(("voice_id", "rate"), [("heart", RATE), ("tiny", 16_000)])
def test_the_step_stores_a_line_of_the_scene_s_length(
    desk: PlainDesk, voice_id: str, rate: int
) -> None:
    work = VoiceWork(text="a red boat far out at sea", voice=voice_id, fps=7, frames=37, seed=3)
    result = voice.run(work, desk)
    assert result.samples == round(37 * rate / 7)
    assert result.sample_rate == rate
    found = soundfile.info(desk.get(result.audio))
    assert (found.frames, found.samplerate, found.channels) == (result.samples, rate, 1)
    assert " ".join(word.text for word in result.words) == work.text
    assert [phase for phase, _, _ in desk.said] == ["load", "speak", "speak", "store"]
    assert voice.run(work, desk) == result


def test_the_step_says_it_when_a_line_is_too_long_or_mostly_silent(desk: PlainDesk) -> None:
    short = voice.run(VoiceWork(text=LINES[0], voice="heart", fps=12, frames=12), desk)
    assert short.overflow_seconds > 0
    assert short.samples == RATE + round(short.overflow_seconds * RATE)
    assert "nothing was cut" in short.notes[0]
    long = voice.run(VoiceWork(text="Sea.", voice="heart", fps=12, frames=120), desk)
    assert (long.samples, long.overflow_seconds) == (10 * RATE, 0)
    assert "the rest is silent" in long.notes[0]


@dataclass
class Mumbler:
    """A voice that knows no word times."""

    sample_rate: int = 8000

    def speak(self, text: str, samples: int | None, seed: int) -> Spoken:
        tone = 0.1 * np.sin(np.arange(8000) / 3).astype(np.float32)
        return Spoken(audio=tone, words=(), natural_seconds=1.0)


def test_a_voice_without_word_times_gets_them_by_letters(desk: PlainDesk) -> None:
    desk.held["heart"] = Mumbler()
    result = voice.run(VoiceWork(text="a sea", voice="heart", fps=12), desk)
    assert [word.text for word in result.words] == ["a", "sea"]
    times = [time for word in result.words for time in (word.start, word.end)]
    assert times == pytest.approx([0, 0.25, 0.25, 1], abs=0.01)
    assert "estimate" in result.notes[0]


@pytest.mark.parametrize(
    ("voice_id", "said"), [("nobody", "no voice 'nobody'"), ("odd", "flute"), ("away", "loaded")]
)
def test_a_voice_that_cannot_be_had_is_explained(desk: PlainDesk, voice_id: str, said: str) -> None:
    with pytest.raises(TaskFailed, match=said) as failed:
        voice.run(VoiceWork(text="Hello.", voice=voice_id, fps=12), desk)
    assert failed.value.failure.kind is FailureKind.MODEL_MISSING


def test_a_folder_of_models_is_looked_into(desk: PlainDesk, tiny_folder: Path) -> None:
    entry = desk.catalog.voices["tiny"].model_copy(update={"repo": "somebody/tiny"})
    settings = desk.settings.model_copy(update={"models_dir": tiny_folder.parent})
    assert load_speaker(entry, settings, "cpu").sample_rate == 16_000
