"""Which farm a command means, whose token it shows, and what `@last` is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reelyard.cli.connection import DEFAULT_URL, find
from reelyard.cli.last import remember, resolve
from reelyard.errors import InvalidInput, NotFound

LOCAL = "http://127.0.0.1:9999"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder in which a farm runs."""
    (tmp_path / "token").write_text("of-the-farm\n")
    described = {"api": LOCAL, "token_file": str(tmp_path / "token")}
    (tmp_path / "farm.json").write_text(json.dumps(described))
    return tmp_path


def test_the_farm_in_the_state_folder_with_its_own_token(state: Path) -> None:
    found = find("", None, {"REELYARD_STATE": str(state)})
    assert (found.url, found.token) == (LOCAL, "of-the-farm")


def test_without_any_farm_the_default(tmp_path: Path) -> None:
    found = find("", None, {"REELYARD_STATE": str(tmp_path)})
    assert (found.url, found.token) == (DEFAULT_URL, "")


def test_the_environment_goes_before_the_folder(state: Path) -> None:
    environment = {"REELYARD_STATE": str(state), "REELYARD_URL": "http://lab"}
    assert find("", None, environment).url == "http://lab"


def test_the_flag_goes_before_everything(state: Path) -> None:
    environment = {"REELYARD_STATE": str(state), "REELYARD_URL": "http://lab"}
    assert find("http://studio", None, environment).url == "http://studio"


def test_the_local_token_is_never_shown_to_another_farm(state: Path) -> None:
    assert find("http://elsewhere", None, {"REELYARD_STATE": str(state)}).token == ""


def test_the_local_farm_by_its_address_is_the_local_farm(state: Path) -> None:
    assert find(LOCAL + "/", None, {"REELYARD_STATE": str(state)}).token == "of-the-farm"


def test_tokens_by_precedence(state: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("by-flag")
    (tmp_path / "b").write_text("by-file")
    environment = {
        "REELYARD_STATE": str(state),
        "REELYARD_TOKEN": "by-environment",
        "REELYARD_TOKEN_FILE": str(tmp_path / "b"),
    }
    assert find("", tmp_path / "a", environment).token == "by-flag"
    assert find("", None, environment).token == "by-environment"
    del environment["REELYARD_TOKEN"]
    assert find("", None, environment).token == "by-file"


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--token-file: cannot be read"):
        find("", tmp_path / "none", {})
    with pytest.raises(InvalidInput, match="REELYARD_TOKEN_FILE: cannot be read"):
        find("", None, {"REELYARD_TOKEN_FILE": str(tmp_path)})
    (tmp_path / "picture").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="it is no text"):
        find("", tmp_path / "picture", {})


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"api": null}'])
def test_a_broken_farm_file_is_no_farm(content: str, tmp_path: Path) -> None:
    (tmp_path / "farm.json").write_text(content)
    assert find("", None, {"REELYARD_STATE": str(tmp_path)}).url == DEFAULT_URL


class TestLast:
    def test_each_farm_has_its_own(self, tmp_path: Path) -> None:
        environment = {"XDG_STATE_HOME": str(tmp_path)}
        remember("http://a", "job-1", environment)
        remember("http://b", "job-2", environment)
        remember("http://a", "job-3", environment)
        assert resolve("http://a", "@last", environment) == "job-3"
        assert resolve("http://b", "@last", environment) == "job-2"
        assert resolve("http://b", "@last.s01.voice", environment) == "job-2.s01.voice"

    def test_other_ids_stay_as_they_are(self, tmp_path: Path) -> None:
        assert resolve("http://a", "job-7", {"HOME": str(tmp_path)}) == "job-7"

    def test_nothing_was_submitted_yet(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="no job was submitted"):
            resolve("http://a", "@last", {"HOME": str(tmp_path)})

    def test_a_damaged_memory_is_no_memory(self, tmp_path: Path) -> None:
        environment = {"HOME": str(tmp_path)}
        remember("http://a", "job-1", environment)
        [memory] = tmp_path.rglob("last.json")
        memory.write_text("not json")
        with pytest.raises(NotFound):
            resolve("http://a", "@last", environment)
        remember("http://a", "job-2", environment)
        assert resolve("http://a", "@last", environment) == "job-2"

    def test_where_nothing_can_be_written_nothing_is_remembered(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        remember("http://a", "job-1", {"XDG_STATE_HOME": str(tmp_path / "file")})

    def test_old_farms_are_forgotten(self, tmp_path: Path) -> None:
        environment = {"HOME": str(tmp_path)}
        for number in range(30):
            remember(f"http://{number}", f"job-{number}", environment)
        assert resolve("http://29", "@last", environment) == "job-29"
        with pytest.raises(NotFound):
            resolve("http://0", "@last", environment)
