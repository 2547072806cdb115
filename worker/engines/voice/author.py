"""From the words that a voice spoke back to the words that the author wrote.

A voice reads "3.5 km" as "3.5 kilometers": captions show the author's words, each of them once and
in order, at the time when what was said for it is heard. Pure: no model, no sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from reelyard.task import Word

_PIECE = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Heard:
    """A spoken token and its time in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of letters or digits: which word it belongs to, and where along all words it lies."""

    key: str
    word: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """Author pieces [a1, a2) were spoken as pieces [b1, b2)."""

    a1: int
    a2: int
    b1: int
    b2: int


def caption_words(text: str, heard: Sequence[Heard], read: Callable[[str], str]) -> list[Word]:
    """The author's words with times. `read` says how one word alone would be normalised.

    Joined with spaces the result is the author's text, whatever was spoken. A word without letters
    or digits (a dash, an emoji) is shown with its neighbour.
    """
    author = text.split()
    written = list(_pieces([read(word) or word for word in author]))
    spoken = list(_pieces([token.text for token in heard]))
    spans = _spans(written, spoken)
    timed = [(word, spans.get(index)) for index, word in enumerate(author)]
    return _together(timed, heard)


def shared_out(text: str, start: float, end: float) -> list[Word]:
    """The author's words with times by their share of the letters: an estimate."""
    words = text.split()
    whole = sum(map(len, words))
    timed, before = [], 0
    for word in words:
        first, before = before, before + len(word)
        times = (start + (end - start) * place / whole for place in (first, before))
        timed.append(Word(text=word, start=next(times), end=next(times)))
    return timed


def _pieces(words: Sequence[str]) -> Iterator[_Piece]:
    for index, word in enumerate(words):
        found = _PIECE.findall(word) or ([word] if word.isalnum() else [])
        for number, piece in enumerate(found):
            yield _Piece(
                piece.lower(),
                index,
                index + number / len(found),
                index + (number + 1) / len(found),
            )


def _spans(written: list[_Piece], spoken: list[_Piece]) -> dict[int, tuple[float, float]]:
    """For every author word that was spoken: from where to where along the spoken tokens."""
    spans: dict[int, tuple[float, float]] = {}
    for pair in _pairs([piece.key for piece in written], [piece.key for piece in spoken]):
        mine = written[pair.a1 : pair.a2]
        first, last = spoken[pair.b1].first, spoken[pair.b2 - 1].last
        whole = sum(len(piece.key) for piece in mine)
        done = 0
        for piece in mine:
            start = first + (last - first) * done / whole
            done += len(piece.key)
            end = first + (last - first) * done / whole
            spans[piece.word] = (spans.get(piece.word, (start, end))[0], end)
    return spans


def _pairs(written: list[str], spoken: list[str]) -> list[_Pair]:
    """Which run of author pieces became which run of spoken pieces; no run is empty."""
    pairs: list[_Pair] = []
    if not written or not spoken:
        return pairs
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, written, spoken, False).get_opcodes():
        if tag == "equal" or (a2 - a1 == b2 - b1):
            pairs += [_Pair(a1 + k, a1 + k + 1, b1 + k, b1 + k + 1) for k in range(a2 - a1)]
        else:
            pairs.append(_Pair(a1, a2, b1, b2))
    return _without_gaps(pairs)


def _without_gaps(pairs: list[_Pair]) -> list[_Pair]:
    """Runs that are empty on one side join the run before them, or the one after the first."""
    joined: list[_Pair] = []
    for pair in pairs:
        before = joined[-1] if joined else None
        if before and (_is_gap(pair) or _is_gap(before)):
            joined[-1] = _Pair(before.a1, pair.a2, before.b1, pair.b2)
        else:
            joined.append(pair)
    return joined


def _is_gap(pair: _Pair) -> bool:
    return pair.a1 == pair.a2 or pair.b1 == pair.b2


def _together(
    timed: list[tuple[str, tuple[float, float] | None]], heard: Sequence[Heard]
) -> list[Word]:
    words: list[Word] = []
    waiting: list[str] = []
    for text, span in timed:
        if span is not None:
            start, end = _time(heard, span[0], False), _time(heard, span[1], True)
            words.append(Word(text=" ".join([*waiting, text]), start=start, end=max(start, end)))
            waiting = []
        elif words:
            last = words[-1]
            words[-1] = last.model_copy(update={"text": f"{last.text} {text}"})
        else:
            waiting.append(text)
    return words


def _time(heard: Sequence[Heard], position: float, is_end: bool) -> float:
    """The time at a place along the tokens: at a border, an end belongs to the token before it."""
    index = min(int(position), len(heard) - 1)
    if is_end and index > 0 and position - index < 1e-9:
        index -= 1
    token = heard[index]
    return token.start + (token.end - token.start) * min(1.0, position - index)
