"""Storyboards against a farm's limits: what is just allowed, what is just not, and the notes."""

from __future__ import annotations

import pytest

from reelyard.catalog import Catalog, load_catalog
from reelyard.limits import check, natural_seconds
from reelyard.settings import Settings
from reelyard.storyboard import Storyboard


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def storyboard(*scenes: dict[str, object], **film: object) -> Storyboard:
    return Storyboard.model_validate({"scenes": list(scenes) or [{"picture": "x"}], **film})


def fields(asked: Storyboard, catalog: Catalog, **limits: object) -> list[str]:
    settings = Settings(**limits)  # type: ignore[arg-type]
    return [problem.field for problem in check(asked, catalog, settings).problems]


def test_the_defaults_are_within_the_limits(catalog: Catalog) -> None:
    findings = check(storyboard(), catalog, Settings())
    assert (findings.problems, findings.notes) == ((), ())


@pytest.mark.parametrize(
    ("seconds", "allowed"), [(0.49, False), (0.5, True), (9, True), (9.01, False)]
)
def test_length_of_a_scene(seconds: float, allowed: bool, catalog: Catalog) -> None:
    asked = storyboard({"picture": "x", "seconds": seconds})
    assert (fields(asked, catalog, max_scene_seconds=9) == []) is allowed


@pytest.mark.parametrize(("count", "allowed"), [(3, True), (4, False)])
def test_number_of_scenes(count: int, allowed: bool, catalog: Catalog) -> None:
    asked = storyboard(*[{"picture": "x"}] * count)
    assert (fields(asked, catalog, max_scenes=3) == []) is allowed


@pytest.mark.parametrize(("characters", "allowed"), [(20, True), (21, False)])
def test_length_of_a_text(characters: int, allowed: bool, catalog: Catalog) -> None:
    for name in ("picture", "say", "negative"):
        asked = storyboard({"picture": "x", name: "y" * characters})
        found = fields(asked, catalog, max_scene_characters=20)
        assert found == ([] if allowed else [f"scenes[0].{name}"])


def test_length_of_the_film_counts_what_is_to_be_said(catalog: Catalog) -> None:
    line = "x" * 150
    assert natural_seconds(line) == pytest.approx(10)
    asked = storyboard({"picture": "x", "say": line}, {"picture": "x", "seconds": 5})
    assert fields(asked, catalog, max_film_seconds=15) == []
    assert fields(asked, catalog, max_film_seconds=14.9) == ["scenes"]


@pytest.mark.parametrize(
    ("size", "allowed"),
    [("128x128", True), ("128x192", False), ("192x64", True), ("64x256", False)],
)
def test_size(size: str, allowed: bool, catalog: Catalog) -> None:
    found = fields(storyboard(size=size), catalog, max_pixels=128 * 128, max_side=192)
    assert (found == []) is allowed


def test_a_scene_of_another_model_must_be_able_to_render_the_size(catalog: Catalog) -> None:
    other = next(m for m in catalog.models.values() if 128 % m.size_multiple == 0 == 0)
    assert fields(storyboard({"picture": "x", "model": other.id}, size="128x128"), catalog) == []
    coarse = next(m for m in catalog.models.values() if m.size_multiple == 64)
    fine = next(m for m in catalog.models.values() if m.size_multiple < 64)
    side = 64 + fine.size_multiple
    asked = storyboard({"picture": "x", "model": coarse.id}, model=fine.id, size=f"{side}x{side}")
    assert fields(asked, catalog) == ["scenes[0].model"]


def test_beyond_the_limit_nobody_looks_scene_by_scene(catalog: Catalog) -> None:
    asked = storyboard(*[{"picture": "x", "model": "nope"}] * 50)
    assert len(fields(asked, catalog, max_scenes=3)) == 4


class TestNotes:
    """Worth knowing, but nothing is refused."""

    def test_a_line_that_may_not_fit(self, catalog: Catalog) -> None:
        asked = storyboard({"picture": "x", "say": "y" * 150, "seconds": 5})
        [note] = check(asked, catalog, Settings()).notes
        assert note == (
            "scene 1: the line takes about 10.0 s to say and may not fit 5 s; 7.5 s would do"
        )

    def test_a_negative_prompt_that_the_model_does_not_take(self, catalog: Catalog) -> None:
        asked = storyboard({"picture": "x"}, negative="rain")
        takes_one = catalog.models["reelyard-demo"].negative
        notes = check(asked, catalog, Settings()).notes
        assert any("no negative prompt" in note for note in notes) is not takes_one
