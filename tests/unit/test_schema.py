"""The schema, the page about storyboards and the examples say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from reelyard.catalog import load_catalog
from reelyard.limits import read_checked
from reelyard.plain_script import OF_A_SCENE, OF_THE_FILM
from reelyard.schema import EXAMPLE, storyboard_schema
from reelyard.script import PLAIN, media_type_of, read_storyboard
from reelyard.settings import Settings
from reelyard.storyboard import Scene, Storyboard
from worker.engines.video.wording import worded

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/storyboard.md"
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.*") if path.suffix != ".toml")
DEMO_MODEL = ROOT / "worker/models/reelyard-demo"


def test_the_published_schema_is_the_code_s() -> None:
    published = json.loads((ROOT / "docs/storyboard.schema.json").read_text())
    assert published == storyboard_schema(), "run: reelyard schema > docs/storyboard.schema.json"


def test_the_schema_s_example_is_valid() -> None:
    assert Storyboard.model_validate(EXAMPLE).scenes


def test_the_schema_speaks_of_every_field() -> None:
    schema = storyboard_schema()
    fields = {**schema["properties"], **schema["$defs"]["Scene"]["properties"]}
    assert "continue" in fields
    assert all(field.get("description") for field in fields.values())


def table_after(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the page."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    rows = [line for line in after.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert rows, heading
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize(("heading", "kind"), [("The film", Storyboard), ("A scene", Scene)])
def test_the_page_lists_every_field_with_its_default(
    heading: str, kind: type[Storyboard | Scene]
) -> None:
    told = {row[0].strip("`"): row[2] for row in table_after(heading)}
    fields = {field.alias or name: field for name, field in kind.model_fields.items()}
    assert list(told) == list(fields)
    for name, field in fields.items():
        if field.is_required():
            assert told[name] == "required", name
        elif field.default not in (None, ""):
            shown = str(field.default).lower() if field.default is False else str(field.default)
            assert told[name] == f"`{shown}`", name


def test_the_page_lists_every_direction() -> None:
    told = {row[0].strip("`") for row in table_after("Plain scripts")}
    assert told == {f"[{name}: ...]" for name in OF_THE_FILM | OF_A_SCENE}


def test_the_page_tells_the_limits_as_they_are() -> None:
    told = {row[0].strip("`"): row[1].replace(" ", "") for row in table_after("Limits")}
    settings = Settings()
    for name, shown in told.items():
        value = getattr(settings, name.removeprefix("REELYARD_").lower())
        assert float(shown) == float(value), name


def test_the_page_s_own_scripts_are_valid() -> None:
    blocks = re.findall(r"```(yaml|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 2
    for kind, source in blocks:
        media_type = PLAIN if kind == "text" else media_type_of("x.yaml")
        assert read_storyboard(source, media_type)[0].scenes


def test_there_is_an_example_of_every_kind() -> None:
    names = {path.name for path in EXAMPLES}
    assert {"lighthouse.yaml", "fixed-lengths.yaml", "continuation.yaml", "script.txt"} <= names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_good(path: Path) -> None:
    storyboard, findings = read_checked(
        path.read_bytes(), media_type_of(path.name), load_catalog(), Settings()
    )
    assert (findings.problems, findings.notes) == ((), ())
    assert storyboard is not None
    for scene in storyboard.scenes:
        if (scene.model or storyboard.model) == "reelyard-demo":
            assert worded(scene.picture, DEMO_MODEL).notes == (), scene.picture
