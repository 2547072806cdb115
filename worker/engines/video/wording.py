"""What a model with a small vocabulary makes of a prompt, and what its reader should know of that.

A model folder may hold a `vocabulary.json`; then the prompt is translated into words the model was
trained on, and the notes say what was changed. Other models get the prompt as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from reelyard.failure import FailureKind
from worker.desk import TaskFailed
from worker.engines.demo.words import translate


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
        said = translate(prompt, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as wrong:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"{file} cannot be read as a vocabulary. Copy the model's folder again.",
            repr(wrong),
        ) from wrong
    drawn = tuple(f"{theirs!r} is drawn as {ours!r}" for theirs, ours in said.replaced)
    return Wording(said.caption, drawn + _unknown(said.unknown))


def _unknown(words: tuple[str, ...]) -> tuple[str, ...]:
    """One note for all of them: `the model does not know 'storm', 'gale'`."""
    if not words:
        return ()
    return (f"the model does not know {', '.join(repr(word) for word in words)}",)
