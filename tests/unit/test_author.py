"""The author's words, each once and in order, whatever a voice made of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engines.voice.author import Heard, caption_words, shared_out

READ = {
    "3.5": "three point five",
    "km": "kilometers",
    "km.": "kilometers.",
    "10/12/2019;": "October twelfth, 2019;",
    "$3.2": "3.2 dollars",
    "5%": "5 percent",
}


def read(word: str) -> str:
    return READ.get(word, word)


def heard(spoken: str, seconds: float = 0.5) -> list[Heard]:
    return [
        Heard(word, k * seconds, k * seconds + seconds) for k, word in enumerate(spoken.split())
    ]


def shown(text: str, spoken: str) -> list[tuple[str, float, float]]:
    return [(w.text, w.start, w.end) for w in caption_words(text, heard(spoken), read)]


def test_words_that_are_spoken_as_written_have_their_own_times() -> None:
    assert shown("The sea, then.", "The sea then") == [
        ("The", 0, 0.5),
        ("sea,", 0.5, 1.0),
        ("then.", 1.0, 1.5),
    ]


def test_a_number_lasts_as_long_as_what_is_said_for_it() -> None:
    assert shown("It is 3.5 km.", "It is three point five kilometers") == [
        ("It", 0, 0.5),
        ("is", 0.5, 1.0),
        ("3.5", 1.0, 2.5),
        ("km.", 2.5, 3.0),
    ]


def test_words_that_change_places_when_spoken_share_their_time() -> None:
    words = shown("Pay $3.2 billion now", "Pay 3.2 billion dollars now")
    assert [word for word, _, _ in words] == ["Pay", "$3.2", "billion", "now"]
    assert words[0] == ("Pay", 0, 0.5)
    assert words[-1] == ("now", 2.0, 2.5)
    assert words[1][1] == 0.5
    assert words[2][2] == 2.0


@pytest.mark.parametrize(
    ("text", "spoken", "expected"),
    [
        ("he cried — and", "he cried and", ["he", "cried —", "and"]),
        ("— and then", "and then", ["— and", "then"]),
        ("yes 😀 indeed", "yes indeed", ["yes 😀", "indeed"]),
        ("“Stop!” she 'said'", "Stop she said", ["“Stop!”", "she", "'said'"]),
    ],
)
def test_signs_without_a_sound_stay_with_their_neighbour(
    text: str, spoken: str, expected: list[str]
) -> None:
    assert [word for word, _, _ in shown(text, spoken)] == expected


TEXTS = st.lists(
    st.sampled_from([*READ, "a", "sea,", "the", "—", "“No!”", "o'clock", "x-y", "é"]), min_size=1
).map(" ".join)
SPOKEN = st.lists(st.sampled_from(["a", "sea", "the", "three", "No", "x", "y", "dollars", "!"]))


@given(TEXTS, SPOKEN.map(" ".join))
def test_whatever_was_heard_no_word_is_lost_and_time_never_runs_back(
    text: str, spoken: str
) -> None:
    words = caption_words(text, heard(spoken), read)
    assert not words or " ".join(word.text for word in words) == text
    assert all(word.start <= word.end for word in words)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(words))


@given(TEXTS)
def test_letters_share_out_a_time_that_words_do_not_have(text: str) -> None:
    words = shared_out(text, 1.0, 3.0)
    assert [word.text for word in words] == text.split()
    assert (words[0].start, words[-1].end) == (1.0, pytest.approx(3.0))
    assert all(before.end == after.start for before, after in pairwise(words))


def test_a_longer_word_gets_a_larger_share() -> None:
    assert [(w.start, w.end) for w in shared_out("a sea", 0, 1)] == [(0, 0.25), (0.25, 1)]
