"""Ids, problems, settings and the catalog: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reelyard import ids
from reelyard.catalog import VideoModel, load_catalog
from reelyard.errors import (
    ArtifactDamaged,
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    Problem,
    ReelyardError,
    Unauthorized,
    Unreachable,
)
from reelyard.settings import read_settings

# Ids.


def test_ids_are_short_and_differ() -> None:
    made = {ids.new("job") for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(name) == 14 and ids.is_id(name) for name in made)


def test_names_follow_from_the_job() -> None:
    task = ids.task_id("job-x", 1, "video1")
    assert task == "job-x.s02.video1"
    assert ids.task_id("job-x", None, "film") == "job-x.film"
    assert ids.attempt_id(task, 3) == "job-x.s02.video1.a3"
    assert ids.is_id(ids.attempt_id(task, 3))


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../x", "a/b", "a\\b", "-a", ".a", "a..b", "a b", "a\n", "ä", "a" * 101, "a\0"],
)
def test_what_could_be_a_path_is_no_id(text: str) -> None:
    assert not ids.is_id(text)


@given(st.text(max_size=30))
def test_an_id_is_always_a_harmless_file_name(text: str) -> None:
    if ids.is_id(text):
        assert Path("/root/folder", text).parent == Path("/root/folder")
        assert "/" not in text and text.isascii() and text.isprintable()


# Errors.


def test_a_problem_is_a_sentence_with_place_value_limit_and_remedy() -> None:
    problem = Problem("scenes[2].seconds", "is out of range", "0", "0.5 to 60", "Give more.", 7)
    assert problem.sentence() == (
        "line 7: scenes[2].seconds: is out of range (got 0; limit 0.5 to 60). Give more."
    )
    assert Problem("title", "is empty").sentence() == "title: is empty"


def test_all_problems_are_in_the_message() -> None:
    wrong = InvalidInput([Problem("a", "is bad"), Problem("b", "is worse")])
    assert str(wrong) == "a: is bad\nb: is worse"


@pytest.mark.parametrize(
    "kind", [NotFound, Conflict, Unauthorized, Unreachable, ArtifactDamaged, ReelyardError]
)
def test_each_error_says_what_to_do(kind: type[ReelyardError]) -> None:
    assert str(kind("It is so.")) == f"It is so. {kind.remedy}" and kind.remedy
    assert str(kind("It is so.", "Do this.")) == "It is so. Do this."


def test_an_illegal_transition_asks_for_a_report() -> None:
    assert "report it" in str(IllegalTransition("done", "start"))


# Settings.


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELYARD_LEASE_SECONDS", "33")
    monkeypatch.setenv("REELYARD_UNHEARD_OF", "x")
    found = read_settings(worker_id="w")
    assert (found.lease_seconds, found.worker_id) == (33.0, "w")


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELYARD_LEASE_SECONDS", "soon")
    monkeypatch.setenv("REELYARD_MAX_SCENES", "many")
    with pytest.raises(InvalidInput) as caught:
        read_settings()
    said = str(caught.value)
    assert "REELYARD_LEASE_SECONDS" in said and "got soon" in said
    assert "REELYARD_MAX_SCENES" in said and "Correct it" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTBEAT_SECONDS", "0"),
        ("TICK_SECONDS", "-1"),
        ("MAX_ATTEMPTS", "0"),
        ("CPU_MEMORY_SHARE", "1.5"),
        ("THREADS", "-2"),
    ],
)
def test_a_setting_beyond_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"REELYARD_{name}", value)
    with pytest.raises(InvalidInput, match=f"REELYARD_{name}: .* \\(got {value}\\)"):
        read_settings()


# The catalog.


def test_what_the_catalog_brings_is_sound() -> None:
    catalog = load_catalog()
    assert "reelyard-demo" in catalog.models and "heart" in catalog.voices
    for model in catalog.models.values():
        assert model.width % model.size_multiple == model.height % model.size_multiple == 0
        assert model.min_frames <= model.longest_clip <= model.max_frames
        assert model.is_legal(model.longest_clip)
        assert model.frames_for(1) >= model.min_frames
        assert model.frames_for(10**6) == model.longest_clip
        assert model.licence and model.repo


def test_a_farm_adds_and_replaces_entries(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[voices.me]\nname = "Me"\nengine = "vits"\nlanguage = "de"\nlicence = "MIT"\n'
        "memory_gib = 0.5\n[styles.noir]\nadds = 'black and white'\n"
    )
    catalog = load_catalog(file)
    assert catalog.voices["me"].language == "de" and "heart" in catalog.voices
    assert catalog.styles["noir"].adds == "black and white"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[voices.me]\nname = 'Me'", "voices.me.engine"),
        ("[models.x]\nwidth = 0", "models.x.width"),
        ("[models.reelyard-demo]\nsurprise = 1", "models.reelyard-demo.surprise"),
        ("[styles.x]\nadds = 3", "styles.x.adds"),
        ("not toml", "cannot be read as TOML"),
        ("[models]\nx = 1", "models: must hold tables"),
        ("voices = 3", "voices: must hold tables"),
    ],
)
def test_a_catalog_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said.replace(".", r"\.")):
        load_catalog(file)


@pytest.mark.parametrize("wrong", [{"max_frames": 4}, {"max_frames": 20, "min_frames": 18}])
def test_a_model_without_a_legal_clip_is_refused(wrong: dict[str, int]) -> None:
    model = load_catalog().models["wan2.1-t2v-1.3b"].model_dump()
    with pytest.raises(ValidationError, match="fewer than the least"):
        VideoModel.model_validate({**model, **wrong})


def test_a_catalog_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.toml"):
        load_catalog(tmp_path / "none.toml")
