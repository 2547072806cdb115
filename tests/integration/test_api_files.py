"""Films and other files over HTTP: whole, in part, under safe types, as downloads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.http import parse_options_header

from reelyard.artifact import Artifact
from reelyard.messages import RunTask
from reelyard.task import ComposeWork, FilmResult
from tests.support.api_in_hand import SCRIPT, ApiInHand, api_in_hand, problem

CONTENT = bytes(range(256)) * 40
TITLE = 'Die "Möwe" / 1: x?'


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path)


@pytest.fixture
def sha(api: ApiInHand, tmp_path: Path) -> str:
    return api.kept(tmp_path, CONTENT, "clip.mp4", "video/mp4")


def asked(api: ApiInHand, sha: str, headers: dict[str, str], method: str = "GET") -> Any:
    return api.open(method, f"/artifacts/{sha}?type=video/mp4", headers=headers)


def test_a_whole_file(api: ApiInHand, sha: str) -> None:
    answer = asked(api, sha, {})
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{sha}"'
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked_for", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, 10_239),
        ("bytes=-100", 10_140, 10_239),
        ("bytes=10239-", 10_239, 10_239),
        ("bytes=10000-99999", 10_000, 10_239),
        ("bytes=-99999", 0, 10_239),
        ("Bytes = 5-6", 5, 6),
    ],
)
def test_a_part_of_a_file(api: ApiInHand, sha: str, asked_for: str, first: int, last: int) -> None:
    answer = asked(api, sha, {"Range": asked_for})
    assert (answer.status_code, answer.data) == (206, CONTENT[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked_for", ["bytes=10240-", "bytes=99999-100000"])
def test_a_part_that_is_not_there(api: ApiInHand, sha: str, asked_for: str) -> None:
    answer = asked(api, sha, {"Range": asked_for})
    assert problem(answer, 416)["remedy"]
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "asked_for",
    [
        *("bytes=0-1,5-6", "bytes=9-5", "bytes=a-b", "lines=0-1", "bytes", "bytes=", "0-5"),
        *("bytes=--1", "bytes=" + "9" * 5_000 + "-"),
    ],
)
def test_what_is_no_range_means_the_whole_file(api: ApiInHand, sha: str, asked_for: str) -> None:
    answer = asked(api, sha, {"Range": asked_for})
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert "Content-Range" not in answer.headers


def test_a_condition_on_a_range(api: ApiInHand, sha: str) -> None:
    part = {"Range": "bytes=0-9"}
    assert asked(api, sha, {**part, "If-Range": f'"{sha}"'}).status_code == 206
    for other in ('"another"', f'W/"{sha}"', "Wed, 25 Nov 2026 08:00:00 GMT"):
        answer = asked(api, sha, {**part, "If-Range": other})
        assert (answer.status_code, answer.data) == (200, CONTENT)


def test_who_has_it_gets_no_bytes(api: ApiInHand, sha: str) -> None:
    answer = asked(api, sha, {"If-None-Match": f'"{sha}"'})
    assert (answer.status_code, answer.data) == (304, b"")
    assert asked(api, sha, {"If-None-Match": '"another"'}).status_code == 200


def test_head_tells_all_but_the_bytes(api: ApiInHand, sha: str) -> None:
    whole = asked(api, sha, {}, "HEAD")
    assert (whole.status_code, whole.data) == (200, b"")
    assert whole.headers["Content-Length"] == str(len(CONTENT))
    part = asked(api, sha, {"Range": "bytes=0-9"}, "HEAD")
    assert (part.status_code, part.headers["Content-Length"]) == (206, "10")
    assert asked(api, "0" * 64, {}, "HEAD").status_code == 404


def test_an_empty_file(api: ApiInHand, tmp_path: Path) -> None:
    sha = api.kept(tmp_path, b"", "empty.txt", "text/plain")
    answer = api.get(f"/artifacts/{sha}")
    assert (answer.status_code, answer.data) == (200, b"")
    assert problem(api.get(f"/artifacts/{sha}", headers={"Range": "bytes=0-"}), 416)


@pytest.mark.parametrize(
    ("given", "sent", "inline"),
    [
        ("image/png", "image/png", True),
        ("text/vtt", "text/vtt; charset=utf-8", True),
        ("text/html", "application/octet-stream", False),
        ("image/svg+xml", "application/octet-stream", False),
        ("application/javascript", "application/octet-stream", False),
        ("", "application/octet-stream", False),
        ("nonsense", "application/octet-stream", False),
    ],
)
def test_only_safe_types_are_shown_inline(
    api: ApiInHand, sha: str, given: str, sent: str, inline: bool
) -> None:
    answer = api.get(f"/artifacts/{sha}", query_string={"type": given, "name": "x"})
    assert answer.headers["Content-Type"] == sent
    how = parse_options_header(answer.headers["Content-Disposition"])[0]
    assert how == ("inline" if inline else "attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"; filename="evil.exe', "a_; filename=_evil.exe"),
        ("Möwe 鳥.mp4", "Möwe 鳥.mp4"),
        ("鳥", "鳥"),
        ("...", "file"),
        ("x" * 200, "x" * 150),
    ],
)
def test_a_download_is_named_so_that_nothing_else_is_said(
    api: ApiInHand, sha: str, name: str, saved: str
) -> None:
    answer = api.get(f"/artifacts/{sha}", query_string={"download": "1", "name": name})
    how, options = parse_options_header(answer.headers["Content-Disposition"])
    assert (how, options["filename"]) == ("attachment", saved)


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "a\nb", "\x00", "\x7f"])
def test_no_header_is_smuggled_in_by_a_name(api: ApiInHand, sha: str, name: str) -> None:
    answer = api.get(f"/artifacts/{sha}", query_string={"name": name})
    assert problem(answer, 422)["errors"][0]["field"] == "name"
    assert "Set-Cookie" not in answer.headers


def film_of(api: ApiInHand, folder: Path, said: bool = True) -> str:
    """A job whose film is in the store."""
    api.farm.hello()
    job_id = api.submitted(SCRIPT.replace("Two scenes", json.dumps(TITLE)))
    result = FilmResult(
        film=stored(api, folder, b"film" * 100, "film.mp4", "video/mp4"),
        poster=stored(api, folder, b"poster", "poster.jpg", "image/jpeg"),
        sheet=stored(api, folder, b"sheet", "sheet.jpg", "image/jpeg"),
        subtitles=stored(api, folder, b"WEBVTT\n", "film.vtt", "text/vtt") if said else None,
        frames=96,
        seconds=8.0,
        lufs=-16.0,
        true_peak_db=-1.5,
    )
    for _ in range(20):
        for order in api.farm.turn():
            finish(api, order, result)
    assert api.get(f"/jobs/{job_id}").get_json()["state"] == "done"
    return job_id


def stored(api: ApiInHand, folder: Path, content: bytes, name: str, media_type: str) -> Artifact:
    sha256 = api.kept(folder, content, name, media_type)
    assert sha256 == hashlib.sha256(content).hexdigest()
    return Artifact(name=name, media_type=media_type, size_bytes=len(content), sha256=sha256)


def finish(api: ApiInHand, order: RunTask, film: FilmResult) -> None:
    api.farm.started(order)
    api.farm.finished(order)
    if isinstance(order.work, ComposeWork):
        report = api.farm.reports[-1]
        assert isinstance(report, dict)
        report["result"] = film.model_dump(mode="json")


def test_a_film_with_what_lies_beside_it(api: ApiInHand, tmp_path: Path) -> None:
    job_id = film_of(api, tmp_path)
    film = api.get(f"/jobs/{job_id}/film")
    assert (film.status_code, film.data) == (200, b"film" * 100)
    assert film.headers["Content-Type"] == "video/mp4"
    assert film.headers["Cache-Control"] == "private, no-cache"
    part = api.get(f"/jobs/{job_id}/film", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, b"film")
    subtitles = api.get(f"/jobs/{job_id}/film/subtitles")
    assert subtitles.data == b"WEBVTT\n"
    assert subtitles.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert api.get(f"/jobs/{job_id}/film/poster").data == b"poster"
    assert api.get(f"/jobs/{job_id}/film/sheet").data == b"sheet"
    saved = api.get(f"/jobs/{job_id}/film?download=true").headers["Content-Disposition"]
    how, options = parse_options_header(saved)
    assert (how, options["filename"]) == ("attachment", "Die _Möwe_ _ 1_ x_.mp4")
    assert api.open("HEAD", f"/jobs/{job_id}/film").headers["Content-Length"] == "400"


def test_an_artifact_has_the_name_and_type_its_task_gave_it(api: ApiInHand, tmp_path: Path) -> None:
    job = api.get(f"/jobs/{film_of(api, tmp_path)}").get_json()
    poster = job["film"]["poster"]
    for _ in range(2):  # from the database, then from memory
        answer = api.get(f"/artifacts/{poster['sha256']}?type=text/plain")
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert "poster.jpg" in answer.headers["Content-Disposition"]
    named = api.get(f"/artifacts/{poster['sha256']}?name=mine.jpg")
    assert "mine.jpg" in named.headers["Content-Disposition"]


def test_a_film_that_is_not_there_yet_says_how_the_job_stands(api: ApiInHand) -> None:
    job_id = api.submitted()
    for beside in ("", "/subtitles", "/poster", "/sheet"):
        said = problem(api.get(f"/jobs/{job_id}/film{beside}"), 404)
        assert "queued" in said["detail"] and "watch" in said["remedy"]


def test_a_silent_film_has_no_subtitles(api: ApiInHand, tmp_path: Path) -> None:
    job_id = film_of(api, tmp_path, said=False)
    assert "no subtitles" in problem(api.get(f"/jobs/{job_id}/film/subtitles"), 404)["detail"]
    assert api.get(f"/jobs/{job_id}/film").status_code == 200


def test_a_file_that_was_lost_is_a_problem_not_an_empty_answer(
    api: ApiInHand, tmp_path: Path
) -> None:
    job_id = film_of(api, tmp_path)
    sha256 = api.get(f"/jobs/{job_id}").get_json()["film"]["film"]["sha256"]
    (tmp_path / "artifacts/sha256" / sha256[:2] / sha256).unlink()
    problem(api.get(f"/jobs/{job_id}/film"), 404)
    problem(api.get(f"/artifacts/{sha256}"), 404)
