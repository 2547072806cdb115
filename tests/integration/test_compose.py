"""Marked scenes become a film, and the film is decoded: every picture is the one that it should be,
every line starts on its scene's first sample."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from reelyard.failure import FailureKind
from reelyard.task import Clip, ComposeWork, FilmResult, FilmScene, VoiceResult, Word
from tests.support.desk import PlainDesk, plain_desk
from tests.support.films import Decoded, decode, drift, heard_at, pictures, seen_at, silent_between
from tests.support.marked import (
    HEIGHT,
    WIDTH,
    clicks,
    is_flash,
    marked_clip,
    marked_voice,
    read_mark,
)
from tests.support.meter import lufs, true_peak_db
from worker.desk import Stopped, TaskFailed
from worker.steps import compose

RATE = 48_000
FADE = 5
WORDS = (
    Word(text="Said:", start=0.10, end=0.40),
    Word(text="<one>", start=0.45, end=0.70),
    Word(text="C:\\new", start=0.75, end=0.95),
)


@pytest.fixture
def desk(tmp_path: Path) -> PlainDesk:
    return plain_desk(tmp_path)


@dataclass(frozen=True)
class Film:
    """A composed film, and what it was composed of."""

    work: ComposeWork
    result: FilmResult
    seen: Decoded
    vtt: str

    @property
    def starts(self) -> list[int]:
        """Each scene's first frame."""
        lengths = [scene.frames for scene in self.work.scenes]
        return [sum(lengths[:k]) for k in range(len(lengths))]

    def sample(self, scene: int) -> int:
        """Each scene's first sample."""
        return round(Fraction(self.starts[scene] * RATE, self.work.fps))

    def spoken(self) -> list[int]:
        """The scenes with a line."""
        return [k for k, scene in enumerate(self.work.scenes) if scene.voice]


def make(desk: PlainDesk, work: ComposeWork) -> Film:
    result = compose.run(work, desk)
    vtt = desk.get(result.subtitles).read_text() if result.subtitles else ""
    return Film(work, result, decode(desk.get(result.film)), vtt)


def a_work(scenes: list[FilmScene], fps: int, **changes: object) -> ComposeWork:
    plain = ComposeWork(
        title="Marked scenes", width=WIDTH, height=HEIGHT, fps=fps, scenes=tuple(scenes)
    )
    return plain.model_copy(update=changes)


def a_scene(desk: PlainDesk, scene: int, frames: int, fps: int, **changes: object) -> FilmScene:
    made = FilmScene(frames=frames, clips=(marked_clip(desk, scene, frames, fps),))
    return made.model_copy(update=changes)


def filling(frames: int, fps: int, rate: int) -> int:
    """The samples of a line that fills its scene, as the voice step rounds them."""
    return round(Fraction(frames * rate, fps))


@pytest.fixture(params=[7, 12, 16, 24, 25, 30])
def five(request: pytest.FixtureRequest, desk: PlainDesk) -> Film:
    """Odd lengths; voices of four rates; a silent scene; a crossfade; lines that fill their scene
    to the last sample; a line that does not; a clip that is longer and one that is shorter."""
    fps = int(request.param)
    voices = [
        marked_voice(desk, filling(49, fps, 24_000), 24_000, WORDS, seed=0),
        marked_voice(desk, filling(37, fps, 22_050), 22_050, WORDS, seed=1),
        None,
        marked_voice(desk, filling(81, fps, 16_000), 16_000, WORDS, seed=3),
        marked_voice(desk, filling(20, fps, 48_000), 48_000, WORDS, seed=4),
    ]
    clips = [marked_clip(desk, scene, n, fps) for scene, n in enumerate([49, 41, 21, 81, 30])]
    lengths, fades = [49, 37, 21, 81, 33], [0, 0, 0, FADE, 0]
    scenes = [
        FilmScene(frames=frames, clips=(clip,), voice=voice, crossfade_frames=fade)
        for frames, clip, voice, fade in zip(lengths, clips, voices, fades, strict=True)
    ]
    return make(desk, a_work(scenes, fps))


def test_picture_sound_and_words_are_where_they_should_be(five: Film) -> None:
    every_picture_is_the_right_one(five)
    every_line_starts_on_its_sample(five)
    the_file_says_what_it_is(five)
    the_words_are_shown_when_they_are_heard(five)
    it_is_as_loud_as_promised(five)


def every_picture_is_the_right_one(film: Film) -> None:
    held = {4: 30}  # the last scene's clip is shorter: its last picture stands still
    expected = [
        (scene, min(number, held.get(scene, frames) - 1))
        for scene, frames in enumerate([49, 37, 21, 81, 33])
        for number in range(frames)
    ]
    fading = range(film.starts[3], film.starts[3] + FADE)
    for index, picture in enumerate(film.seen.frames):
        if index not in fading:
            assert read_mark(picture) == expected[index], index
    assert len(film.seen.frames) == len(expected) == film.result.frames
    assert film.seen.frame_times == tuple(
        Fraction(index, film.work.fps) for index in range(len(expected))
    )
    flashes = [index for index, picture in enumerate(film.seen.frames) if is_flash(picture)]
    assert flashes == [film.starts[k] for k in (0, 1, 2, 4)]
    the_crossfade_lies_inside_the_scene(film)


def the_crossfade_lies_inside_the_scene(film: Film) -> None:
    start = film.starts[3]
    before = film.seen.frames[start - 1, 8:24].mean(axis=(0, 1))
    after = film.seen.frames[start + FADE + 1, 8:24].mean(axis=(0, 1))
    for index in range(1, FADE):  # the first one is mixed with the flash
        share = (index + 1) / (FADE + 1)
        mixed = film.seen.frames[start + index, 8:24].mean(axis=(0, 1))
        np.testing.assert_allclose(mixed, before * (1 - share) + after * share, atol=4)


def every_line_starts_on_its_sample(film: Film) -> None:
    places = [film.sample(scene) for scene in film.spoken()]
    rates = [_voice(film.work.scenes[scene]).sample_rate for scene in film.spoken()]
    assert clicks(film.seen.sound, places, rates) == [0] * len(places)
    assert film.seen.sound_starts == 0
    samples = round(Fraction(film.result.frames * RATE, film.work.fps))
    assert film.seen.sound_seconds == Fraction(samples, RATE)
    assert 0 <= len(film.seen.sound) - samples < 1024  # AAC comes in blocks of 1024
    unspoken = film.sample(4) + round(Fraction(20 * RATE, film.work.fps))
    assert silent_between(film.seen, [(film.sample(2), film.sample(3)), (unspoken, samples)])


def the_file_says_what_it_is(film: Film) -> None:
    seen = film.seen
    assert (seen.video_codec, seen.audio_codec, seen.sample_rate) == ("h264", "aac", RATE)
    assert seen.is_bt709
    assert (seen.fps, seen.title, seen.language) == (film.work.fps, "Marked scenes", "eng")
    assert film.result.seconds == film.result.frames / film.work.fps


def the_words_are_shown_when_they_are_heard(film: Film) -> None:
    assert film.seen.subtitles == ("Said: <one> C:\\new",) * 4
    starts = [round(film.starts[k] / film.work.fps * 1000 + 100) for k in film.spoken()]
    assert [shown.start_ms for shown in film.seen.shown] == pytest.approx(starts, abs=1)
    assert [(shown.start_ms, shown.end_ms) for shown in film.seen.shown] == times_of(film.vtt)
    assert times_of(film.vtt)[-1][1] <= film.result.seconds * 1000
    assert film.vtt.count("Said: &lt;one&gt; C:\\new") == 4


def it_is_as_loud_as_promised(film: Film) -> None:
    loudness, peak = lufs(film.seen.sound, RATE), true_peak_db(film.seen.sound)
    assert loudness == pytest.approx(-16, abs=1)
    assert peak <= -1
    assert film.result.lufs == pytest.approx(loudness, abs=0.1)
    assert film.result.true_peak_db == pytest.approx(peak, abs=1)  # clicks: no two meters agree


def times_of(vtt: str) -> list[tuple[int, int]]:
    stamp = r"(\d\d):(\d\d):(\d\d)\.(\d\d\d)"
    return [(ms(*found[:4]), ms(*found[4:])) for found in re.findall(f"{stamp} --> {stamp}", vtt)]


def ms(hours: str, minutes: str, seconds: str, milliseconds: str) -> int:
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(milliseconds)


def test_shots_and_lines_can_be_found_in_a_film_without_knowing_where(desk: PlainDesk) -> None:
    scenes = [
        a_scene(desk, k, frames, 16, voice=marked_voice(desk, frames * 1500, 24_000, seed=k))
        for k, frames in enumerate([49, 33, 41])
    ]
    film = make(desk, a_work(scenes, 16))
    for number, scene in enumerate(scenes):
        clip, line = desk.get(scene.clips[0].artifact), desk.get(_voice(scene).audio)
        assert seen_at(film.seen, pictures(clip)) == film.starts[number]
        assert heard_at(film.seen, *soundfile.read(line)) == film.sample(number)
        assert drift(film.seen, clip, line) == 0


def _voice(scene: FilmScene) -> VoiceResult:
    assert scene.voice is not None
    return scene.voice


def test_shots_of_a_scene_join_and_a_continuing_one_skips_what_it_repeats(
    desk: PlainDesk,
) -> None:
    first = marked_clip(desk, 0, 9, 12)
    again = marked_clip(desk, 1, 9, 12).model_copy(update={"skip_frames": 1})
    film = make(desk, a_work([FilmScene(frames=15, clips=(first, again))], 12))
    marks = [read_mark(picture) for picture in film.seen.frames]
    assert marks == [(0, n) for n in range(9)] + [(1, n) for n in range(1, 7)]


@pytest.mark.parametrize("encoder", ["libx264", "libvpx-vp9", "libsvtav1"])
def test_every_encoder_makes_an_exact_film(desk: PlainDesk, encoder: str) -> None:
    voice = marked_voice(desk, 13_000, 24_000, WORDS)
    scenes = [a_scene(desk, 0, 25, 24), a_scene(desk, 1, 29, 24, voice=voice)]
    film = make(desk, a_work(scenes, 24, encoder=encoder))
    marks = [read_mark(picture) for picture in film.seen.frames]
    assert marks == [(0, n) for n in range(25)] + [(1, n) for n in range(29)]
    assert clicks(film.seen.sound, [50_000], [24_000]) == [0]
    assert film.seen.is_bt709
    assert film.seen.subtitles == ("Said: <one> C:\\new",)


def test_a_silent_film_has_a_silent_track_and_no_subtitles(desk: PlainDesk) -> None:
    film = make(desk, a_work([a_scene(desk, 0, 13, 12)], 12))
    assert film.result.subtitles is None
    assert (film.result.lufs, film.result.true_peak_db) == (None, None)
    assert film.seen.sound_seconds == Fraction(13, 12)
    assert not film.seen.sound.any()
    assert film.seen.shown == ()


def test_odd_sides_become_even_and_clips_of_another_size_fill_the_picture(
    desk: PlainDesk,
) -> None:
    clips = [marked_clip(desk, k, 5, 12, size) for k, size in enumerate([(127, 63), (256, 64)])]
    scenes = [FilmScene(frames=5, clips=(clip,)) for clip in clips]
    film = make(desk, a_work(scenes, 12, width=127, height=63))
    assert film.seen.frames.shape == (10, 64, 128, 3)
    assert read_mark(film.seen.frames[3]) == (0, 3)
    assert is_flash(film.seen.frames[5])


def test_poster_and_sheet_show_the_scenes(desk: PlainDesk) -> None:
    scenes = [a_scene(desk, k, 7, 12) for k in range(7)]
    result = compose.run(a_work(scenes, 12), desk)
    with Image.open(desk.get(result.poster)) as poster:
        assert poster.size == (WIDTH, HEIGHT)
    with Image.open(desk.get(result.sheet)) as sheet:
        assert sheet.size == (4 * (WIDTH + 12) + 12, 2 * (HEIGHT + 12) + 12)
        cell = np.asarray(sheet)[12 + HEIGHT + 12 :][:HEIGHT, 12:][:, :WIDTH]
    assert read_mark(cell) == (4, 3)  # the second row begins with the fifth scene, at its middle


def test_files_are_named_after_the_title(desk: PlainDesk) -> None:
    voice = marked_voice(desk, 24_000, 24_000, WORDS)
    scenes = [a_scene(desk, 0, 13, 12, voice=voice)]
    result = compose.run(a_work(scenes, 12, title="L'été: Ünder / the sea!"), desk)
    assert result.subtitles is not None
    named = (result.film.name, result.poster.name, result.sheet.name, result.subtitles.name)
    assert named == (
        "l-ete-under-the-sea.mp4",
        "l-ete-under-the-sea.jpg",
        "l-ete-under-the-sea-sheet.jpg",
        "l-ete-under-the-sea.vtt",
    )
    assert compose.run(a_work(scenes, 12, title="海"), desk).film.name == "film.mp4"


def test_the_same_work_makes_the_same_film(desk: PlainDesk) -> None:
    scenes = [a_scene(desk, 0, 13, 12, voice=marked_voice(desk, 20_000, 24_000, WORDS))]
    first, second = (compose.run(a_work(scenes, 12), desk) for _ in range(2))
    assert first == second


def test_it_tells_how_far_it_is(desk: PlainDesk) -> None:
    compose.run(a_work([a_scene(desk, 0, 13, 12)], 12), desk)
    phases = list(dict.fromkeys(phase for phase, _, _ in desk.said))
    assert phases == ["fetch", "sound", "mux", "store"]
    assert [said for said in desk.said if said[0] == "mux"] == [
        ("mux", frame, 13) for frame in range(14)
    ]


@pytest.mark.parametrize("stop", [("fetch", 0), ("sound", 0), ("mux", 6), ("store", 0)])
def test_it_stops_between_two_frames(desk: PlainDesk, stop: tuple[str, int]) -> None:
    work = a_work([a_scene(desk, 0, 13, 12)], 12)
    desk.stop_at = stop
    with pytest.raises(Stopped):
        compose.run(work, desk)
    assert desk.said[-1][:2] == stop


def test_what_a_person_should_know_is_noted(desk: PlainDesk) -> None:
    wordless = marked_voice(desk, 20_000, 24_000)
    scenes = [
        a_scene(desk, 0, 13, 12).model_copy(update={"frames": 25}),
        a_scene(desk, 1, 13, 12, voice=wordless),
    ]
    notes = compose.run(a_work(scenes, 12), desk).notes
    assert "scene 1: its last picture is held for 1.0 s" in notes[0]
    assert "scene 2: no subtitles" in notes[1]


def refused(desk: PlainDesk, work: ComposeWork) -> tuple[FailureKind, str]:
    with pytest.raises(TaskFailed) as failed:
        compose.run(work, desk)
    return failed.value.failure.kind, failed.value.failure.sentence


def test_a_film_without_scenes_is_refused(desk: PlainDesk) -> None:
    kind, sentence = refused(desk, a_work([], 12))
    assert kind is FailureKind.BAD_INPUT
    assert "needs a scene" in sentence


def test_a_scene_without_clips_or_frames_is_refused(desk: PlainDesk) -> None:
    whole = a_scene(desk, 0, 5, 12)
    for broken in (FilmScene(frames=5, clips=()), whole.model_copy(update={"frames": 0})):
        kind, sentence = refused(desk, a_work([whole, broken], 12))
        assert kind is FailureKind.BAD_INPUT
        assert "Scene 2" in sentence


def test_an_unknown_encoder_is_refused_with_those_there_are(desk: PlainDesk) -> None:
    kind, sentence = refused(desk, a_work([a_scene(desk, 0, 5, 12)], 12, encoder="libx266"))
    assert kind is FailureKind.BAD_INPUT
    assert "libx266" in sentence
    assert "libvpx-vp9" in sentence


def test_a_line_that_is_longer_than_its_scene_is_refused_and_not_cut(desk: PlainDesk) -> None:
    scene = a_scene(desk, 1, 12, 12, voice=marked_voice(desk, 24_100, 24_000))
    kind, sentence = refused(desk, a_work([a_scene(desk, 0, 5, 12), scene], 12))
    assert kind is FailureKind.BAD_INPUT
    assert "scene 2 is 1.004 s long and its scene 1.000 s" in sentence


def test_a_missing_artifact_is_named(desk: PlainDesk) -> None:
    scene = a_scene(desk, 0, 5, 12)
    gone = scene.clips[0].artifact.model_copy(update={"sha256": "0" * 64, "name": "gone.mp4"})
    clip = scene.clips[0].model_copy(update={"artifact": gone})
    kind, sentence = refused(desk, a_work([scene, scene.model_copy(update={"clips": (clip,)})], 12))
    assert kind is FailureKind.UNKNOWN
    assert "gone.mp4 of scene 2" in sentence


def a_damaged_clip(desk: PlainDesk, data: bytes) -> Clip:
    path = desk.folder / "damaged.mp4"
    path.write_bytes(data)
    return Clip(artifact=desk.store.put(path, path.name, "video/mp4"), frames=5)


def test_a_damaged_clip_is_named(desk: PlainDesk) -> None:
    whole = a_scene(desk, 0, 5, 12)
    half = desk.get(whole.clips[0].artifact).read_bytes()[:-200]
    for data in (b"", b"no clip at all", half[: len(half) // 2]):
        scene = FilmScene(frames=5, clips=(a_damaged_clip(desk, data),))
        kind, sentence = refused(desk, a_work([whole, scene], 12))
        assert kind is FailureKind.BAD_INPUT
        assert "scene 2" in sentence


def a_damaged_voice(desk: PlainDesk) -> VoiceResult:
    path = desk.folder / "damaged.wav"
    path.write_bytes(b"RIFF no sound at all")
    whole = marked_voice(desk, 2400, 24_000)
    return whole.model_copy(update={"audio": desk.store.put(path, path.name, "audio/wav")})


def test_a_damaged_line_is_refused(desk: PlainDesk) -> None:
    kind, sentence = refused(
        desk, a_work([a_scene(desk, 0, 5, 12, voice=a_damaged_voice(desk))], 12)
    )
    assert kind is FailureKind.BAD_INPUT
    assert "Submit the storyboard again" in sentence
