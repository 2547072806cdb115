"""Which deadlines will be held, over HTTP: read from a real database, edges and all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_in_hand import SCRIPT, YAML, ApiInHand, api_in_hand, problem

HOUR = 3600.0


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    made = api_in_hand(tmp_path)
    made.farm.hello()
    made.farm.turn()
    return made


def submit(api: ApiInHand, hours: float | None = None, **query: Any) -> str:
    if hours is not None:
        at = datetime.fromtimestamp(api.farm.clock.now() + hours * HOUR, UTC)
        query["deadline"] = at.isoformat().replace("+00:00", "Z")
    answer = api.post("/jobs", data=SCRIPT, content_type=YAML, query_string=query)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["job"]["id"])


def risks(api: ApiInHand, job: str = "") -> dict[str, Any]:
    answer = api.get("/risk" + (f"?job={job}" if job else ""))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def seconds(api: ApiInHand, text: str) -> float:
    return datetime.fromisoformat(text).timestamp() - api.farm.clock.now()


def test_only_jobs_that_have_a_deadline_the_soonest_first(api: ApiInHand) -> None:
    assert risks(api)["data"] == []
    later, _, sooner = submit(api, 20), submit(api), submit(api, 10)
    found = risks(api)
    assert [one["job_id"] for one in found["data"]] == [sooner, later]
    assert {one["verdict"] for one in found["data"]} == {"held"}
    assert found["played"] == 12 and found["notes"] == []  # a voice, two shots, a film
    assert [one["job_id"] for one in risks(api, later[:9])["data"]] == [later]


def test_the_film_ends_after_its_last_shot(api: ApiInHand) -> None:
    submit(api, 10)
    (one,) = risks(api)["data"]
    likely, last = seconds(api, one["ending"]["likely"]), seconds(api, one["last"]["ends"])
    assert likely == pytest.approx(last + 15, abs=0.1)  # what a film is reckoned at
    assert one["last"]["label"].endswith("picture")
    assert one["late_seconds"] == pytest.approx(likely - 10 * HOUR, abs=0.1)
    soonest, latest = (seconds(api, one["ending"][name]) for name in ("soonest", "latest"))
    assert soonest < likely < latest


def test_what_is_under_way_goes_on_as_predicted(api: ApiInHand) -> None:
    submit(api, 10)
    before = seconds(api, risks(api)["data"][0]["ending"]["likely"])
    api.farm.turn()  # now it is under way
    (one,) = risks(api)["data"]
    assert seconds(api, one["ending"]["likely"]) == pytest.approx(before, rel=0.05)


def test_a_job_behind_others_would_be_held_in_front_of_them(api: ApiInHand) -> None:
    for _ in range(8):
        submit(api, 550 / HOUR, priority=90)
    late = submit(api, 60 / HOUR, priority=10)
    found = risks(api)["data"][0]
    assert found["job_id"] == late and found["late_seconds"] > 0
    assert found["verdict"] == "late" and found["remedy"]["kind"] == "jump"
    assert found["remedy"]["command"] == f"reelyard jump {late}"
    assert api.post(f"/jobs/{late}/jump").status_code == 200
    after = risks(api)["data"][0]
    assert after["verdict"] in ("held", "tight") and after["remedy"] is None
    assert after["ending"]["likely"] == found["remedy"]["ends"]


def test_a_job_that_is_held_says_so_at_once(api: ApiInHand) -> None:
    job = submit(api, 10)
    assert risks(api)["data"][0]["verdict"] == "held"
    api.post(f"/jobs/{job}/hold", json={"because": "the wrong voice"})
    (one,) = risks(api)["data"]
    assert one["verdict"] == "stopped" and "held: the wrong voice" in one["because"]
    assert one["remedy"]["command"] == f"reelyard release {job}"


def test_the_same_answer_for_a_while_and_a_new_one_after_it(api: ApiInHand) -> None:
    submit(api, 10)
    first = risks(api)
    api.farm.clock.advance(5.0)
    assert risks(api) == first
    api.farm.clock.advance(6.0)
    assert risks(api)["at"] != first["at"]


def test_a_job_without_a_deadline_and_one_that_is_not_there(api: ApiInHand) -> None:
    job = submit(api)
    assert risks(api, job) | {"at": ""} == {
        "at": "",
        "data": [],
        "notes": [f"{job} is over or has no deadline"],
        "played": 0,
    }
    problem(api.get("/risk?job=job-nobody"), 404)
    problem(api.get("/risk?job=..%2Fetc"), 404)


def test_more_than_can_be_looked_at(api: ApiInHand) -> None:
    submit(api, 10)
    api.parts.risks.most_tasks = 3
    (one,) = risks(api)["data"]
    assert one["verdict"] == "unknown"
    assert one["because"] == "nobody can tell: 4 tasks wait, and at most 3 are looked at"
