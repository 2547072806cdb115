"""Any English prompt to the nearest caption that the demo model knows, saying what was changed.

The model knows a small world: one subject, one colour, one motion, one background. A word is taken
as it stands, by a synonym, or by the closest spelling; what stays open is filled with what suits
the subject. The same prompt always gives the same caption. Never loads a network or reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

Vocabulary = Mapping[str, Any]
"""The content of `vocabulary.json`."""

LONGEST_PHRASE: Final = 4  # words
CLOSE_ENOUGH: Final = 0.84
SHORTEST_GUESS: Final = 5  # letters; shorter words are too alike to guess
ENDINGS: Final = ("s", "es", "ed", "d", "ing", "ish", "y")
SLOTS: Final = ("subject", "motion", "background", "colour")
SIDEWAYS: Final = ("moving left", "moving right")
SAID_BEFORE: Final = 3  # a colour belongs to a subject at most so many words later
NAMES_A_GROUND: Final = frozenset({"background", "backdrop", "ground"})


@dataclass(frozen=True, slots=True)
class Translation:
    caption: str
    unknown: tuple[str, ...] = ()
    """Words that had no effect."""
    replaced: tuple[tuple[str, str], ...] = ()
    """What the prompt said, and what the caption says instead."""
    assumed: tuple[str, ...] = ()
    """What the prompt left open."""


class Found(NamedTuple):
    """A word or phrase of the prompt that the vocabulary has a meaning for."""

    at: int
    said: str
    meanings: Mapping[str, str]  # slot to value


def translate(prompt: str, vocabulary: Vocabulary) -> Translation:
    words = re.findall(r"[a-z]+", prompt.lower())
    found = list(_found(words, vocabulary))
    chosen = _choose(found, words, vocabulary)

    said = {slot: vocabulary_value for slot, (vocabulary_value, _) in chosen.items()}
    full = _complete(said, vocabulary)
    caption = _caption(full, prompt.lower(), vocabulary)

    used = {f.at for _, f in chosen.values()}
    known = {f.at + k for f in found for k in range(len(f.said.split()))}
    passed = set(vocabulary["passed_over"])
    strangers = [w for k, w in enumerate(words) if k not in known and w not in passed]
    idle = [f.said for f in found if f.at not in used and not _agrees(f, full, vocabulary)]
    return Translation(
        caption,
        unknown=tuple(dict.fromkeys([*strangers, *idle])),
        replaced=tuple(_replaced(chosen, full)),
        assumed=tuple(full[slot] for slot in SLOTS if slot not in said),
    )


def _agrees(word: Found, full: Mapping[str, str], vocabulary: Vocabulary) -> bool:
    """Whether a word that was not needed is true of the caption all the same: "sailing east"."""
    if word.said in vocabulary["undirected"]:
        return full["motion"] in SIDEWAYS
    return any(full[slot] == value for slot, value in word.meanings.items())


def _found(words: list[str], vocabulary: Vocabulary) -> Iterator[Found]:
    """Longest phrases first, so that "left to right" is not taken for "left"."""
    at = 0
    while at < len(words):
        for length in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
            said = " ".join(words[at : at + length])
            if meanings := _meanings(said, vocabulary):
                yield Found(at, said, meanings)
                at += length
                break
        else:
            at += 1


def _meanings(said: str, vocabulary: Vocabulary) -> dict[str, str]:
    """What the words may stand for, by slot; empty if nothing."""
    exact = {slot: value for slot in SLOTS if (value := _value(slot, said, vocabulary))}
    if exact or " " in said or said in vocabulary["passed_over"]:
        return exact
    for ending in ENDINGS:
        stem = said.removesuffix(ending)
        for base in (stem, stem + "e") if stem != said else ():
            if near := {slot: value for slot in SLOTS if (value := _value(slot, base, vocabulary))}:
                return near
    return _closest(said, vocabulary)


def _value(slot: str, said: str, vocabulary: Vocabulary) -> str | None:
    if said in vocabulary[slot + "s"]:
        return said
    value: str | None = vocabulary["synonyms"][slot].get(said)
    return value


def _closest(said: str, vocabulary: Vocabulary) -> dict[str, str]:
    if len(said) < SHORTEST_GUESS:
        return {}
    for slot in SLOTS:
        names = [*vocabulary[slot + "s"], *vocabulary["synonyms"][slot]]
        close = get_close_matches(
            said, [n for n in names if " " not in n], n=1, cutoff=CLOSE_ENOUGH
        )
        if close and (value := _value(slot, close[0], vocabulary)):
            return {slot: value}
    return {}


def _choose(
    found: list[Found], words: list[str], vocabulary: Vocabulary
) -> dict[str, tuple[str, Found]]:
    """One word of the prompt for each slot, no word for two."""
    chosen: dict[str, tuple[str, Found]] = {}

    def take(slot: str, among: list[Found]) -> None:
        free = [f for f in among if slot in f.meanings and f not in [g for _, g in chosen.values()]]
        if slot not in chosen and free:
            chosen[slot] = (free[0].meanings[slot], free[0])

    named = [f for f in found if words[f.at + 1 : f.at + 2] and words[f.at + 1] in NAMES_A_GROUND]
    take("background", named)
    plainly = [f for f in found if f.said.removesuffix("s") in vocabulary["subjects"]]
    take("subject", plainly)
    take("subject", [f for f in found if "background" not in f.meanings])  # "a ship at sunset"
    take("subject", found)
    take("motion", [f for f in found if f.said in vocabulary["motions"]])
    take("motion", [f for f in found if f.said not in vocabulary["undirected"]])  # "flies up"
    take("motion", found)
    # "black" is a background only where the prompt says so; a "black boat" wants a colour.
    views = [
        f
        for f in found
        if "background" in f.meanings and not _is_plain(f.meanings["background"], vocabulary)
    ]
    take("background", [f for f in views if f.said in vocabulary["backgrounds"]])
    take("background", views)
    if "subject" in chosen:
        at = chosen["subject"][1].at
        take("colour", [f for f in reversed(found) if at - SAID_BEFORE <= f.at < at])
    take("colour", [f for f in found if f not in named and f.said in vocabulary["colours"]])
    return chosen


def _is_plain(background: str, vocabulary: Vocabulary) -> bool:
    return bool(vocabulary["backgrounds"][background]["world"] == "plain")


def _complete(said: Mapping[str, str], vocabulary: Vocabulary) -> dict[str, str]:
    """Fills what is open, and keeps shapes on plain backgrounds and figures in views."""
    subjects, grounds = vocabulary["subjects"], vocabulary["backgrounds"]
    subject = said.get("subject") or grounds[said.get("background", "hills")]["subject"]
    usual = subjects[subject]
    background = said.get("background", usual["background"])
    if grounds[background]["world"] != usual["world"]:
        background = usual["background"]
    return {
        "subject": subject,
        "colour": said.get("colour", usual["colour"]),
        "motion": said.get("motion", usual["motion"]),
        "background": background,
    }


def _caption(full: Mapping[str, str], prompt: str, vocabulary: Vocabulary) -> str:
    places = vocabulary["backgrounds"][full["background"]]["places"]
    place = next((p for p in places if p in prompt), places[0])
    return str(vocabulary["pattern"]).format(place=place, **full)


def _replaced(
    chosen: Mapping[str, tuple[str, Found]], full: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for slot in SLOTS:
        if slot in chosen and chosen[slot][1].said != full[slot]:
            yield chosen[slot][1].said, full[slot]
