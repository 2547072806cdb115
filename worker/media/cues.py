"""Spoken words to the cues that are read: balanced, in step with the voice, one list for the film.

A cue is at most two lines of 42 characters and six seconds. It breaks at silences always, at ends
of sentences and after commas by preference, and leaves no word alone where it can be helped. Shows
the author's words, each once. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from reelyard.task import Word

LINE_CHARACTERS: Final = 42
LONGEST_SECONDS: Final = 6.0
SHORTEST_SECONDS: Final = 0.8
SILENCE_SECONDS: Final = 0.6

_CLOSING: Final = "['\"\u2019\u201d\u00bb)\\]]*$"
_SENTENCE: Final = re.compile("[.!?\u2026\u3002\uff01\uff1f]" + _CLOSING)
_CLAUSE: Final = re.compile("[,;:\u2013\u2014\u3001\uff0c]" + _CLOSING)
_ABBREVIATION: Final = re.compile(
    r"^\W*(?:[A-Z]|mr|mrs|ms|dr|st|vs|prof|jr|sr|no|e\.g|i\.e)\.$", re.IGNORECASE
)

# what a break or its absence costs, against 1 for a further cue
_MID_CLAUSE: Final = 0.8
_AFTER_CLAUSE: Final = 0.3
_SENTENCE_INSIDE: Final = 1.5
_ALONE: Final = 2.0
_TOO_SHORT: Final = 2.0
_COMMA_IS_WORTH: Final = 12
"""Characters of balance that a line break after a comma may cost."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What is on the screen, and when: milliseconds from the film's start."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def lay_cues(lines: Iterable[tuple[float, Sequence[Word]]], film_seconds: float) -> tuple[Cue, ...]:
    """The cues of a film; `lines` are (the scene's start in seconds, its words), in film order."""
    parts = [
        part
        for offset, words in lines
        for run in _runs([piece for word in words for piece in _pieces(word, offset)])
        for part in _balanced(run)
    ]
    return tuple(_timed(parts, round(film_seconds * 1000)))


def _pieces(word: Word, offset: float) -> Iterator[Word]:
    """The word at its place in the film; one longer than a line is broken, as it must be."""
    count = max(1, -(-len(word.text) // LINE_CHARACTERS))
    step, size = (word.end - word.start) / count, -(-len(word.text) // count)
    for k in range(count):
        start = offset + word.start + k * step
        yield Word(text=word.text[k * size : (k + 1) * size], start=start, end=start + step)


def _runs(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words between silences."""
    run: list[Word] = []
    for word in words:
        if run and word.start - run[-1].end > SILENCE_SECONDS:
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _balanced(run: Sequence[Word]) -> list[Sequence[Word]]:
    """The cheapest way to cut the run into cues, all ways considered."""
    cost, cuts = [0.0], [0]
    for end in range(1, len(run) + 1):
        best = (float("inf"), end - 1)
        for first in range(end - 1, -1, -1):
            if first < end - 1 and not _fits(run[first:end]):
                break
            best = min(best, (cost[first] + _price(run, first, end), first))
        cost.append(best[0])
        cuts.append(best[1])
    parts: list[Sequence[Word]] = []
    end = len(run)
    while end:
        parts.append(run[cuts[end] : end])
        end = cuts[end]
    return parts[::-1]


def _fits(words: Sequence[Word]) -> bool:
    if words[-1].end - words[0].start > LONGEST_SECONDS:
        return False
    return _set([word.text for word in words]) is not None


def _price(run: Sequence[Word], first: int, end: int) -> float:
    words = run[first:end]
    share = len(" ".join(word.text for word in words)) / (2 * LINE_CHARACTERS)
    price = 1 + share**2 + _SENTENCE_INSIDE * sum(_ends_sentence(w.text) for w in words[:-1])
    if len(words) == 1 < len(run):
        price += _ALONE
    if end == len(run):
        return price
    if run[end].start - words[0].start < SHORTEST_SECONDS:
        price += _TOO_SHORT
    if _ends_sentence(words[-1].text):
        return price
    return price + (_AFTER_CLAUSE if _CLAUSE.search(words[-1].text) else _MID_CLAUSE)


def _set(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The words as one line, or two of about one length; None when they need more."""
    whole = " ".join(texts)
    if len(whole) <= LINE_CHARACTERS:
        return (whole,)
    splits = (
        (" ".join(texts[:k]), " ".join(texts[k:]), _CLAUSE.search(texts[k - 1]))
        for k in range(1, len(texts))
    )
    ways = [
        (abs(len(upper) - len(lower)) - (_COMMA_IS_WORTH if clause else 0), upper, lower)
        for upper, lower, clause in splits
        if max(len(upper), len(lower)) <= LINE_CHARACTERS
    ]
    return min(ways)[1:] if ways else None


def _ends_sentence(text: str) -> bool:
    return bool(_SENTENCE.search(text)) and not _ABBREVIATION.match(text)


def _timed(parts: Sequence[Sequence[Word]], film_ms: int) -> Iterator[Cue]:
    """On screen while it is said, long enough to be read, never into the next cue."""
    starts: list[int] = []
    for part in parts:
        start = round(part[0].start * 1000)
        starts.append(max(start, starts[-1] + 1) if starts else start)
    for part, (start, following) in zip(parts, pairwise([*starts, film_ms]), strict=True):
        wish = max(round(part[-1].end * 1000), start + round(SHORTEST_SECONDS * 1000))
        latest = start + round(LONGEST_SECONDS * 1000)
        lines = _set([word.text for word in part])
        assert lines is not None
        yield Cue(start, min(wish, latest, max(following, start + 1)), lines)
