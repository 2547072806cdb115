"""A model with a small vocabulary says what it made of a prompt; others take it as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import worker
from worker.desk import TaskFailed
from worker.engines.video.wording import worded

DEMO = Path(worker.__file__).parent / "models" / "reelyard-demo"


def test_a_prompt_goes_unchanged_to_a_model_without_a_vocabulary(tmp_path: Path) -> None:
    assert worded("A ship, in a storm!", tmp_path).prompt == "A ship, in a storm!"
    assert worded("A ship", Path("owner/name")).notes == ()


@pytest.mark.parametrize(
    ("prompt", "notes"),
    [
        ("a red boat moving right on the sea", ()),
        ("A white lighthouse on the hills grows", ()),
        ("a red ship on the sea", ("'ship' is drawn as 'boat'",)),
        ("a boat on the sea in a storm", ("the model does not know 'storm'",)),
        ("a boat drifts to the right on the sea", ()),
        ("a red boat moving right on the sea, a castle", ("'castle' changed nothing",)),
    ],
)
def test_only_what_the_author_would_miss_is_noted(prompt: str, notes: tuple[str, ...]) -> None:
    said = worded(prompt, DEMO).notes

    assert len(said) == len(notes)
    assert all(mine.startswith(theirs) for mine, theirs in zip(said, notes, strict=True))


def test_a_broken_vocabulary_says_so(tmp_path: Path) -> None:
    shutil.copy(DEMO / "model_index.json", tmp_path / "vocabulary.json")

    with pytest.raises(TaskFailed, match="cannot be read as a vocabulary"):
        worded("a boat", tmp_path)
