"""A plain-text script: paragraphs are scenes, bracketed lines say what to see."""

from __future__ import annotations

from typing import Any

import pytest

from reelyard.plain_script import OF_A_SCENE, OF_THE_FILM, read_plain
from reelyard.script import PLAIN, read_storyboard
from reelyard.storyboard import Scene, Storyboard


def scenes(text: str) -> list[tuple[str, str]]:
    """Picture and line of each scene."""
    storyboard, _ = read_storyboard(text, PLAIN)
    return [(scene.picture, scene.say) for scene in storyboard.scenes]


def data(text: str) -> dict[str, Any]:
    found = read_plain(text).data
    assert isinstance(found, dict)
    return found


def test_paragraphs_are_scenes() -> None:
    text = (
        "[picture: a boat]\nAll day long,\nboats pass by.\n\n[picture: the moon]\nThen it is night."
    )
    assert scenes(text) == [
        ("a boat", "All day long, boats pass by."),
        ("the moon", "Then it is night."),
    ]


def test_a_scene_without_a_picture_keeps_the_one_before() -> None:
    assert scenes("[picture: a boat]\nOne.\n\nTwo.") == [("a boat", "One."), ("a boat", "Two.")]


def test_the_first_scene_draws_its_own_first_sentence() -> None:
    assert scenes("A boat. It sails.\n\nOn and on.")[0] == ("A boat.", "A boat. It sails.")


def test_directions_in_a_paragraph_of_their_own_are_for_the_next() -> None:
    storyboard, _ = read_storyboard("One.\n\n[picture: a boat]\n[seconds: 4]\n\nTwo.", PLAIN)
    assert storyboard.scenes[1].picture == "a boat"
    assert storyboard.scenes[1].seconds == 4
    assert storyboard.scenes[0].seconds is None


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n\n\n"])
def test_two_pictures_in_a_row_make_a_silent_scene(between: str) -> None:
    text = f"[picture: a boat]{between}[picture: the moon]{between}It is night."
    assert scenes(text) == [("a boat", ""), ("the moon", "It is night.")]


def test_what_belongs_to_the_silent_scene_stays_with_it() -> None:
    text = "[picture: a boat]\n[seconds: 3]\n\n[picture: the moon]\n[seconds: 5]\nNight."
    storyboard, _ = read_storyboard(text, PLAIN)
    assert [scene.seconds for scene in storyboard.scenes] == [3, 5]


def test_a_picture_at_the_end_is_a_silent_scene() -> None:
    assert scenes("[picture: a boat]\nOne.\n\n[picture: the end]") == [
        ("a boat", "One."),
        ("the end", ""),
    ]


def test_a_picture_between_lines_of_one_paragraph_begins_a_scene() -> None:
    text = "[picture: a boat]\nOne.\n[picture: the moon]\nTwo."
    assert scenes(text) == [("a boat", "One."), ("the moon", "Two.")]


class TestHeading:
    """A first paragraph of directions without a picture speaks for the film."""

    def test_voice_seed_and_negative_are_for_the_film(self) -> None:
        text = "[title: X]\n[voice: heart]\n[seed: 7]\n[negative: rain]\n\nOne.\n\nTwo."
        storyboard, where = read_storyboard(text, PLAIN)
        assert (storyboard.voice, storyboard.seed, storyboard.negative) == ("heart", 7, "rain")
        assert all(scene.voice is None and scene.seed is None for scene in storyboard.scenes)
        assert (where.line("voice"), where.line("seed")) == (2, 3)

    def test_also_without_a_title(self) -> None:
        assert data("[voice: heart]\n\nOne.")["voice"] == "heart"

    def test_lengths_are_for_the_next_scene_all_the_same(self) -> None:
        storyboard, _ = read_storyboard("[title: X]\n[seconds: 4]\n\nOne.\n\nTwo.", PLAIN)
        assert [scene.seconds for scene in storyboard.scenes] == [4, None]

    def test_with_a_picture_it_is_a_scene(self) -> None:
        found = data("[picture: a boat]\n[voice: heart]\n\nOne.\n\nTwo.")
        assert "voice" not in found
        assert found["scenes"][0]["voice"] == "heart"

    def test_later_paragraphs_speak_for_their_scene(self) -> None:
        found = data("One.\n\n[voice: heart]\n\nTwo.")
        assert "voice" not in found
        assert found["scenes"][1]["voice"] == "heart"

    def test_directions_of_the_film_count_wherever_they_stand(self) -> None:
        assert data("One.\n\n[fps: 12]\nTwo.")["fps"] == 12


def test_directions_are_case_blind_and_spaces_do_not_matter() -> None:
    assert scenes("[ Picture :  a boat ]\nOne.") == [("a boat", "One.")]


def test_a_picture_may_have_colons_and_brackets() -> None:
    assert scenes("[picture: a sign: [stop]]\nOne.")[0][0] == "a sign: [stop]"


def test_brackets_within_a_line_are_spoken() -> None:
    assert scenes("[picture: x]\nHe said [quietly] no.\n[Then] he left.")[0][1] == (
        "He said [quietly] no. [Then] he left."
    )


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(line_break: str) -> None:
    text = line_break.join(["[title: X]", "", "[picture: a]", "[seconds: 4]", "One.", "", "Two."])
    _, where = read_storyboard(text, PLAIN)
    assert where.line("title") == 1
    assert where.line("scenes[0].picture") == 3
    assert where.line("scenes[0].seconds") == 4
    assert where.line("scenes[0].say") == 5
    assert where.line("scenes[1].say") == where.line("scenes[1].picture") == 7


@pytest.mark.parametrize(("written", "meant"), [("yes", True), ("TRUE", True), ("no", False)])
def test_continue_is_a_truth(written: str, meant: bool) -> None:
    storyboard, _ = read_storyboard(f"One.\n\n[continue: {written}]\nTwo.", PLAIN)
    assert storyboard.scenes[1].continues is meant


def test_every_field_has_a_direction() -> None:
    film = {field.alias or name for name, field in Storyboard.model_fields.items()}
    scene = {field.alias or name for name, field in Scene.model_fields.items()}
    assert OF_THE_FILM | {"voice", "negative", "seed", "scenes"} == film
    assert OF_A_SCENE | {"say", "model"} == scene
