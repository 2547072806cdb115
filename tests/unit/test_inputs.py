"""What a task needs is put into its work: start pictures, clips, lines; a line is never cut."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.core.inputs import Made, complete, overflow_sentence
from reelyard.artifact import Artifact
from reelyard.task import ComposeWork, FilmScene, VideoResult, VideoWork, VoiceResult
from tests.support.core_values import film, line, shot

RATE = 24_000


def artifact(name: str) -> Artifact:
    return Artifact(name=name, media_type="x/y", size_bytes=1, sha256=f"{len(name) % 16:x}" * 64)


def clip(scene: int, frames: int, role: str = "video1", continues: bool = False) -> Made:
    name = f"{scene}-{role}"
    result = VideoResult(
        clip=artifact(name),
        last_frame=artifact(name + "-last"),
        thumbnail=artifact(name + "-small"),
        frames=frames,
    )
    return Made(f"job.{name}", scene, role, continues, result)


def spoken(scene: int, seconds: float) -> Made:
    return Made(f"job.{scene}.voice", scene, "voice", False, said(seconds))


def said(seconds: float) -> VoiceResult:
    samples = round(seconds * RATE)
    return VoiceResult(
        audio=artifact("line"),
        sample_rate=RATE,
        samples=samples,
        natural_seconds=seconds,
        words=(),
    )


def scene(frames: int = 0, **more: Any) -> FilmScene:
    return FilmScene(frames=frames, clips=(), **more)


def composed(scenes: tuple[FilmScene, ...], *made: Made) -> tuple[FilmScene, ...]:
    work = complete(film().model_copy(update={"scenes": scenes}), False, made)
    assert isinstance(work, ComposeWork)
    return work.scenes


def test_a_shot_that_continues_starts_from_the_last_picture_before_it() -> None:
    work = complete(shot(), True, [spoken(1, 2), clip(0, 49), clip(0, 49, "video2")])
    assert isinstance(work, VideoWork)
    assert work.start_image == artifact("0-video2-last")


def test_a_shot_that_does_not_continue_and_a_line_stay_as_they_are() -> None:
    assert complete(shot(), False, [clip(0, 49)]) == shot()
    assert complete(line(), False, []) == line()


def test_the_film_gets_the_clips_and_the_line_of_each_scene() -> None:
    one, two = composed((scene(36), scene(24)), clip(0, 37), spoken(0, 3.0), clip(1, 25))
    assert (one.frames, two.frames) == (36, 24)
    assert one.voice is not None and two.voice is None
    assert [c.frames for c in one.clips] == [37]


def test_a_free_scene_is_as_long_as_its_clips() -> None:
    (one,) = composed((scene(),), clip(0, 49), spoken(0, 4.0))
    assert one.frames == 49


def test_a_picture_that_two_shots_share_is_shown_once() -> None:
    shots = [clip(0, 49), clip(0, 49, "video2", True), clip(0, 49, "video3", True)]
    (one,) = composed((scene(),), *shots)
    assert [c.skip_frames for c in one.clips] == [0, 1, 1]
    assert one.frames == 3 * 49 - 2


def test_a_scene_that_continues_another_shows_its_first_picture() -> None:
    (_, two) = composed((scene(), scene()), clip(0, 49), clip(1, 49, continues=True))
    assert [c.skip_frames for c in two.clips] == [0]


@pytest.mark.parametrize(("seconds", "frames"), [(2.9, 36), (3.0, 36), (3.01, 37), (4.5, 54)])
def test_a_line_that_does_not_fit_lengthens_its_scene(seconds: float, frames: int) -> None:
    (one,) = composed((scene(36),), clip(0, 37), spoken(0, seconds))
    assert one.frames == frames
    assert one.voice is not None and one.voice.samples <= one.frames * RATE / 12


def test_a_crossfade_takes_at_most_a_third_of_its_scene() -> None:
    short, long = composed((scene(9, crossfade_frames=6), scene(90, crossfade_frames=6)))
    assert (short.crossfade_frames, long.crossfade_frames) == (3, 6)


def test_an_overflow_is_told_with_its_numbers() -> None:
    assert overflow_sentence(0, said(3.0), 36, 12) is None
    assert overflow_sentence(0, said(2.0), 36, 12) is None
    assert overflow_sentence(1, said(4.5), 36, 12) == (
        "scene 2: the line needs 4.5 s, the clip has 3.0 s; its last picture is held for 1.5 s"
    )
