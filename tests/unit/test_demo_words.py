"""Any prompt becomes a caption that the demo model knows, and what was changed is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from worker.engines.demo.words import translate

FOLDER = Path(__file__).parents[2] / "worker" / "models" / "reelyard-demo"


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / "vocabulary.json").read_text())
    return content


@pytest.mark.parametrize(
    "caption",
    [
        "a red circle moving left on a black background",
        "a purple square growing on a pink background",
        "a yellow sun moving up over the sea",
        "a red boat moving right on the sea",
        "a white lighthouse growing on hills",
        "a green tree shrinking at night",
        "a blue bird moving down in the sky",
    ],
)
def test_a_caption_stays_as_it_is(caption: str, vocabulary: dict[str, Any]) -> None:
    said = translate(caption, vocabulary)
    assert said.caption == caption
    assert (said.unknown, said.replaced, said.assumed) == ((), (), ())


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("A crimson ship sails across the ocean", "a red boat moving right on the sea"),
        ("the moon rises over the hills", "a yellow moon moving up over the hills"),
        ("a seagull flies to the left in the cloudy sky", "a white bird moving left in the sky"),
        ("A beacon shines at dusk", "a white lighthouse growing at night"),
        ("a blue boat on a black sea", "a blue boat moving right on the sea"),
        ("a white ligthouse on a hillside, growing", "a white lighthouse growing on hills"),
        ("a boat drifts from right to left", "a red boat moving left on the sea"),
        ("the sun sets", "a yellow sun moving down on the sea"),
        ("two birds and a boat", "a white bird moving left in the sky"),
        (
            "a lonely red ship sailing east across a stormy ocean",
            "a red boat moving right on the sea",
        ),
        (
            "The old lighthouse stands on a cliff above the sea at night, its lamp shining",
            "a white lighthouse growing on the sea",
        ),
        ("a golden sunrise over the hills", "a yellow sun moving up over the hills"),
        ("At sunset a ship sails home", "a red boat moving right on the sea"),
        ("a flock of white seagulls flying west", "a white bird moving left in the sky"),
        ("a rocket launches into the sky", "a white bird moving up in the sky"),
        ("a tiny white boat moving toward us", "a white boat growing on the sea"),
        (
            "pink background with a blue square getting smaller",
            "a blue square shrinking on a pink background",
        ),
    ],
)
def test_other_words_find_the_nearest_caption(
    prompt: str, caption: str, vocabulary: dict[str, Any]
) -> None:
    assert translate(prompt, vocabulary).caption == caption


def test_what_was_replaced_is_said(vocabulary: dict[str, Any]) -> None:
    said = translate("A crimson ship sails across the ocean with a dragon", vocabulary)
    assert set(said.replaced) == {
        ("crimson", "red"),
        ("ship", "boat"),
        ("sails", "moving right"),
        ("ocean", "sea"),
    }
    assert said.unknown == ("dragon",)


def test_a_word_that_comes_true_anyway_is_not_complained_about(vocabulary: dict[str, Any]) -> None:
    assert translate("a red boat sailing east on the sea", vocabulary).unknown == ()
    assert translate("a red boat sailing up on the sea", vocabulary).unknown == ("sailing",)


def test_what_was_left_open_is_said(vocabulary: dict[str, Any]) -> None:
    assert set(translate("a boat", vocabulary).assumed) == {"red", "moving right", "sea"}


def test_a_colour_belongs_to_the_subject_after_it(vocabulary: dict[str, Any]) -> None:
    assert translate("a white bird over a blue sea", vocabulary).caption.startswith("a white bird")
    assert translate("a bird over a green hill", vocabulary).caption.startswith("a green bird")


def test_a_shape_stays_on_a_plain_background_and_a_figure_in_a_view(
    vocabulary: dict[str, Any],
) -> None:
    assert translate("a circle on the sea", vocabulary).caption.endswith("on a black background")
    assert translate("a boat on a pink background", vocabulary).caption.endswith("on the sea")


@pytest.mark.parametrize(
    "prompt", ["", "!?", "日本語", "zzzz qqqq", "a" * 5000, "left right up down"]
)
def test_every_prompt_gives_a_caption(prompt: str, vocabulary: dict[str, Any]) -> None:
    caption = translate(prompt, vocabulary).caption
    assert translate(caption, vocabulary).caption == caption
    assert translate(prompt, vocabulary) == translate(prompt, vocabulary)


def test_every_synonym_leads_somewhere(vocabulary: dict[str, Any]) -> None:
    for slot, table in vocabulary["synonyms"].items():
        assert set(table.values()) <= set(vocabulary[slot + "s"])
