"""Jobs over HTTP: submitted once, tried out, listed, shown, explained, called off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reelyard.failure import FailureKind
from tests.support.api_in_hand import SCRIPT, YAML, ApiInHand, api_in_hand, problem

PLAIN = "[title: Told plainly]\n[picture: a red circle]\nOne red circle.\n"
TOO_BIG = SCRIPT.replace("title: Two scenes", "model: wan2.1-t2v-14b")


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path)


def test_a_storyboard_becomes_a_job(api: ApiInHand) -> None:
    answer = api.submit(query="?priority=80")
    assert answer.status_code == 202
    found = answer.get_json()
    job = found["job"]
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["title"], job["state"], job["owner"]) == ("Two scenes", "queued", "anna")
    assert (job["priority"], job["scenes"], job["tasks"]) == (80, 2, {"waiting": 4})
    assert found["created"] and found["is_possible"] and found["queue_position"] == 1
    assert "no worker has joined" in found["because"]
    assert api.get(answer.headers["Location"]).get_json()["id"] == job["id"]


@pytest.mark.parametrize(
    ("source", "media_type"),
    [
        (SCRIPT, "application/yaml"),
        (SCRIPT, "application/x-yaml; charset=utf-8"),
        (SCRIPT, "text/yaml"),
        (json.dumps({"scenes": [{"picture": "a red circle"}]}), "application/json"),
        (PLAIN, "text/plain"),
        ("\ufeff" + PLAIN, "text/plain; charset=UTF-8"),
    ],
)
def test_each_form_of_a_storyboard_is_read(api: ApiInHand, source: str, media_type: str) -> None:
    assert api.submit(source.encode(), media_type).status_code == 202


def test_the_same_key_gives_the_same_job(api: ApiInHand) -> None:
    key = {"Idempotency-Key": "monday, first try"}
    first, again = api.submit(headers=key), api.submit(headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json()["created"] and not again.get_json()["created"]
    assert first.get_json()["job"]["id"] == again.get_json()["job"]["id"]
    assert len(api.get("/jobs").get_json()["data"]) == 1


def test_a_key_is_not_used_for_something_else(api: ApiInHand) -> None:
    key = {"Idempotency-Key": "k"}
    job_id = api.submit(headers=key).get_json()["job"]["id"]
    other_text = problem(api.submit(SCRIPT + "\n# more\n", headers=key), 409)
    other_priority = problem(api.submit(query="?priority=51", headers=key), 409)
    assert job_id in other_text["detail"] and other_priority["remedy"]
    assert len(api.get("/jobs").get_json()["data"]) == 1


def test_a_key_belongs_to_its_owner(api: ApiInHand) -> None:
    key = {"Idempotency-Key": "k"}
    other = {"Authorization": f"Bearer {api.parts.tokens.create('ben').secret}"}
    assert api.submit(headers=key).get_json()["created"]
    assert api.submit(headers={**key, **other}).get_json()["created"]


def test_an_owner_has_so_many_jobs_under_way(tmp_path: Path) -> None:
    api = api_in_hand(tmp_path, max_running_jobs=2)
    first = api.submitted(headers={"Idempotency-Key": "k"})
    api.submitted()
    refused = problem(api.submit(), 422)["errors"][0]
    assert (refused["field"], refused["value"], refused["limit"]) == ("jobs", "2", "2")
    known = api.submit(headers={"Idempotency-Key": "k"})
    assert known.get_json()["job"]["id"] == first  # it is under way already, so it is no more
    assert api.post(f"/jobs/{first}/cancel").status_code == 200
    api.submitted()


def test_a_dry_run_tells_what_would_be_and_stores_nothing(api: ApiInHand) -> None:
    api.farm.hello()
    api.farm.turn()
    found = api.post("/jobs/validate", data=SCRIPT, content_type=YAML).get_json()
    assert found["ok"] and found["problems"] == []
    estimate = found["estimate"]
    assert estimate["is_possible"] and estimate["because"]
    assert (estimate["scenes"], estimate["tasks"]) == (2, 4)
    assert (estimate["fixed_seconds"], estimate["free_scenes"]) == (2.0, 1)
    assert found["storyboard"]["scenes"][1]["seconds"] == 2.0
    assert api.get("/jobs").get_json()["data"] == []


def test_a_dry_run_of_what_is_wrong_answers_with_every_problem(api: ApiInHand) -> None:
    wrong = SCRIPT.replace("seconds: 2", "seconds: 0.1") + "    voice: nobody\n"
    answer = api.post("/jobs/validate", data=wrong, content_type=YAML)
    assert answer.status_code == 200
    found = answer.get_json()
    assert not found["ok"] and found["estimate"] is None
    problems = {item["field"]: item for item in found["problems"]}
    assert problems.keys() == {"scenes[1].seconds", "scenes[1].voice"}
    assert problems["scenes[1].seconds"]["line"] == 6
    assert problems["scenes[1].seconds"]["pointer"] == "/scenes/1/seconds"
    unread = api.post("/jobs/validate", data="scenes: [", content_type=YAML).get_json()
    assert not unread["ok"] and "YAML" in unread["problems"][0]["message"]


def test_a_job_that_nobody_can_run_says_so_at_once(api: ApiInHand) -> None:
    api.farm.hello(models=("reelyard-demo", "wan2.1-t2v-14b"))
    api.farm.turn()
    found = api.submit(TOO_BIG).get_json()
    assert not found["is_possible"] and "GiB" in found["because"]


def test_pages_of_jobs_newest_first(api: ApiInHand) -> None:
    ids = []
    for _ in range(5):
        api.farm.clock.advance(1)
        ids.append(api.submitted())
    first = api.get("/jobs?limit=2").get_json()
    assert first["has_more"] and first["next_cursor"] == first["data"][-1]["id"]
    second = api.get(f"/jobs?limit=2&after={first['next_cursor']}").get_json()
    last = api.get(f"/jobs?limit=2&after={second['next_cursor']}").get_json()
    assert not last["has_more"] and last["next_cursor"] is None
    pages = [first, second, last]
    assert [job["id"] for page in pages for job in page["data"]] == ids[::-1]


def test_jobs_by_state_and_by_words(api: ApiInHand) -> None:
    boat = api.submitted(SCRIPT.replace("Two scenes", "The Boat 50%"))
    api.submitted()
    api.post(f"/jobs/{boat}/cancel")

    def ids(query: str) -> list[str]:
        return [job["id"] for job in api.get(f"/jobs?{query}").get_json()["data"]]

    for query in ("state=cancelled", "q=the+boat", "q=50%25", f"q={boat}"):
        assert ids(query) == [boat]
    assert len(ids("state=queued,cancelled")) == len(ids("state=queued&state=cancelled")) == 2
    assert ids("q=nothing+like+it") == []


def test_a_job_is_shown_whole_and_by_its_beginning(api: ApiInHand) -> None:
    job_id = api.submitted()
    job = api.get(f"/jobs/{job_id}").get_json()
    assert [task["role"] for task in job["task_list"]] == ["voice", "video1", "video1", "film"]
    assert job["storyboard"]["title"] == "Two scenes" and job["film"] is None
    for short in (job_id[:9], job_id.removeprefix("job-"), job_id.removeprefix("job-")[:6]):
        assert api.get(f"/jobs/{short}").get_json()["id"] == job_id


def test_the_beginning_of_several_jobs_names_them(api: ApiInHand) -> None:
    one, two = api.submitted(), api.submitted()
    said = problem(api.get("/jobs/job-"), 404)
    assert one in said["detail"] and two in said["detail"] and "more letters" in said["remedy"]


def test_a_reader_who_has_it_is_told_so(api: ApiInHand) -> None:
    job_id = api.submitted()
    tag = api.get(f"/jobs/{job_id}").headers["ETag"]
    again = api.get(f"/jobs/{job_id}", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    api.post(f"/jobs/{job_id}/cancel")
    changed = api.get(f"/jobs/{job_id}", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_a_job_is_called_off_once(api: ApiInHand) -> None:
    job_id = api.submitted()
    answer = api.post(f"/jobs/{job_id}/cancel", json={"because": "the wrong voice"})
    assert answer.get_json()["state"] == "cancelled"
    job = api.get(f"/jobs/{job_id}").get_json()
    assert job["failure"] == "cancelled by anna: the wrong voice"
    assert {task["state"] for task in job["task_list"]} == {"cancelled"}
    assert job_id in problem(api.post(f"/jobs/{job_id}/cancel"), 409)["detail"]


def test_the_story_of_a_job_in_pages(api: ApiInHand) -> None:
    other, job_id = api.submitted(), api.submitted()
    api.farm.hello()
    api.farm.run_all()
    whole = api.get(f"/jobs/{job_id}/story?limit=1000").get_json()
    types = [event["type"] for event in whole["data"]]
    assert types[0] == "job.submitted" and types[-1] == "job.done" and not whole["has_more"]
    assert {event["job_id"] for event in whole["data"]} == {job_id} != {other}
    told, after = [], 0
    while True:
        page = api.get(f"/jobs/{job_id}/story?limit=3&after={after}").get_json()
        told += [event["seq"] for event in page["data"]]
        after = told[-1]
        if not page["has_more"]:
            break
    assert told == [event["seq"] for event in whole["data"]]


def test_why_tasks_wait(api: ApiInHand) -> None:
    job_id = api.submitted(TOO_BIG)
    api.farm.hello(models=("wan2.1-t2v-14b",))
    api.farm.turn()
    each = {item["task_id"]: item for item in api.get(f"/jobs/{job_id}/why").get_json()["data"]}
    shot = f"{job_id}.s02.video1"
    assert not each[shot]["can_ever_run"] and "GiB" in each[shot]["because"]
    assert each[shot]["devices"][0]["because"].startswith("needs")
    assert api.get(f"/tasks/{shot}/why").get_json() == each[shot]
    film = each[f"{job_id}.film"]
    assert film["because"].startswith("waits for ") and film["queue_position"] is None


def test_a_task_tells_of_its_tries(api: ApiInHand) -> None:
    api.farm.hello()
    job_id = api.submitted()
    order = next(o for o in api.farm.turn())
    api.farm.started(order)
    api.farm.failed(order, FailureKind.CRASHED, "The engine died.")
    api.farm.turn()
    task = api.get(f"/tasks/{order.task_id}").get_json()
    assert task["job_id"] == job_id
    assert task["attempts"][0]["failure"] == "The engine died."
    missing = problem(api.get(f"/tasks/{job_id}.s09.video1"), 404)
    assert "reelyard show" in missing["remedy"]
