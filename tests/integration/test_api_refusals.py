"""Bad input over HTTP: each kind gets a problem document that helps, and nothing is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from coordinator.api.app import make_parts, with_parts
from coordinator.store.database import Database
from coordinator.store.tables import events, jobs, tasks
from tests.support.api_in_hand import SCRIPT, YAML, ApiInHand, api_in_hand, problem
from tests.support.services import needs_module

LIMITS = {"max_script_bytes": 40_000, "max_scenes": 3, "max_film_seconds": 60.0}


@dataclass(frozen=True)
class Bad:
    """A storyboard that is wrong, and what the refusal must name."""

    source: str | bytes
    field: str = ""
    value: str = ""
    limit: str = ""
    line: int | None = None
    media_type: str = YAML
    status: int = 422


def scene(**fields: object) -> str:
    return json.dumps({"scenes": [{"picture": "a red circle", **fields}]})


def film(**fields: object) -> str:
    return json.dumps({"scenes": [{"picture": "a red circle"}], **fields})


JSON = "application/json"
KINDS = {
    "unknown field": Bad(SCRIPT + "colour: red\n", "colour", "red", line=7),
    "unknown field of a scene": Bad(scene(sya="Hi"), "scenes[0].sya", "Hi", media_type=JSON),
    "no scenes": Bad("title: Empty\nscenes: []\n", "scenes", "[]", "at least 1"),
    "nothing at all": Bad("", "the script"),
    "zero seconds": Bad(SCRIPT.replace("2", "0"), "scenes[1].seconds", "0", "more than 0", 6),
    "too short a scene": Bad(scene(seconds=0.1), "scenes[0].seconds", "0.1", "0.5", 1, JSON),
    "too long a scene": Bad(scene(seconds=1e9), "scenes[0].seconds", "1e+09", "120", 1, JSON),
    "no number": Bad(SCRIPT.replace("2", "two"), "scenes[1].seconds", "two", line=6),
    "not a number": Bad(SCRIPT.replace("2", ".nan"), "scenes[1].seconds", "", line=6),
    "10,000 characters": Bad(scene(say="x" * 10_000), "scenes[0].say", "10000", "2000", 1, JSON),
    "odd size": Bad(film(size="333x211"), "size", "333x211", "multiples of", 1, JSON),
    "no size": Bad(film(size="large"), "size", "large", line=1, media_type=JSON),
    "enormous size": Bad(film(size="8000x8000"), "size", "8000x8000", "pixels", 1, JSON),
    "zero frames a second": Bad(film(fps=0), "fps", "0", "at least 1", 1, JSON),
    "unknown model": Bad(film(model="wan9"), "model", "wan9", line=1, media_type=JSON),
    "unknown voice": Bad(film(voice="hart"), "voice", "hart", line=1, media_type=JSON),
    "unknown style": Bad(film(style="baroque"), "style", "baroque", line=1, media_type=JSON),
    "too many scenes": Bad(film(scenes=[{"picture": "x"}] * 4), "scenes", "4", "3", 1, JSON),
    "too long a film": Bad(
        film(scenes=[{"picture": "x", "seconds": 50}] * 2), "scenes", "100 s", "60 s", 1, JSON
    ),
    "nothing before it": Bad(scene(**{"continue": True}), "scenes[0].continue", media_type=JSON),
    "broken YAML": Bad("scenes:\n  - picture: [\n", "storyboard", line=3),
    "broken JSON": Bad('{"scenes": [', "storyboard", line=1, media_type=JSON),
    "not text": Bad(b"scenes:\n  - picture: \xff\xfe\x00", "the script", "0xff"),
    "a film, not a script": Bad(b"\x00\x00\x00\x20ftypisom", "the script", media_type="text/plain"),
    "a list": Bad("- a\n- b\n", "storyboard", "list"),
    "an alias bomb": Bad("a: &a [x]\nb: *a\n", "*a", line=2),
    "a Python tag": Bad("!!python/object/apply:os.system ['true']\n", "storyboard"),
    "nested without end": Bad("[" * 3_000, "storyboard", media_type=JSON),
    "given twice": Bad("title: a\ntitle: b\nscenes: [{picture: x}]\n", "title", line=2),
    "unknown direction": Bad("[pixture: x]\nHi.\n", "[pixture: ...]", media_type="text/plain"),
    "half a character": Bad(
        '{"title": "\\ud800", "scenes": [{"picture": "x"}]}', "title", media_type=JSON
    ),
    "too large": Bad("#" * 40_001, media_type=YAML, status=413),
    "no type": Bad(SCRIPT, media_type="", status=415),
    "of a form": Bad(SCRIPT, media_type="application/x-www-form-urlencoded", status=415),
    "another alphabet": Bad(SCRIPT, media_type="text/plain; charset=latin-1", status=415),
}


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path, **LIMITS)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> ApiInHand:
    """For tests that change nothing."""
    return api_in_hand(tmp_path_factory.mktemp("empty"), **LIMITS)


def stored(api: ApiInHand) -> list[int]:
    with api.farm.database.read() as connection:
        return [
            int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (jobs, tasks, events)
        ]


def test_bad_storyboards_are_refused_with_what_helps_and_nothing_is_stored(api: ApiInHand) -> None:
    wrong = {}
    for name, bad in KINDS.items():
        try:
            held(bad, api)
        except AssertionError as failed:
            wrong[name] = str(failed)
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())
    assert stored(api) == [0, 0, 0]


def held(bad: Bad, api: ApiInHand) -> None:
    """The refusal names what the kind says, and what to do."""
    found = problem(api.submit(bad.source, bad.media_type), bad.status)
    if bad.status != 422:
        assert found["remedy"], found
        return
    assert found["errors"], found
    items = {item["field"]: item for item in found["errors"]}
    assert bad.field in items, found
    item = items[bad.field]
    assert item["message"] and item["remedy"], item
    assert bad.value in item["value"] and bad.limit in item["limit"], item
    assert bad.line in (None, item.get("line")), item
    dry = api.post("/jobs/validate", data=bad.source, content_type=bad.media_type)
    assert dry.status_code == 200 and dry.get_json()["problems"][0]["field"] in items


def test_there_are_at_least_twenty_kinds() -> None:
    assert len(KINDS) >= 20


REQUESTS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/jobs?priority=101", {"data": SCRIPT, "content_type": YAML}, 422, "priority"),
    ("POST", "/jobs?priority=high", {"data": SCRIPT, "content_type": YAML}, 422, "priority"),
    (
        "POST",
        "/jobs",
        {"data": SCRIPT, "content_type": YAML, "headers": {"Idempotency-Key": "k" * 201}},
        422,
        "Idempotency-Key",
    ),
    ("GET", "/jobs?limit=0", {}, 422, "limit"),
    ("GET", "/jobs?limit=1000", {}, 422, "limit"),
    ("GET", "/jobs?limit=", {}, 422, "limit"),
    ("GET", "/jobs?state=finished", {}, 422, "state.0"),
    ("GET", "/jobs?after=job-nowhere", {}, 422, "after"),
    ("GET", "/jobs?q=%00", {}, 422, "q"),
    ("GET", "/overview?minutes=0", {}, 422, "minutes"),
    ("GET", "/overview?minutes=1e99", {}, 422, "minutes"),
    ("GET", "/events?after=-1", {}, 422, "after"),
    ("GET", "/events?after=99999999999999999999", {}, 422, "after"),
    ("GET", "/events", {"headers": {"Last-Event-ID": "x"}}, 422, "Last-Event-ID"),
    ("POST", "/tokens", {"json": {}}, 422, "name"),
    ("POST", "/tokens", {"json": {"name": "a\r\nb"}}, 422, "name"),
    ("POST", "/tokens", {"json": {"name": 7}}, 422, "name"),
    ("POST", "/tokens", {"json": {"name": "a", "scope": "all"}}, 422, "scope"),
    ("POST", "/tokens", {"json": ["a"]}, 422, "body"),
    ("POST", "/tokens", {"data": "{", "content_type": JSON}, 422, "body"),
    ("POST", "/tokens", {"data": "name=a", "content_type": "text/plain"}, 415, ""),
]


@pytest.mark.parametrize(("method", "path", "what", "status", "field"), REQUESTS)
def test_bad_requests_name_the_field(
    empty: ApiInHand, method: str, path: str, what: dict[str, Any], status: int, field: str
) -> None:
    found = problem(empty.open(method, path, **what), status)
    assert found["remedy"]
    if field:
        assert [item["field"] for item in found["errors"]] == [field]
        assert found["errors"][0]["message"] and found["errors"][0]["remedy"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/jobs/", 404),
        ("PUT", "/api/v1/jobs", 405),
        ("POST", "/api/v1/health", 405),
        ("DELETE", "/api/v1/workers/w", 405),
        ("GET", "/jobs/job-7k3m9x2qab", 404),
        ("GET", "/jobs/job-7k3m9x2qab/film", 404),
        ("POST", "/jobs/job-7k3m9x2qab/cancel", 404),
        ("GET", "/jobs/job-7k3m9x2qab/events", 404),
        ("GET", "/jobs/job-7k3m9x2qab/why", 404),
        ("GET", "/tasks/job-7k3m9x2qab.film", 404),
        ("GET", "/workers/nobody", 404),
        ("DELETE", "/tokens/deadbeef", 404),
        ("GET", f"/artifacts/{'0' * 64}", 404),
        ("GET", f"/artifacts/{'A' * 64}", 404),
    ],
)
def test_what_is_not_there(empty: ApiInHand, method: str, path: str, status: int) -> None:
    answer = empty.open(method, path)
    assert problem(answer, status)["remedy"]
    if status == 405:
        assert answer.headers["Allow"]


PATHS = ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "a%0d%0ab", "%25", "a" * 5_000, "%ff"]
PATHS += ["%F0%9F%98%80", "'; DROP TABLE jobs; --", "%ed%a0%80", "job-*", "_", "%5c", "a.."]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_in_the_place_of_an_id_is_an_id_that_is_not_there(
    empty: ApiInHand, name: str
) -> None:
    for place in ("jobs/{}", "jobs/{}/film", "tasks/{}", "artifacts/{}", "workers/{}"):
        assert problem(empty.get("/" + place.format(name)), 404)["remedy"]
    assert problem(empty.open("DELETE", f"/tokens/{name}"), 404)["remedy"]


def test_no_control_character_is_stored(api: ApiInHand) -> None:
    """PostgreSQL would refuse a NUL; a title with a line break would break lists."""
    source = json.dumps({"title": "a\0b\nc", "scenes": [{"picture": "x\0", "say": "\u0007ring"}]})
    job_id = api.submitted(source, media_type=JSON)
    storyboard = api.get(f"/jobs/{job_id}").get_json()["storyboard"]
    assert storyboard["title"] == "a b c"
    assert storyboard["scenes"][0]["picture"] == "x" and storyboard["scenes"][0]["say"] == "ring"


def test_what_nobody_foresaw_is_a_plain_problem_and_in_the_log(
    api: ApiInHand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(api.parts.views), "jobs", broken)
    found = problem(api.get("/jobs"), 500)
    assert "secret detail" not in json.dumps(found) and "secret detail" in caplog.text


def test_a_database_that_is_away_is_said_to_be_away(empty: ApiInHand) -> None:
    needs_module("psycopg")
    nobody = Database("postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing")
    farm = empty.farm
    parts = make_parts(
        empty.parts.settings, nobody, empty.store, farm.intake, farm.catalog, farm.clock
    )
    client = with_parts(parts).test_client()
    answer = client.get("/api/v1/jobs", headers=empty.authorization)
    assert problem(answer, 503)["remedy"] and answer.headers["Retry-After"]
    health = client.get("/api/v1/health")
    assert health.status_code == 503 and health.get_json()["status"] == "down"
    assert "secret" not in answer.text + health.text
    metrics = client.get("/metrics").text
    assert "reelyard_database_up 0.0" in metrics and "reelyard_jobs" not in metrics
