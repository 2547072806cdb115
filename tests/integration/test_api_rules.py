"""House rules over HTTP: read, tried out, put in force, every revision that there was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from werkzeug.test import TestResponse

from coordinator.store.tables import rules
from reelyard.messages import DeviceReport
from reelyard.rules.text import EXAMPLE
from tests.support.api_in_hand import ApiInHand, api_in_hand, problem
from tests.support.farm_in_hand import CPU

TOML = "application/toml"
CARD = DeviceReport(
    id="cuda:0", kind="cuda", name="NVIDIA GeForce RTX 4090", memory_gib=23.5, free_gib=20.0
)
NIGHTS = """\
timezone = "Europe/Berlin"
[owners.anna]
weight = 2
[pools.cards]
types = ["rtx-*"]
hours = "22:00-06:00"
[tariff]
currency = "EUR"
price_per_kwh = 0.3
"""


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path)


def put(api: ApiInHand, text: str | bytes, match: str = "", **what: Any) -> TestResponse:
    headers = {"If-Match": match} if match else {}
    return api.open("PUT", "/rules", data=text, content_type=TOML, headers=headers, **what)


def check(api: ApiInHand, text: str) -> dict[str, Any]:
    answer = api.post("/rules/check", data=text, content_type=TOML)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def test_a_farm_without_any(api: ApiInHand) -> None:
    answer = api.get("/rules")
    found = answer.get_json()
    assert (found["revision"], found["at"], found["text"]) == (0, None, "")
    assert answer.headers["ETag"] == '"0"'
    assert found["rules"]["default_owner"]["weight"] == 1 and found["rules"]["pools"] == []
    assert api.get("/rules/history").get_json() == {"data": [], "has_more": False}


def test_what_is_put_in_force_says_what_it_does_now(api: ApiInHand) -> None:
    api.farm.hello(CPU, CARD)
    api.farm.turn()
    answer = put(api, NIGHTS)
    found = answer.get_json()
    assert answer.status_code == 200 and answer.headers["ETag"] == '"1"'
    assert (found["revision"], found["who"], found["text"]) == (1, "anna", NIGHTS)
    (pool,) = found["rules"]["pools"]
    assert pool["devices"] == ["cuda:0 of w"]
    now = datetime.fromtimestamp(api.farm.clock.now(), UTC)
    assert (now.hour, pool["hours"]["is_open"]) == (8, False)
    assert pool["hours"]["changes_at"] == f"{now:%Y-%m-%d}T21:00:00Z"
    assert found["rules"]["tariff"]["price_now"] == 0.3
    assert found == api.get("/rules").get_json() and found["notes"] == []


def test_the_loop_is_rung(api: ApiInHand, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(api.parts.intake, "wake", lambda: rung.append(True))
    put(api, NIGHTS)
    put(api, "owners = 3")
    assert rung == [True]


def test_only_what_was_read_is_changed(api: ApiInHand) -> None:
    assert put(api, NIGHTS, '"0"').status_code == 200
    refused = put(api, "", '"0"')
    assert "revision 1 is in force" in problem(refused, 412)["detail"]
    assert refused.headers["ETag"] == '"1"'
    assert put(api, EXAMPLE, "1").status_code == put(api, NIGHTS, "*").status_code == 200
    assert api.get("/rules").get_json()["revision"] == 3
    problem(put(api, EXAMPLE, "yesterday's"), 422)


def test_every_problem_at_once_and_nothing_is_stored(api: ApiInHand) -> None:
    text = "[owners.anna]\nwieght = 2\nweight = -1\n"
    found = problem(put(api, text), 422)
    assert [(item["field"], item["line"]) for item in found["errors"]] == [
        ("owners.anna.wieght", 2),
        ("owners.anna.weight", 3),
    ]
    assert found["errors"][0]["remedy"] == "Did you mean `weight`?"
    assert check(api, text)["problems"] == found["errors"] and check(api, text)["rules"] is None
    assert api.get("/rules").get_json()["revision"] == 0


def test_trying_out_tells_what_would_be_different(api: ApiInHand) -> None:
    put(api, NIGHTS)
    found = check(api, NIGHTS.replace("weight = 2", "weight = 4") + "[owners.eve]\n")
    assert found["changes"] == ["owner anna: weight is 4 (was 2)", "owner eve is new"]
    assert found["notes"] == ["owners.eve: no token has the name 'eve'"]
    assert found["rules"]["owners"][0]["weight"] == 4 and found["problems"] == []
    assert api.get("/rules").get_json()["revision"] == 1


def test_history_and_older_revisions(api: ApiInHand) -> None:
    for text in (NIGHTS, "", NIGHTS):
        put(api, text)
    page = api.get("/rules/history?limit=2").get_json()
    assert [one["revision"] for one in page["data"]] == [3, 2] and page["has_more"]
    assert "owner anna is gone" in page["data"][1]["sentence"]
    page = api.get("/rules/history?before=2").get_json()
    assert [one["revision"] for one in page["data"]] == [1] and not page["has_more"]
    assert api.get("/rules/history/1").get_json()["text"] == NIGHTS
    for other in ("0", "4", "-1", "x", "9" * 30):
        assert "history" in problem(api.get(f"/rules/history/{other}"), 404)["remedy"]
    problem(api.get("/rules/history?limit=0"), 422)


def test_what_this_version_cannot_read_is_shown_and_said(api: ApiInHand) -> None:
    with api.farm.database.write() as connection:
        values = {"revision": 1, "at": 1.0, "who": "tomorrow", "text": "colour = 1"}
        connection.execute(insert(rules).values(**values))
    found = api.get("/rules").get_json()
    assert found["text"] == "colour = 1" and "is not a field of the rules" in found["notes"][0]
    assert put(api, NIGHTS, '"1"').status_code == 200


def test_bodies_that_are_none(api: ApiInHand) -> None:
    assert put(api, b"\xef\xbb\xbf" + NIGHTS.encode()).status_code == 200
    problem(put(api, b"\xff\xfe"), 422)
    refused = api.open("PUT", "/rules", json={"text": ""})
    assert TOML in problem(refused, 415)["remedy"]
    plain = api.open("PUT", "/rules", data="", content_type="text/plain; charset=utf-8")
    assert plain.status_code == 200
    large = put(api, b"#" * (api.parts.settings.max_script_bytes + 1))
    assert large.status_code == 413


def test_strangers_see_and_change_nothing(api: ApiInHand) -> None:
    for method, path in (
        ("GET", "/rules"),
        ("PUT", "/rules"),
        ("POST", "/rules/check"),
        ("GET", "/rules/history"),
        ("GET", "/rules/history/1"),
    ):
        answer = api.bare.open(f"/api/v1{path}", method=method, data=NIGHTS, content_type=TOML)
        problem(answer, 401)
