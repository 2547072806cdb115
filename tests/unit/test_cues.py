"""Words to cues: what a reader can follow, in step with the voice."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from reelyard.task import Word
from worker.media.cues import LINE_CHARACTERS, LONGEST_SECONDS, SILENCE_SECONDS, Cue, lay_cues


def say(text: str, seconds: float = 0.3, pause: float = 0.05) -> list[Word]:
    """Every word as long as the next."""
    step = seconds + pause
    return [
        Word(text=word, start=k * step, end=k * step + seconds)
        for k, word in enumerate(text.split())
    ]


def texts(cues: tuple[Cue, ...]) -> list[str]:
    return [" ".join(cue.lines) for cue in cues]


@st.composite
def lines(draw: st.DrawFn) -> list[tuple[float, list[Word]]]:
    """Scenes of spoken words: any length of word, any pause."""
    scenes, offset = [], 0.0
    for _ in range(draw(st.integers(0, 4))):
        found = draw(
            st.lists(
                st.tuples(
                    st.text("aä.,!?—", min_size=1, max_size=50),
                    st.floats(0, 1.5),
                    st.sampled_from([0.0, 0.05, 0.3, 0.7, 3.0]),
                ),
                max_size=30,
            )
        )
        ends = list(accumulate(length + pause for _, length, pause in found))
        words = [
            Word(text=text, start=end - pause - length, end=end - pause)
            for (text, length, pause), end in zip(found, ends, strict=True)
        ]
        scenes.append((offset, words))
        offset += (ends[-1] if ends else 0) + 1
    return scenes


@given(lines())
def test_every_letter_is_shown_once_and_in_order(scenes: list[tuple[float, list[Word]]]) -> None:
    shown = "".join(texts(lay_cues(scenes, 1000))).replace(" ", "")
    assert shown == "".join(word.text for _, words in scenes for word in words)


@given(lines())
def test_no_cue_is_too_large_too_long_or_in_the_way(
    scenes: list[tuple[float, list[Word]]],
) -> None:
    cues = lay_cues(scenes, 1000)
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= LINE_CHARACTERS for line in cue.lines)
        assert 0 < cue.end_ms - cue.start_ms <= LONGEST_SECONDS * 1000
    for before, after in pairwise(cues):
        assert before.end_ms <= after.start_ms


@given(lines())
def test_a_cue_stays_long_enough_to_be_read_unless_the_next_comes(
    scenes: list[tuple[float, list[Word]]],
) -> None:
    cues = lay_cues(scenes, 1000)
    for cue, following in pairwise(cues):
        assert cue.end_ms - cue.start_ms >= 800 or cue.end_ms == following.start_ms
    assert all(cue.end_ms - cue.start_ms >= 800 for cue in cues[-1:])


def test_sentences_are_cues_of_their_own() -> None:
    said = "The sea was calm that night. A boat went out to fish. Nobody saw it again."
    assert texts(lay_cues([(0, say(said))], 60)) == [
        "The sea was calm that night.",
        "A boat went out to fish.",
        "Nobody saw it again.",
    ]


def test_very_short_sentences_share_a_cue() -> None:
    assert texts(lay_cues([(0, say("Yes. No. Stop. Go!"))], 60)) == ["Yes. No. Stop. Go!"]


def test_a_title_or_an_initial_ends_no_sentence() -> None:
    said = "Then old Mr. Brown and J. Smith met Dr. Jones by the sea wall."
    assert len(lay_cues([(0, say(said, 0.2))], 60)) == 1


def test_a_long_sentence_is_cut_evenly_after_commas_and_leaves_no_word_alone() -> None:
    said = (
        "When the keeper of the old lighthouse climbed the stairs that evening, he saw a small "
        "boat with a red sail, far out between the cliffs and the dark line of the sea."
    )
    shown = texts(lay_cues([(0, say(said, 0.25))], 60))
    assert [text[-1] for text in shown] == [",", ",", "."]
    assert min(len(text) for text in shown) > max(len(text) for text in shown) / 2


def test_no_orphan_where_a_greedy_cut_would_leave_one() -> None:
    said = "The last light of the day lay on the water like gold, and then night came over the sea."
    assert min(len(text.split()) for text in texts(lay_cues([(0, say(said, 0.2))], 60))) > 1


def test_two_lines_are_about_equal_and_break_after_a_comma() -> None:
    (cue,) = lay_cues(
        [(0, say("A lantern, a rope and some bread, that was all he took.", 0.2))], 60
    )
    assert cue.lines == ("A lantern, a rope and some bread,", "that was all he took.")
    (cue,) = lay_cues([(0, say("He carried the lantern down to the harbour wall", 0.2))], 60)
    assert cue.lines == ("He carried the lantern", "down to the harbour wall")


def test_a_silence_ends_a_cue_and_nothing_is_shown_in_it() -> None:
    words = say("And then he waited.")
    later = [
        Word(text=w.text, start=w.start + 1.4 + SILENCE_SECONDS, end=w.end + 1.4 + SILENCE_SECONDS)
        for w in say("for hours and hours.")
    ]
    first, second = lay_cues([(0, words + later)], 60)
    assert (first.end_ms, second.start_ms) == (1350, 2000)


def test_times_are_the_scene_s_start_and_the_words() -> None:
    (one, two) = lay_cues([(2.0, say("Hello there.")), (7.5, say("And good bye."))], 9)
    assert (one.start_ms, one.end_ms) == (2000, 2800)
    assert (two.start_ms, two.end_ms) == (7500, 8500)


def test_the_film_s_end_ends_the_last_cue() -> None:
    (cue,) = lay_cues([(3.0, say("Late."))], 3.5)
    assert (cue.start_ms, cue.end_ms) == (3000, 3500)


def test_a_word_longer_than_a_line_is_broken_and_nothing_is_lost() -> None:
    (cue,) = lay_cues([(0, [Word(text="a" * 80, start=0, end=2)])], 9)
    assert cue.lines == ("a" * 40, "a" * 40)
