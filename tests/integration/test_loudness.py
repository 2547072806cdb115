"""Sound in memory and as files: the meter, one gain, tempo, other rates, lines at their place."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.support.marked import marked_line
from tests.support.meter import lufs as other_lufs
from tests.support.meter import true_peak_db
from worker.media.filters import blocks, resample, through
from worker.media.loudness import CEILING_DB, Level, levelled, measure
from worker.media.sound import Line, TooLong, heard, place, publish
from worker.media.tempo import FASTEST, sound_end, squeeze
from worker.media.timeline import SAMPLE_RATE, lay_out

RATE = SAMPLE_RATE


def a_tone(hertz: float, seconds: float, peak: float, rate: int = RATE) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(peak * np.sin(2 * np.pi * hertz * t), dtype=np.float32)


def a_narration(seconds: float = 6.0) -> NDArray[np.float32]:
    """Lines with silence between them."""
    line = marked_line(round(seconds * 0.4 * RATE), RATE)
    line[0] = 0.2
    quiet = np.zeros(round(seconds * 0.1 * RATE), np.float32)
    return np.concatenate([line, quiet, line * np.float32(0.6), quiet])


def measured(audio: NDArray[np.float32]) -> Level:
    return measure(blocks(audio), RATE)


def read(path: Path) -> NDArray[np.float32]:
    return np.concatenate(list(heard(path)))


def test_two_meters_agree() -> None:
    for audio in (a_narration(), a_tone(300, 2, 0.1), 0.4 * a_narration(1.0)):
        level = measured(audio)
        assert level.lufs == pytest.approx(other_lufs(audio, RATE), abs=0.1)
        assert level.true_peak_db == pytest.approx(true_peak_db(audio), abs=0.3)


def test_the_meter_reads_what_the_standard_says() -> None:
    level = measured(a_tone(997, 10, 1.0))
    assert level.lufs == pytest.approx(-3.01, abs=0.05)  # BS.1770: 0 dBFS sine, one channel
    assert level.true_peak_db == pytest.approx(0, abs=0.05)


def test_a_true_peak_lies_between_samples() -> None:
    t = np.arange(RATE)
    wave = 0.9 * np.hanning(RATE) * np.sin(2 * np.pi * t / 4 + np.pi / 4)
    between = np.asarray(wave, dtype=np.float32)
    assert float(np.abs(between).max()) < 0.64
    peak = measured(between).true_peak_db
    assert peak == pytest.approx(20 * math.log10(0.9), abs=0.2)


@pytest.mark.parametrize("samples", [0, 1, 1000, RATE])
def test_silence_has_no_loudness_and_stays_silent(samples: int) -> None:
    silence = np.zeros(samples, np.float32)
    level = measured(silence)
    assert (level.lufs, level.true_peak_db) == (None, None)
    assert not levelled(silence, RATE, -16).any()


@pytest.mark.parametrize("lufs", [-16.0, -20.0, -23.0])
@pytest.mark.parametrize("gain", [0.2, 0.5, 1.0])
def test_one_gain_reaches_the_loudness_and_no_peak_passes_the_ceiling(
    lufs: float, gain: float
) -> None:
    quiet = a_narration() * np.float32(gain)
    loud = levelled(quiet, RATE, lufs)
    level = measured(loud)
    assert len(loud) == len(quiet)
    assert level.lufs == pytest.approx(lufs, abs=0.5)
    assert level.true_peak_db is not None
    assert level.true_peak_db <= CEILING_DB + 0.3


def test_lines_keep_their_places_and_their_proportions() -> None:
    before = a_narration()
    after = levelled(before, RATE, -20)
    heard = np.abs(before) > 0.02
    gains = after[heard] / before[heard]
    assert np.percentile(gains, 90) / np.percentile(gains, 10) < 1.15


def test_what_is_published_is_measured_as_it_will_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    told: list[bool] = []
    level = publish(a_narration(), -16, path, lambda: told.append(True))
    decoded = measured(read(path))
    assert level == decoded
    assert level.lufs == pytest.approx(-16, abs=1)
    assert told


def test_peaks_that_coding_adds_are_taken_down_again(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    bursts = dice.normal(0, 1, 4 * RATE) * (np.arange(4 * RATE) % 4800 < 96)
    level = publish(np.asarray(0.9 * bursts, np.float32), -12, tmp_path / "s.m4a", lambda: None)
    assert level.true_peak_db is not None
    assert level.true_peak_db <= -1


def test_a_film_s_sound_has_its_length_to_the_sample(tmp_path: Path) -> None:
    for samples in (1, 1023, 1024, 48_001, 96_500):
        path = tmp_path / f"{samples}.m4a"
        publish(np.zeros(samples, np.float32), -16, path, lambda: None)
        assert 0 <= len(read(path)) - samples < 1024


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_another_rate_moves_no_sample(rate: int) -> None:
    click = np.zeros(rate, np.float32)
    places = [0, rate // 3, rate - 2000]
    click[places] = 0.9
    there = resample(click, rate, RATE, RATE)
    assert len(there) == RATE
    for sample in places:
        expected = round(sample * RATE / rate)
        near = max(0, expected - 100)
        assert near + int(np.argmax(np.abs(there[near : expected + 100]))) == expected


def a_file(path: Path, samples: int, rate: int) -> Path:
    soundfile.write(path, marked_line(samples, rate), rate, subtype="PCM_16")
    return path


def test_lines_start_on_their_scene_s_sample_and_silence_is_between(tmp_path: Path) -> None:
    timeline = lay_out([7, 11, 5], 7)
    line = a_file(tmp_path / "line.wav", 8000, 16_000)
    sound = place([Line(1, line), Line(2, line)], timeline)
    assert len(sound) == timeline.samples
    assert not sound[: timeline.slots[1].first_sample].any()
    for slot in timeline.slots[1:]:
        assert int(np.argmax(np.abs(sound[slot.first_sample :][:600]))) == 0
        assert not sound[slot.first_sample + RATE // 2 + 1 : slot.last_sample].any()


def test_a_rounded_length_fits_and_one_that_is_really_longer_does_not(tmp_path: Path) -> None:
    timeline = lay_out([7, 7], 7)
    assert place([Line(0, a_file(tmp_path / "a.wav", 16_001, 16_000))], timeline).any()
    with pytest.raises(TooLong, match="never cut"):
        place([Line(1, a_file(tmp_path / "b.wav", 16_010, 16_000))], timeline)


@pytest.mark.parametrize("samples", [20_000, 40_000, 60_000])
def test_silence_after_a_line_comes_and_goes(samples: int) -> None:
    line = np.concatenate([a_tone(200, 0.4, 0.3), np.zeros(20_000, np.float32)])
    squeezed = squeeze(line, samples, RATE)
    assert (len(squeezed.audio), squeezed.tempo, squeezed.excess) == (samples, 1.0, 0)
    assert np.array_equal(squeezed.audio[:19_200], line[:19_200])


@pytest.mark.parametrize("factor", [1.02, 1.05, 1.1])
def test_tempo_takes_what_silence_cannot(factor: float) -> None:
    line = a_tone(200, 3, 0.3)
    samples = round(len(line) / factor)
    squeezed = squeeze(line, samples, RATE)
    assert (len(squeezed.audio), squeezed.excess) == (samples, 0)
    assert 1 < squeezed.tempo <= FASTEST
    assert sound_end(squeezed.audio) > 0.98 * samples


def test_beyond_the_fastest_tempo_nothing_is_cut() -> None:
    line = a_tone(200, 3, 0.3)
    squeezed = squeeze(line, len(line) // 2, RATE)
    assert squeezed.tempo == FASTEST
    assert len(squeezed.audio) == len(line) // 2 + squeezed.excess
    assert len(squeezed.audio) == pytest.approx(len(line) / FASTEST, rel=0.02)
    assert sound_end(squeezed.audio) > 0.99 * len(squeezed.audio)


def test_a_chain_of_filters_keeps_the_sound() -> None:
    tone = a_tone(440, 1, 0.5)
    louder = through(tone, RATE, [("volume", "2.0")])
    np.testing.assert_allclose(louder, 2 * tone, atol=1e-6)
    assert len(through(np.zeros(0, np.float32), RATE, [("volume", "2.0")])) == 0
