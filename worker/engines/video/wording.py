"""What a model with a small vocabulary makes of a prompt, and what its reader should know of that.

A model folder may hold a `vocabulary.json`; then the prompt is translated into words the model was
trained on, and the notes say what was changed. Other models get the prompt as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reelyard.failure import FailureKind
from worker.desk import TaskFailed
from worker.engines.demo.words import Translation, Vocabulary, translate

_STEM = 4  # letters that two forms of a word share


@dataclass(frozen=True, slots=True)
class Wording:
    """The prompt as the model reads it, and notes for the person who wrote it."""

    prompt: str
    notes: tuple[str, ...] = ()


def worded(prompt: str, folder: Path) -> Wording:
    """The prompt for the model in `folder` (or a hub id, which has no vocabulary here)."""
    file = folder / "vocabulary.json"
    if not file.is_file():
        return Wording(prompt)
    try:
        vocabulary = json.loads(file.read_text(encoding="utf-8"))
        said = translate(prompt, vocabulary)
    except (OSError, ValueError, KeyError) as wrong:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"{file} cannot be read as a vocabulary. Copy the model's folder again.",
            repr(wrong),
        ) from wrong
    return Wording(said.caption, tuple(_notes(said, vocabulary)))


def _notes(said: Translation, vocabulary: Vocabulary) -> Iterator[str]:
    """What the author would not see in the clip: words drawn as others, or not at all."""
    for theirs, ours in said.replaced:
        if not _are_alike(theirs, ours):
            yield f"{theirs!r} is drawn as {ours!r}"
    known = {word for synonyms in vocabulary["synonyms"].values() for word in synonyms}
    strange = [word for word in said.unknown if word not in known]
    idle = [word for word in said.unknown if word in known]
    if strange:
        yield f"the model does not know {_listed(strange)}"
    if idle:
        yield f"{_listed(idle)} changed nothing: the prompt says more than the model can draw"


def _are_alike(theirs: str, ours: str) -> bool:
    """`grows` and `growing`, `to the right` and `moving right`: not worth a note."""
    stems = {word[:_STEM] for word in ours.split()}
    return any(len(word) >= _STEM and word[:_STEM] in stems for word in theirs.split())


def _listed(words: list[str]) -> str:
    return ", ".join(repr(word) for word in words)
