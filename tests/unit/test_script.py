"""Bad input of every kind gives problems with field, value, limit, remedy and line; good input is
read as it was written."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelyard.catalog import Catalog, load_catalog
from reelyard.errors import InvalidInput, Problem
from reelyard.limits import read_checked
from reelyard.script import (
    JSON,
    MEDIA_TYPES,
    PLAIN,
    YAML,
    draft,
    guess_media_type,
    media_type_of,
    read_storyboard,
)
from reelyard.settings import Settings
from reelyard.storyboard import Storyboard

GOOD = "scenes:\n  - picture: a red circle\n"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@dataclass(frozen=True)
class Bad:
    """A script, and what must be said of it; an empty expectation means: nothing to say there."""

    name: str
    source: str | bytes
    field: str
    message: str
    value: str = ""
    limit: str = ""
    remedy: str = ""
    line: int | None = None
    media_type: str = YAML


def scene(fields: str) -> str:
    return f"{GOOD}    {fields}\n"


TABLE = [
    # Fields.
    Bad("unknown", GOOD + "titel: x\n", "titel", "not a field", "x", "", "`title`", 3),
    Bad("unknown in a scene", scene("secnds: 3"), "scenes[0].secnds", "not a field", "3", "",
        "`seconds`", 3),
    Bad("unlike any", GOOD + "qqq: 1\n", "qqq", "not a field", "1", "", "The fields here", 3),
    Bad("given twice", "title: a\ntitle: b\n" + GOOD, "title", "given twice", remedy="Keep one",
        line=2),
    Bad("given twice in JSON", '{"title": "a",\n"title": "b", "scenes": [{"picture": "x"}]}',
        "title", "given twice", remedy="Keep one", line=2, media_type=JSON),
    Bad("a name that is no word", "? [a]\n: b\n" + GOOD, "storyboard", "no word", line=1),
    # Numbers.
    Bad("zero seconds", scene("seconds: 0"), "scenes[0].seconds", "too small", "0", "more than 0",
        "leave it out", 3),
    Bad("not a number", scene("seconds: .nan"), "scenes[0].seconds", "ordinary number", "NaN",
        "", "Give a length", 3),
    Bad("endless", scene("seconds: .inf"), "scenes[0].seconds", "ordinary number", "Infinity",
        "", "Give a length", 3),
    Bad("minute-long blink", scene("seconds: 0.1"), "scenes[0].seconds", "out of range", "0.1",
        "0.5 to 120", "leave it out", 3),
    Bad("too long a scene", scene("seconds: 121"), "scenes[0].seconds", "out of range", "121",
        "0.5 to 120", "leave it out", 3),
    Bad("negative seed", scene("seed: -1"), "scenes[0].seed", "too small", "-1", "at least 0",
        "larger", 3),
    Bad("fraction", GOOD + "seed: 1.5\n", "seed", "whole number", "1.5", "", "Correct", 3),
    Bad("true as a number", GOOD + "fps: yes\n", "fps", "not true or false", "true", "", "", 3),
    Bad("false as a seed", GOOD + "seed: false\n", "seed", "not true or false", "false", line=3),
    Bad("zero frames", GOOD + "fps: 0\n", "fps", "too small", "0", "at least 1", "leave it out", 3),
    Bad("too many frames", GOOD + "fps: 61\n", "fps", "too large", "61", "at most 60", "", 3),
    Bad("huge", GOOD + f"seed: {2**63}\n", "seed", "too large", str(2**63), "less than", "", 3),
    Bad("five thousand digits", GOOD + f"seed: {'9' * 5000}\n", "seed", "too large", "999", "19 d",
        "smaller", 3),
    Bad("five thousand digits in JSON", f'{{"seed": {"9" * 5000}, "scenes": [{{"picture": "x"}}]}}',
        "seed", "too large", "999", "19 d", "smaller", 1, JSON),
    Bad("words for a number", GOOD + "steps: many\n", "steps", "whole number", "many", line=3),
    Bad("number for a truth", scene("continue: 5"), "scenes[0].continue", "true or false", "5",
        line=3),
    # Text.
    Bad("ten thousand characters", "scenes:\n  - say: hello\n    picture: " + "x" * 10_000,
        "scenes[0].picture", "too long", "10000 char", "2000 char", "Shorten", 3),
    Bad("a long line", scene("say: " + "x" * 2_001), "scenes[0].say", "too long", "2001 char",
        "2000 char", "several scenes", 3),
    Bad("a long negative", GOOD + "negative: " + "x" * 2_001, "negative", "too long", "2001 char",
        "2000 char", "Shorten", 3),
    Bad("a long title", GOOD + f"title: {'t' * 201}\n", "title", "too long", "ttt",
        "at most 200 characters", "Shorten", 3),
    Bad("empty picture", "scenes:\n  - picture: '  '\n", "scenes[0].picture", "must not be empty",
        remedy="Write", line=2),
    Bad("no picture", "scenes:\n  - say: hi\n", "scenes[0].picture", "is missing", "", "", "Add",
        2),
    Bad("a list for text", "scenes:\n  - picture: [a, b]\n", "scenes[0].picture", "must be text",
        '["a", "b"]', line=2),
    Bad("half a letter", '{"title": "\\ud800", "scenes": [{"picture": "x"}]}', "title",
        "characters that are no text", "?", media_type=JSON),
    # Size, names.
    Bad("no size", GOOD + "size: big\n", "size", "WIDTHxHEIGHT", "big", "", "512x320", 3),
    Bad("hexadecimal size", GOOD + "size: 0x10\n", "size", "WIDTHxHEIGHT", "0x10", line=3),
    Bad("odd size", GOOD + "size: 513x289\n", "size", "multiples of 64", "513x289",
        "multiples of 64", "512x320", 3),
    Bad("huge size", GOOD + "size: 64000x64000\n", "size", "too large", "64000x64000",
        "2088960 pixels", "smaller", 3),
    Bad("tiny size", GOOD + "size: 16x64\nmodel: ltx-video\n", "size", "too small", "16x64",
        "64 a side", "larger", 3),
    Bad("unknown model", GOOD + "model: reelyard-dmeo\n", "model", "not a model", "reelyard-dmeo",
        "", "`reelyard-demo`", 3),
    Bad("unknown voice", scene("voice: hart"), "scenes[0].voice", "not a voice", "hart", "",
        "`heart`", 3),
    Bad("unknown style", GOOD + "style: picture-bok\n", "style", "not a style", "picture-bok", "",
        "`picture-book`", 3),
    Bad("a path in an id", GOOD + "model: ../../etc/passwd\n", "model", "not a model",
        "../../etc/passwd", "", "Known: reelyard-demo", 3),
    Bad("unknown transition", scene("transition: wipe"), "scenes[0].transition", "not one of",
        "wipe", "cut or crossfade", "Choose", 3),
    # Scenes.
    Bad("no scenes", "title: x\n", "scenes", "is missing", remedy="Add"),
    Bad("empty scenes", "scenes: []\n", "scenes", "at least one scene", "[]", "at least 1", "Add",
        1),
    Bad("scenes are text", "scenes: hello\n", "scenes", "list of scenes", "hello", "", "picture",
        1),
    Bad("scenes are a mapping", "scenes: {a: b}\n", "scenes", "list of scenes", '{"a": "b"}',
        line=1),
    Bad("a scene is text", "scenes:\n  - a boat\n", "scenes[0]", "must be a scene", "a boat", "",
        "`- picture: ...`", 2),
    Bad("first scene continues", scene("continue: true"), "scenes[0].continue", "none before it",
        "true", "", "Take it out", 3),
    Bad("continues with a model that cannot",
        GOOD + "  - picture: x\n    continue: true\n    model: mochi-1-preview\n",
        "scenes[1].continue", "cannot start from a picture", "true", "", "choose one of", 4),
    Bad("too many scenes", "scenes:\n" + "  - picture: x\n" * 201, "scenes", "too many", "201",
        "200", "two films", 1),
    Bad("too long a film", "scenes:\n" + "  - {picture: x, seconds: 100}\n" * 19, "scenes",
        "too long", "about 1900 s", "1800 s", "Shorten", 1),
    # Files.
    Bad("broken YAML", "title: x\nscenes:\n  - picture: a: b\n", "storyboard", "is not YAML",
        remedy="quotes", line=3),
    Bad("a tab", "scenes:\n\t- picture: x\n", "storyboard", "is not YAML", line=2),
    Bad("alias", "a: &a [1]\nscenes: *a\n", "*a", "aliases are not allowed", "", "",
        "Write", 2),
    Bad("bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nscenes: [*c]\n", "*a",
        "aliases are not allowed", line=2),
    Bad("tag", "title: x\nscenes: !!python/object/apply:os.system ['true']\n", "storyboard",
        "tags are not allowed", "os.system", line=2),
    Bad("binary tag", "title: !!binary aGVsbG8=\n", "storyboard", "tags are not allowed", line=1),
    Bad("deep", "scenes: " + "[" * 13 + "]" * 13, "storyboard", "nested too deeply", "",
        "12 levels", line=1),
    Bad("very deep", "[" * 100_000, "storyboard", "nested too deeply", "", "12 levels", line=1),
    Bad("very deep JSON", '{"a":' * 100_000, "storyboard", "nested too deeply", "", "12 levels",
        media_type=JSON),
    Bad("two documents", GOOD + "---\n" + GOOD, "storyboard", "is not YAML", line=3),
    Bad("broken JSON", '{"scenes":\n [}', "storyboard", "is not JSON", line=2, media_type=JSON),
    Bad("a list", "- a\n", "storyboard", "mapping with `scenes`", "a list", "", "Start with", 1),
    Bad("text", "hello", "storyboard", "mapping with `scenes`", "text", line=1),
    Bad("nothing", "~", "storyboard", "mapping with `scenes`", "nothing", line=1),
    Bad("empty", "", "the script", "is empty", remedy="Write"),
    Bad("blanks", " \n\t\n", "the script", "is empty", remedy="Write"),
    Bad("comments only", "# nothing yet\n", "the script", "is empty", remedy="Write"),
    Bad("a picture file", b"\x89PNG\r\n\x1a\n\x00", "the script", "not text in UTF-8", "byte 0x89",
        "", "Save it"),
    Bad("UTF-16", GOOD.encode("utf-16"), "the script", "not text in UTF-8", "byte 0xff"),
    Bad("NUL", "title: x\nscenes: \0\n", "the script", "not a text file", "U+0000", line=2),
    Bad("escape character", "title: \x1b[31m\n", "the script", "not a text file", "U+001B", line=1),
    Bad("a megabyte", "title: " + "x" * 1_000_000, "the script", "too large", "1000007 bytes",
        "1000000 bytes", "REELYARD_MAX_SCRIPT_BYTES"),
    Bad("very many parts", "scenes:\n" + "- a\n" * 60_000, "storyboard", "too large", "",
        "50000 fields", "several films", 49_998),
    # Plain scripts.
    Bad("unknown direction", "[pictur: x]\nHello.", "[pictur: ...]", "not a direction", "x", "",
        "[picture: ...]", 1, PLAIN),
    Bad("bad number", "[picture: x]\n[seconds: long]\nHello.", "scenes[0].seconds",
        "must be a number", "long", "", "Give a length", 2, PLAIN),
    Bad("bad whole number", "[fps: 12.5]\n\nHello.", "fps", "whole number", "12.5", line=1,
        media_type=PLAIN),
    Bad("bad truth", "Hello.\n\n[continue: maybe]\nBye.", "scenes[1].continue", "true or false",
        "maybe", line=3, media_type=PLAIN),
    Bad("no colon", "[a red boat]\nHello.", "the script", "no direction", "[a red boat]",
        "[name: value]", "without brackets", 1, PLAIN),
    Bad("not closed", "[picture: a red boat\nHello.", "the script", "no direction", line=1,
        media_type=PLAIN),
    Bad("direction twice", "[seconds: 3]\n[seconds: 4]\nHello.", "[seconds: ...]", "given twice",
        "4", "", "Keep one", 2, PLAIN),
    Bad("direction of no scene", "Hello.\n\n[seconds: 4]\n", "[seconds: ...]", "no scene", "4",
        "", "above", 3, PLAIN),
    Bad("nothing to say or see", "[title: x]\n", "scenes", "at least one scene", media_type=PLAIN),
    Bad("six thousand scenes", "x\n\n" * 6_000, "scenes", "more than 5000", line=10_002,
        media_type=PLAIN),
]  # fmt: skip


def problems_of(source: str | bytes, media_type: str, catalog: Catalog) -> tuple[Problem, ...]:
    content = source if isinstance(source, bytes) else source.encode()
    return read_checked(content, media_type, catalog, Settings())[1].problems


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_bad_input_is_explained(bad: Bad, catalog: Catalog) -> None:
    problems = problems_of(bad.source, bad.media_type, catalog)
    told = "\n".join(problem.sentence() for problem in problems)
    of_the_field = [problem for problem in problems if problem.field == bad.field]
    fitting = [problem for problem in of_the_field if bad.message in problem.message]
    assert fitting, told
    problem = fitting[0]
    assert bad.value in problem.value, told
    assert bad.limit in problem.limit, told
    assert bad.remedy in problem.remedy, told
    assert problem.remedy, told
    assert problem.line == bad.line, told
    assert len(told) < 40_000


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(catalog: Catalog) -> None:
    source = (
        "titel: x\nfps: 0\nsize: 3\nmodel: nope\nscenes:\n"
        "  - picture: ''\n    seconds: 0\n    continue: true\n"
        "  - say: x\n    continue: 5\n    voice: hart\n"
        "  - a boat\n"
    )
    problems = problems_of(source, YAML, catalog)
    assert [(problem.line, problem.field) for problem in problems] == [
        (1, "titel"),
        (2, "fps"),
        (3, "size"),
        (4, "model"),
        (6, "scenes[0].picture"),
        (7, "scenes[0].seconds"),
        (8, "scenes[0].continue"),
        (9, "scenes[1].picture"),
        (10, "scenes[1].continue"),
        (11, "scenes[1].voice"),
        (12, "scenes[2]"),
    ]


def test_a_problem_reads_as_one_sentence(catalog: Catalog) -> None:
    [problem] = problems_of(scene("seconds: 0"), YAML, catalog)
    assert problem.sentence() == (
        "line 3: scenes[0].seconds: is too small (got 0; limit more than 0). "
        "Give a length in seconds, or leave it out to follow the narration."
    )


def test_what_nobody_reads_is_not_listed(catalog: Catalog) -> None:
    problems = problems_of("scenes:\n" + "- a\n" * 4_000, YAML, catalog)
    assert len(problems) < 110
    assert any("3900 more problems" in problem.message for problem in problems)


class TestText:
    """What is text stays as it was written."""

    @pytest.mark.parametrize(
        "written", ["007", "no", "1_000", "12:30", "2026-01-05", "0x10", "1e3"]
    )
    def test_as_it_stands_in_yaml(self, written: str) -> None:
        storyboard, _ = read_storyboard(f"title: {written}\n{GOOD}    say: {written}\n", YAML)
        assert (storyboard.title, storyboard.scenes[0].say) == (written, written)

    def test_a_number_in_json_is_its_text(self) -> None:
        storyboard, _ = read_storyboard('{"title": 1984, "scenes": [{"picture": "x"}]}', JSON)
        assert storyboard.title == "1984"

    def test_lines_are_joined_and_control_characters_are_spaces(self) -> None:
        source = '{"scenes": [{"picture": " a\\n red\\u0000\\u001b circle "}]}'
        storyboard, _ = read_storyboard(source, JSON)
        assert storyboard.scenes[0].picture == "a red circle"

    def test_a_field_without_a_value_was_left_out(self) -> None:
        storyboard, _ = read_storyboard(f"title:\nfps:\n{GOOD}    say:\n    seconds:\n", YAML)
        assert (storyboard.title, storyboard.fps) == ("Untitled", None)
        assert (storyboard.scenes[0].say, storyboard.scenes[0].seconds) == ("", None)

    @pytest.mark.parametrize("media_type", [YAML, PLAIN])
    def test_a_byte_order_mark_does_no_harm(self, media_type: str) -> None:
        source = b"\xef\xbb\xbf" + (GOOD.encode() if media_type == YAML else b"[picture: x]")
        assert read_storyboard(source, media_type)[0].scenes

    def test_letters_of_every_script(self) -> None:
        storyboard, _ = read_storyboard(f"title: Der Leuchtturm, 灯台 🎬\n{GOOD}", YAML)
        assert storyboard.title == "Der Leuchtturm, 灯台 🎬"

    @pytest.mark.parametrize("written", ["512x320", "512 x 320", "512X320", "512\u00d7320"])
    def test_a_size_as_people_write_it(self, written: str) -> None:
        storyboard, _ = read_storyboard(f"{GOOD}size: {written}\n", YAML)
        assert storyboard.dimensions == (512, 320)


class TestDraft:
    """What is right is read although something else is wrong."""

    def test_scenes_keep_their_numbers(self) -> None:
        found = draft("scenes:\n  - a boat\n  - picture: x\n    voice: hart\n", YAML)
        assert found.storyboard is not None
        assert found.storyboard.scenes[1].voice == "hart"
        assert [problem.field for problem in found.problems] == ["scenes[0]"]

    def test_the_source_is_left_as_it_was(self) -> None:
        with pytest.raises(InvalidInput):
            read_storyboard(GOOD + "foo: 1\n", YAML)

    def test_lines_are_known_of_good_scripts_too(self) -> None:
        _, where = read_storyboard("title: x\n\n" + GOOD + "    say: hello\n", YAML)
        assert (where.line("title"), where.line("scenes[0].say")) == (1, 5)
        assert where.line("scenes[0].voice") == 4, "the nearest thing around it"
        assert where.line("fps") is None


class TestMediaTypes:
    def test_by_the_ending(self) -> None:
        names = ["a.json", "a.yaml", "a.YML", "a.txt", "a"]
        assert [media_type_of(name) for name in names] == [JSON, YAML, YAML, PLAIN, PLAIN]

    def test_by_the_look_of_it(self) -> None:
        assert guess_media_type(b'\xef\xbb\xbf {"scenes": []}') == JSON
        assert guess_media_type(b"title: x\nscenes:\n  - picture: y") == YAML
        assert guess_media_type(b"All the scenes: one by one.") == PLAIN


UNHURRIED = settings(deadline=None)
FIELDS = st.sampled_from(
    ["title", "model", "size", "fps", "style", "seed", "steps", "guidance", "scenes", "picture",
     "say", "seconds", "voice", "transition", "continue", "negative", "overflow", "<<", "x"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["!!int abc", "!!bool x", "!!float ''", "!!int ''", "*a", "&a b", "? x", "0x",
                     "1:", "2026-13-45", "<<", "=", "- a", "'", '"', "[", "{", "|", ">"]),
)  # fmt: skip
SCENES = st.dictionaries(FIELDS, SCALARS, max_size=5)
DATA = st.dictionaries(FIELDS, st.one_of(SCALARS, st.lists(st.one_of(SCENES, SCALARS), max_size=4)))


def lines_of(data: dict[str, object]) -> str:
    """As YAML that a person might have typed: scalars go in raw."""
    lines = []
    for name, value in data.items():
        if not isinstance(value, list):
            lines.append(f"{name}: {value}")
            continue
        lines.append(f"{name}:")
        for item in value:
            fields = list(item.items()) if isinstance(item, dict) else [(None, item)]
            for index, (inner, given_value) in enumerate(fields):
                start = "  - " if index == 0 else "    "
                lines.append(f"{start}{inner}: {given_value}" if inner else f"  - {given_value}")
    return "\n".join(lines)


def says_nothing_but_invalid_input(source: str | bytes, media_type: str) -> None:
    try:
        storyboard, _ = read_storyboard(source, media_type)
    except InvalidInput as wrong:
        assert wrong.problems
        str(wrong).encode()
        assert all(problem.message and problem.remedy for problem in wrong.problems), wrong
    else:
        again = Storyboard.model_validate_json(storyboard.model_dump_json(by_alias=True))
        assert again == storyboard
        storyboard.model_dump_json().encode()


@UNHURRIED
@given(st.binary(max_size=300), st.sampled_from(MEDIA_TYPES))
def test_any_bytes(source: bytes, media_type: str) -> None:
    says_nothing_but_invalid_input(source, media_type)


@UNHURRIED
@given(st.text(max_size=300), st.sampled_from(MEDIA_TYPES))
def test_any_text(source: str, media_type: str) -> None:
    says_nothing_but_invalid_input(source, media_type)


@UNHURRIED
@given(DATA)
def test_any_yaml(data: dict[str, object]) -> None:
    says_nothing_but_invalid_input(lines_of(data), YAML)


@UNHURRIED
@given(DATA)
def test_any_json(data: dict[str, object]) -> None:
    says_nothing_but_invalid_input(json.dumps(data), JSON)


@UNHURRIED
@given(st.lists(st.one_of(st.text(max_size=20), st.builds("[{}: {}]".format, FIELDS, SCALARS))))
def test_any_plain_script(lines: list[str]) -> None:
    says_nothing_but_invalid_input("\n".join(lines), PLAIN)
