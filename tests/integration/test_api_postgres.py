"""The same API over PostgreSQL: every query that it asks, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coordinator.api.app import bare_app
from reelyard.rules.text import EXAMPLE
from tests.support.api_in_hand import SCRIPT, ApiInHand, api_in_hand, problem

pytestmark = pytest.mark.postgres


@pytest.fixture
def api(tmp_path: Path, postgres_url: str) -> Iterator[ApiInHand]:
    api = api_in_hand(tmp_path, postgres_url)
    yield api
    api.parts.close()


def test_every_address_answers_over_postgres(api: ApiInHand) -> None:
    api.farm.hello(models=("reelyard-demo",))
    key = {"Idempotency-Key": "k"}
    job_id = api.submitted(headers=key)
    assert api.submit(headers=key).get_json()["created"] is False
    problem(api.submit(SCRIPT + "#", headers=key), 409)
    api.farm.run_all()
    job = api.get(f"/jobs/{job_id}").get_json()
    sha256 = job["film"]["film"]["sha256"]
    api.submitted(SCRIPT.replace("Two scenes", "100% café"))
    api.submitted(SCRIPT.replace("title:", "model: wan2.1-t2v-14b\ntitle:"))
    api.farm.turn()
    token = api.post("/tokens", json={"name": "x"}).get_json()
    put = api.bare.open(
        "/api/v1/rules",
        method="PUT",
        data=EXAMPLE,
        content_type="application/toml",
        headers=api.authorization,
    )
    asked = {
        "job_id": job_id,
        "task_id": f"{job_id}.film",
        "worker_id": "w",
        "sha256": sha256,
        "token_id": token["id"],
        "revision": str(put.get_json()["revision"]),
    }
    for rule in bare_app().url_map.iter_rules():
        path = rule.rule
        for name, value in asked.items():
            path = path.replace(f"<{name}>", value)
        for method in (rule.methods or set()) & {"GET", "DELETE"}:
            with closing(api.bare.open(path, method=method, headers=api.authorization)) as answer:
                beside = "/film" in path or "/artifacts/" in path  # nothing lies in the store
                assert answer.status_code in ({404} if beside else {200, 204}), path
    assert problem(api.post(f"/jobs/{job_id}/cancel"), 409)


def test_words_states_and_pages_over_postgres(api: ApiInHand) -> None:
    ids = [api.submitted(SCRIPT.replace("Two", word)) for word in ("One", "100% CAFE", "a_b")]
    api.farm.clock.advance(1)
    found = api.get("/jobs?q=100%25+cafe&state=queued").get_json()["data"]
    assert [job["id"] for job in found] == [ids[1]]
    assert [j["id"] for j in api.get("/jobs?q=A_B").get_json()["data"]] == [ids[2]]
    page = api.get("/jobs?limit=2").get_json()
    rest = api.get(f"/jobs?limit=2&after={page['next_cursor']}").get_json()
    assert {job["id"] for job in page["data"] + rest["data"]} == set(ids)


def test_figures_over_postgres(api: ApiInHand) -> None:
    api.farm.hello()
    api.submitted()
    api.farm.run_all()
    text = api.bare.get("/metrics").text
    assert "reelyard_database_up 1.0" in text
    assert 'reelyard_task_seconds_sum{kind="video",model="reelyard-demo"} 3.0' in text
    assert "reelyard_voice_seconds_total 2.0" in text
    assert 'outcome="done"} 2.0' in text
    overview = api.get("/overview").get_json()
    assert overview["films_today"] == 1 and overview["video_seconds_today"] > 0


def test_an_artifact_is_found_by_its_content_over_postgres(api: ApiInHand) -> None:
    api.farm.hello()
    job_id = api.submitted()
    api.farm.run_all()
    film = api.get(f"/jobs/{job_id}").get_json()["film"]["film"]
    known = api.parts.views.artifact(film["sha256"])
    assert known is not None and known.media_type == film["media_type"]
    assert api.parts.views.artifact("b" * 64) is None


@pytest.mark.parametrize("text", ["a\0b", "\x07", "\ud83d", "🎬 Ω"])
def test_no_character_breaks_postgres(api: ApiInHand, text: str) -> None:
    """PostgreSQL takes no NUL and no half of a surrogate pair."""
    scenes = [{"picture": f"x {text}", "say": text}]
    source = json.dumps({"title": f"t {text}", "scenes": scenes, "negative": text})
    assert api.submit(source, "application/json").status_code in (202, 422)
    asked = {"q": text.encode("utf-8", "replace")}
    assert api.get("/jobs", query_string=asked).status_code in (200, 422)
    problem(api.get("/jobs", query_string={"after": text.encode("utf-8", "replace")}), 422)
