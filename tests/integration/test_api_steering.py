"""What is asked of a job's turn over HTTP: at its submission, and after."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from coordinator.store.ledger import Ledger
from coordinator.store.rules import put_rules
from reelyard.rules.parse import parse
from tests.support.api_in_hand import SCRIPT, YAML, ApiInHand, api_in_hand, problem

HOUR = 3600.0


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> ApiInHand:
    """For tests that do not mind what is there already."""
    return api_in_hand(tmp_path_factory.mktemp("shared"))


def at(api: ApiInHand, hours: float) -> str:
    """RFC 3339, so many hours from the farm's now."""
    moment = datetime.fromtimestamp(api.farm.clock.now() + hours * HOUR, UTC)
    return moment.isoformat().replace("+00:00", "Z")


def asked(api: ApiInHand, **query: Any) -> Any:
    return api.post("/jobs", data=SCRIPT, content_type=YAML, query_string=query)


def pools(api: ApiInHand, *names: str) -> None:
    """The house rules have these pools."""
    text = "".join(f"[pools.{name}]\n" for name in names)
    with api.farm.database.write() as connection:
        put_rules(Ledger(connection, api.farm.clock.now()), text, parse(text), "anna")


def test_a_job_is_taken_with_what_was_asked(api: ApiInHand) -> None:
    pools(api, "night", "lab")
    query = {"band": "batch", "deadline": at(api, 9), "start_after": at(api, 1)}
    answer = asked(api, **query, pool=["night", "lab"], tag="big,fast", priority=70)
    assert answer.status_code == 202 and answer.get_json()["queue_position"] == 0
    job = api.get(f"/jobs/{answer.get_json()['job']['id']}").get_json()
    assert {name: job[name] for name in query} == query
    assert (job["pools"], job["tags"]) == (["night", "lab"], ["big", "fast"])
    assert (job["held_because"], job["rank"], job["priority"]) == (None, 0.0, 70)


@pytest.mark.parametrize(("said", "kept"), [("", "by anna"), ("look first", "look first")])
def test_a_job_is_taken_and_held(shared: ApiInHand, said: str, kept: str) -> None:
    job = asked(shared, hold=said).get_json()["job"]
    assert job["held_because"] == kept


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"band": "urgent"}, "band"),
        ({"deadline": "tomorrow"}, "deadline"),
        ({"deadline": "2026-11-27T07:00:00"}, "deadline"),
        ({"deadline": "2001-01-01T00:00:00Z"}, "deadline"),
        ({"start_after": "2001-01-01T00:00:00+01:00"}, "start_after"),
        ({"hold": "a\nb"}, "hold"),
        ({"hold": "x" * 201}, "hold"),
        ({"tag": "../x"}, "tags[0]"),
        ({"tag": ",".join(f"t{n}" for n in range(21))}, "tags"),
        ({"priority": 101}, "priority"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    shared: ApiInHand, query: dict[str, Any], field: str
) -> None:
    before = shared.get("/jobs").get_json()
    assert [e["field"] for e in problem(asked(shared, **query), 422)["errors"]] == [field]
    assert shared.get("/jobs").get_json() == before


def test_a_dry_run_says_what_is_wrong_with_the_terms_too(api: ApiInHand) -> None:
    wrong = SCRIPT.replace("seconds: 2", "seconds: 0.1")
    query = {"deadline": at(api, -1), "tag": "a b"}
    answer = api.post("/jobs/validate", data=wrong, content_type=YAML, query_string=query)
    found = answer.get_json()
    fields = [item["field"] for item in found["problems"]]
    assert not found["ok"] and fields == ["scenes[1].seconds", "deadline", "tags[0]"]


def test_a_dry_run_notes_a_deadline_that_is_too_near(api: ApiInHand) -> None:
    api.farm.hello()
    api.farm.turn()

    def notes(hours: float) -> list[str]:
        query = {"deadline": at(api, hours)}
        answer = api.post("/jobs/validate", data=SCRIPT, content_type=YAML, query_string=query)
        return [note for note in answer.get_json()["notes"] if "deadline" in note]

    (note,) = notes(0.0001)
    assert note.startswith("it would be done at about 20") and note.endswith("after its deadline")
    assert notes(100) == []


def test_a_pool_that_is_none_is_refused_with_what_is_near(api: ApiInHand) -> None:
    (nothing,) = problem(asked(api, pool="nihgt"), 422)["errors"]
    assert (nothing["field"], nothing["limit"]) == ("pools[0]", "none yet")
    pools(api, "night", "lab")
    job_id = asked(api, pool="lab").get_json()["job"]["id"]
    for answer in (
        asked(api, pool="lab,nihgt"),
        api.open("PATCH", f"/jobs/{job_id}", json={"pools": ["lab", "nihgt"]}),
    ):
        (wrong,) = problem(answer, 422)["errors"]
        assert (wrong["field"], wrong["value"]) == ("pools[1]", "nihgt")
        assert (wrong["limit"], wrong["remedy"]) == ("night, lab", "Did you mean night?")
    query = {"pool": "nihgt"}
    tried = api.post("/jobs/validate", data=SCRIPT, content_type=YAML, query_string=query)
    assert [item["field"] for item in tried.get_json()["problems"]] == ["pools[0]"]


def test_a_job_is_held_and_released(api: ApiInHand) -> None:
    job_id = api.submitted()
    held = api.post(f"/jobs/{job_id}/hold", json={"because": "the client looks first"})
    assert held.get_json()["held_because"] == "the client looks first"
    assert api.post(f"/jobs/{job_id}/release").get_json()["held_because"] is None
    assert "is not held" in problem(api.post(f"/jobs/{job_id}/release"), 409)["detail"]


def test_a_job_is_paused_and_goes_on(api: ApiInHand) -> None:
    job_id = api.submitted()
    assert api.post(f"/jobs/{job_id[:8]}/pause").get_json()["state"] == "paused"
    assert "reelyard resume" in problem(api.post(f"/jobs/{job_id}/pause"), 409)["remedy"]
    assert api.post(f"/jobs/{job_id}/resume").get_json()["state"] == "running"


def test_the_queue_and_who_jumps_it(api: ApiInHand) -> None:
    one, two = api.submitted(), api.submitted()
    assert api.post(f"/jobs/{two}/jump", json={"because": "tonight"}).get_json()["rank"] == -1.0
    queue = api.get("/queue").get_json()
    assert [(job["id"], job["position"]) for job in queue["data"]] == [(two, 1), (one, 2)]
    assert (queue["data"][1]["tasks_before"], queue["data"][1]["waiting"]) == (4, 4)
    assert api.post(f"/jobs/{two}/behind").get_json()["rank"] == 1.0
    assert [job["id"] for job in api.get("/queue").get_json()["data"]] == [one, two]
    assert api.get("/queue?limit=1").get_json()["has_more"]
    story = api.get(f"/jobs/{two}/story").get_json()["data"]
    assert story[-2]["sentence"] == "Put in front of the normal band by anna: tonight."
    assert story[-2]["data"]["who"] == "anna"


def test_a_job_is_changed_and_shows_its_present_values(api: ApiInHand) -> None:
    job_id, deadline = api.submitted(), at(api, 5)
    answer = api.open(
        "PATCH", f"/jobs/{job_id}", json={"deadline": deadline, "band": "interactive"}
    )
    assert answer.status_code == 200
    found = answer.get_json()
    assert (found["deadline"], found["band"], found["priority"]) == (deadline, "interactive", 50)
    cleared = api.open("PATCH", f"/jobs/{job_id}", json={"deadline": None, "tags": ["a", "a"]})
    assert (cleared.get_json()["deadline"], cleared.get_json()["tags"]) == (None, ["a"])
    assert cleared.get_json()["band"] == "interactive"
    assert api.open("PATCH", f"/jobs/{job_id}", json={}).get_json() == cleared.get_json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"priority": None}, "priority"),
        ({"priority": 101}, "priority"),
        ({"band": "urgent"}, "band"),
        ({"deadline": "2001-01-01T00:00:00Z"}, "deadline"),
        ({"start_after": "soon"}, "start_after"),
        ({"pools": ["a b"]}, "pools[0]"),
        ({"tags": ["a b"]}, "tags[0]"),
        ({"rank": 3}, "rank"),
    ],
)
def test_a_change_that_cannot_be(shared: ApiInHand, body: dict[str, Any], field: str) -> None:
    job_id = shared.submitted()
    refused = problem(shared.open("PATCH", f"/jobs/{job_id}", json=body), 422)
    assert [item["field"] for item in refused["errors"]] == [field]


@pytest.mark.parametrize("word", ["hold", "release", "pause", "resume", "jump", "behind"])
def test_what_is_not_there_or_over_is_not_steered(shared: ApiInHand, word: str) -> None:
    api = shared
    problem(api.post(f"/jobs/job-none/{word}"), 404)
    job_id = api.submitted()
    api.post(f"/jobs/{job_id}/cancel")
    assert "has ended already" in problem(api.post(f"/jobs/{job_id}/{word}"), 409)["detail"]
    long = {"because": "x" * 201}
    assert problem(api.post(f"/jobs/{job_id}/{word}", json=long), 422)["errors"]


def test_a_worker_says_its_tags_and_its_storage(api: ApiInHand) -> None:
    api.farm.hello(tags=("night", "big"), storage="nas-1")
    api.farm.turn()
    worker = api.get("/workers").get_json()["data"][0]
    assert (worker["tags"], worker["storage"]) == (["night", "big"], "nas-1")
