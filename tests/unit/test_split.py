"""From a storyboard to tasks: who needs whom, how long each shot is, what a free scene becomes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.core.split import NewTask, shape_of, split, unfold
from reelyard.shots import fixed_frames, narration_seconds, shot_frames
from reelyard.states import TaskKind
from reelyard.storyboard import Scene, Storyboard
from reelyard.task import ComposeWork, VideoWork, VoiceWork
from tests.support.core_values import CATALOG, DEMO, SMALL, film, line, shot

MODEL = CATALOG.models[DEMO]  # continues from a picture
PLAIN = CATALOG.models[SMALL]  # does not
SPOKEN = {"picture": "a red circle", "say": "Hello there."}
SILENT = {"picture": "a blue square", "seconds": 3.0}


def tasks_of(*scenes: dict[str, Any], **more: Any) -> dict[str, NewTask]:
    board = Storyboard.model_validate({"scenes": scenes, **more})
    return {t.id.removeprefix("job."): t for t in split("job", board, CATALOG, "libx264")}


def video(task: NewTask) -> VideoWork:
    assert isinstance(task.work, VideoWork)
    return task.work


def test_a_free_scene_waits_for_its_narration() -> None:
    found = tasks_of(SPOKEN)
    assert list(found) == ["s01.voice", "s01.video1", "film"]
    assert found["s01.voice"].needs == ()
    assert found["s01.video1"].needs == ("job.s01.voice",)
    assert video(found["s01.video1"]).frames is None
    voice = found["s01.voice"].work
    assert isinstance(voice, VoiceWork) and voice.frames is None and voice.text == "Hello there."


def test_a_scene_of_fixed_length_starts_voice_and_picture_at_once() -> None:
    found = tasks_of({**SPOKEN, "seconds": 3.0})
    assert found["s01.video1"].needs == () == found["s01.voice"].needs
    voice = found["s01.voice"].work
    assert isinstance(voice, VoiceWork) and voice.frames == 3 * MODEL.fps
    frames = video(found["s01.video1"]).frames
    assert frames == MODEL.frames_for(3 * MODEL.fps) and frames % MODEL.frame_step == 1


def test_a_silent_scene_has_no_voice() -> None:
    assert list(tasks_of(SILENT)) == ["s01.video1", "film"]
    free = tasks_of({"picture": "x"})["s01.video1"]
    assert free.needs == () and (video(free).frames or 0) >= 4 * MODEL.fps


def test_the_film_needs_everything() -> None:
    found = tasks_of(SPOKEN, SILENT, {**SPOKEN, "seconds": 30})
    assert set(found["film"].needs) == {task.id for task in found.values()} - {"job.film"}
    assert found["film"].kind is TaskKind.COMPOSE and found["film"].scene is None


def test_a_scene_beyond_the_clip_cap_becomes_shots_that_follow_each_other() -> None:
    found = tasks_of({**SILENT, "seconds": 30})
    shots = [task for role, task in found.items() if "video" in role]
    assert [task.role for task in shots] == [f"video{n}" for n in range(1, len(shots) + 1)]
    assert len(shots) > 3
    for before, after in itertools.pairwise(shots):
        assert after.needs == (before.id,) and after.continues
    assert not shots[0].continues
    seeds = [video(task).seed for task in shots]
    assert seeds == list(range(seeds[0], seeds[0] + len(shots)))


def test_a_model_that_cannot_continue_makes_its_shots_side_by_side() -> None:
    found = tasks_of({**SILENT, "seconds": 12}, model=SMALL)
    shots = [task for role, task in found.items() if "video" in role]
    assert len(shots) > 1
    assert all(task.needs == () and not task.continues for task in shots)
    assert sum(video(task).frames or 0 for task in shots) >= 12 * PLAIN.fps


def test_a_scene_that_continues_waits_for_the_last_shot_before_it() -> None:
    found = tasks_of({**SILENT, "seconds": 12}, {**SPOKEN, "continue": True})
    last = [task for role, task in found.items() if role.startswith("s01.video")][-1]
    assert found["s02.video1"].needs == ("job.s02.voice", last.id)
    assert found["s02.video1"].continues


def test_seeds_are_the_scene_s_own_or_count_up_from_the_film_s() -> None:
    found = tasks_of(SILENT, {**SILENT, "seed": 7}, SILENT, seed=100)
    assert [video(found[f"s0{n}.video1"]).seed for n in (1, 2, 3)] == [100, 7, 102]
    assert video(tasks_of(SILENT, SILENT, seed=2**63 - 1)["s02.video1"]).seed == 0
    long = tasks_of({**SILENT, "seconds": 20, "seed": 2**63 - 1})
    assert video(long["s01.video2"]).seed == 0


def test_what_a_scene_does_not_say_comes_from_the_film() -> None:
    found = tasks_of(
        {**SPOKEN, "negative": "rain", "voice": "puck", "seconds": 2},
        {**SPOKEN, "seconds": 2},
        negative="fog",
        steps=3,
        guidance=2.5,
        size="256x256",
        fps=10,
    )
    one, two = video(found["s01.video1"]), video(found["s02.video1"])
    assert (one.negative, two.negative) == ("rain", "fog")
    assert (one.width, one.height, one.fps, one.steps, one.guidance) == (256, 256, 10, 3, 2.5)
    assert (found["s01.voice"].model, found["s02.voice"].model) == ("puck", "heart")


def test_a_style_adds_its_words() -> None:
    style = next(style for style in CATALOG.styles.values() if style.adds)
    prompt = video(tasks_of(SILENT, style=style.id)["s01.video1"]).prompt
    assert prompt == f"a blue square, {style.adds}"


def test_a_crossfade_is_half_a_second_of_the_incoming_scene() -> None:
    work = tasks_of(SILENT, {**SILENT, "transition": "crossfade"}, fps=24)["film"].work
    assert isinstance(work, ComposeWork)
    assert [scene.crossfade_frames for scene in work.scenes] == [0, 12]
    assert [scene.frames for scene in work.scenes] == [72, 72]


@pytest.mark.parametrize(
    ("scene", "frames"),
    [
        ({"picture": "x", "seconds": 2.0}, 24),
        ({"picture": "x", "seconds": 0.01}, 1),
        ({"picture": "x", "seconds": 2.04}, 24),
        ({"picture": "x", "say": "y"}, None),
        ({"picture": "x"}, 48),
    ],
)
def test_the_frames_of_a_scene_in_the_film(scene: dict[str, Any], frames: int | None) -> None:
    assert fixed_frames(Scene.model_validate(scene), 12) == frames


def test_a_free_scene_unfolds_into_the_smallest_clip_that_holds_it() -> None:
    task = tasks_of(SPOKEN)["s01.video1"]
    for seconds in (0.1, 2.3, MODEL.longest_clip / MODEL.fps):
        unfolded = unfold(task, seconds, CATALOG)
        assert unfolded.further == ()
        assert unfolded.frames == MODEL.frames_for(math.ceil(seconds * MODEL.fps))


def test_a_long_narration_unfolds_into_several_shots() -> None:
    unfolded = unfold(tasks_of(SPOKEN)["s01.video1"], 20.0, CATALOG)
    shots = unfolded.further
    assert [task.role for task in shots] == [f"video{n}" for n in range(2, len(shots) + 2)]
    assert shots[0].needs == ("job.s01.video1",) and shots[0].label.endswith(" 2")
    new = sum((video(task).frames or 0) - 1 for task in shots)
    assert unfolded.frames + new >= 20 * MODEL.fps


def test_an_exact_length_is_not_rounded_up_by_a_float() -> None:
    seconds = 49 / MODEL.fps
    assert unfold(tasks_of(SPOKEN)["s01.video1"], seconds, CATALOG).frames == 49


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        ("A red circle sets out.", 1.93),
        ("Nowhere, says the moon. They only like the waves.", 3.83),
        ("In the evening the yellow sun sinks into the water.", 3.05),
        ("No. Not today, not tomorrow.", 2.9),
    ],
)
def test_about_how_long_a_voice_took_to_say_a_line(text: str, seconds: float) -> None:
    assert narration_seconds(text) == pytest.approx(seconds, rel=0.2)


def test_a_sign_that_is_a_syllable_takes_longer_than_a_letter() -> None:
    assert narration_seconds("のぼる") == pytest.approx(3 * narration_seconds("abc"))
    assert narration_seconds("のぼる。") > narration_seconds("のぼる") + 0.3


@given(
    model=st.sampled_from(sorted(CATALOG.models)),
    frames=st.integers(1, 5000),
    continues=st.booleans(),
)
def test_shots_always_hold_the_scene_and_are_legal(
    model: str, frames: int, continues: bool
) -> None:
    entry = CATALOG.models[model]
    lengths = shot_frames(entry, frames, continues)
    repeated = len(lengths) - 1 if continues and entry.longest_clip > 1 else 0
    assert sum(lengths) - repeated >= frames
    for length in lengths:
        assert entry.min_frames <= length <= entry.longest_clip
        assert entry.is_legal(length)
    if len(lengths) > 1:  # one fewer would not do
        most = (len(lengths) - 1) * entry.longest_clip - max(0, repeated - 1)
        assert most < frames or (continues and most - 1 < frames)


def test_what_makes_tasks_alike() -> None:
    size = f"{MODEL.width}x{MODEL.height}"
    assert shape_of(shot()) == f"video/{DEMO}/{size}x49/{MODEL.steps}"
    assert shape_of(shot(frames=None)) == f"video/{DEMO}/{size}x?/{MODEL.steps}"
    assert shape_of(line()) == "voice/heart"
    assert shape_of(film()) == "compose"
