"""Whose turn it is, on pages: the queue, the signs beside a job, the form, a film's own fold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.present import turns
from dashboard.present.script import EXAMPLES
from dashboard.screens import Screen
from reelyard.clock import SystemClock
from reelyard.errors import InvalidInput
from reelyard.resources import JobView
from reelyard.states import Band, JobState
from reelyard.terms import USUAL, Terms
from tests.support.dashboard_client import Seen, guest_of, proof_of
from tests.support.played_farm import PlayedFarm
from tests.support.played_jobs import event
from tests.support.played_season import DONE, QUEUED, RUNNING, played_farm

HTMX = {"HX-Request": "true"}
NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC
HOUR = 3600.0


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(NOW)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


def at(hours: float) -> datetime:
    return datetime.fromtimestamp(NOW, UTC) + timedelta(hours=hours)


def now_is(farm: PlayedFarm, job_id: str, **changes: Any) -> JobView:
    farm.put(farm.jobs_by_id[job_id].model_copy(update=changes))
    return farm.jobs_by_id[job_id]


def words(job: JobView) -> list[str]:
    return [sign.word for sign in turns.signs(job, NOW)]


class TestSigns:
    def test_what_keeps_and_what_hurries_a_job(self, farm: PlayedFarm) -> None:
        assert words(farm.job(QUEUED)) == []
        asked = {"held_because": "x", "start_after": at(3), "deadline": at(9), "rank": -1.0}
        job = now_is(farm, QUEUED, **asked, band=Band.INTERACTIVE)
        assert words(job) == ["held", "starts", "due", "interactive", "moved to the front"]
        late = now_is(farm, QUEUED, held_because=None, start_after=at(-1), deadline=at(-1), rank=1)
        assert words(late) == ["was due", "interactive", "put behind"]
        assert turns.signs(late, NOW)[0].tone == "bad"

    def test_a_job_that_is_over_has_none(self, farm: PlayedFarm) -> None:
        assert words(now_is(farm, DONE, held_because="x", deadline=at(-1))) == []

    def test_where_it_may_run(self, farm: PlayedFarm) -> None:
        job = now_is(farm, QUEUED, pools=["night", "lab"], tags=["big", "fast"])
        assert turns.where(job) == "only in night or lab; only where tagged big and fast"

    @pytest.mark.parametrize("address", ["/", "/jobs", "/queue", f"/jobs/{QUEUED}"])
    def test_they_are_on_every_page_of_the_job(
        self, address: str, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        due = datetime(2099, 1, 15, 17, tzinfo=UTC)
        now_is(farm, QUEUED, held_because="the client looks first", deadline=due)
        seen = Seen(guest.get(address))
        assert " held " in seen.text and "due 15 Jan 17:00 UTC" in seen.text
        assert any(t.get("title") == "the client looks first" for t in seen.all("span"))


class TestQueue:
    def test_who_is_next_and_what_each_waits_for(
        self, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        now_is(farm, QUEUED, priority=90)
        seen = Seen(guest.get("/queue"))
        links = [t["href"] for t in seen.all("a") if "data-row" in t]
        assert links[:2] == [f"/jobs/{QUEUED}", f"/jobs/{RUNNING}"]
        assert "priority 90" in seen.text and "before it" in seen.text

    def test_what_takes_no_turn_has_no_number(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        for job_id in (RUNNING, QUEUED):
            now_is(farm, job_id, held_because="look first")
        text = Seen(guest.get("/queue")).text
        assert text.count("takes no turn now") >= 2 and text.count("look first") >= 2

    def test_nothing_waits(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        farm.jobs_by_id = {DONE: farm.jobs_by_id[DONE]}
        assert "Nothing waits" in Seen(guest.get("/queue")).text

    def test_steps_of_a_task_do_not_draw_it_anew(self) -> None:
        screen = Screen.of("queue", {})
        moment = at(0)
        assert screen.cares_for(event(1, moment, "job.moved", "x"))
        assert not screen.cares_for(event(1, moment, "task.progress", "x"))

    def test_a_button_does_it(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        buttons = [t for t in Seen(guest.get("/queue")).all("button") if t.get("name") == "do"]
        assert {t["value"] for t in buttons} >= {"hold", "jump"}
        assert {t["hx-target"] for t in buttons} == {"#queue-said"}
        assert press(guest, QUEUED, "hold", on="queue").status_code == 204
        assert farm.steered == [(QUEUED, "hold", "")]

    def test_what_came_too_late_is_said_on_the_page(self, guest: FlaskClient) -> None:
        answer = press(guest, QUEUED, "release", on="queue")
        assert answer.status_code == 200 and "is not held" in Seen(answer).text
        assert "Too late" not in answer.text


def press(guest: FlaskClient, job_id: str, word: str, **form: str) -> Any:
    given = {"proof": proof_of(guest), "do": word, **form}
    return guest.post(f"/jobs/{job_id}/turn", data=given, headers=HTMX)


class TestForm:
    @pytest.mark.parametrize("word", ["hold", "pause", "jump", "behind"])
    def test_every_button_of_the_form(
        self, word: str, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        seen = Seen(guest.get(f"/jobs/{QUEUED}/turn", headers=HTMX))
        assert word in {t.get("value") for t in seen.all("button")}
        answer = press(guest, QUEUED, word, because=" the  client ")
        assert answer.headers["HX-Trigger"] == "reelyard:close-dialog"
        assert farm.steered == [(QUEUED, word, "the client")]

    def test_what_can_be_undone_is_offered(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        now_is(farm, QUEUED, held_because="x", state=JobState.PAUSED)
        seen = Seen(guest.get(f"/jobs/{QUEUED}/turn", headers=HTMX))
        offered = {t.get("value") for t in seen.all("button")}
        assert {"release", "resume"} <= offered and "pause" not in offered

    def test_a_job_that_is_over(self, guest: FlaskClient) -> None:
        assert "over already" in Seen(guest.get(f"/jobs/{DONE}/turn", headers=HTMX)).text
        assert "Too late" in Seen(press(guest, DONE, "hold")).text

    def test_a_word_that_is_none(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        assert press(guest, QUEUED, "explode").status_code == 404 and farm.steered == []

    def test_a_form_from_elsewhere(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        answer = guest.post(f"/jobs/{QUEUED}/turn", data={"do": "hold"}, headers=HTMX)
        assert answer.status_code == 403 and farm.steered == []

    def test_what_was_changed_reaches_the_farm(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        form = {"priority": "80", "band": "batch", "by": "+8h", "zone": "Europe/Berlin"}
        where = {"after": "2027-01-16 09:00", "pools": "night, lab  night", "tags": ""}
        assert press(guest, QUEUED, "change", **form, **where).status_code == 204
        ((job_id, changes),) = farm.changes
        deadline = changes.pop("deadline")
        assert job_id == QUEUED and deadline > SystemClock().now()
        assert changes == {
            "priority": 80,
            "band": "batch",
            "start_after": datetime(2027, 1, 16, 8, tzinfo=UTC).timestamp(),
            "pools": ["night", "lab"],
        }

    def test_what_was_left_alone_is_not_sent(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        job = now_is(farm, QUEUED, deadline=at(9.001), pools=["night"])
        form = {"priority": str(job.priority), "band": "normal", "pools": "night", "tags": ""}
        answer = press(guest, QUEUED, "change", **form, by="2027-01-15 17:00", after="")
        assert answer.status_code == 204 and farm.changes == []

    def test_what_is_wrong_is_said_and_what_was_typed_stays(
        self, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        answer = press(guest, QUEUED, "change", by="soonish", after="25:00", tags="a b")
        seen = Seen(answer)
        assert answer.status_code == 422 and farm.changes == []
        assert "due by is not a moment" in seen.text and "not before is not a moment" in seen.text
        typed = {t.get("name"): t.get("value") for t in seen.all("input")}
        assert (typed["by"], typed["tags"]) == ("soonish", "a b")
        refused = press(guest, QUEUED, "change", pools="nihgt", tags="")
        assert "Did you mean night?" in Seen(refused).text

    def test_moments_are_written_for_the_browser_to_put_into_its_zone(
        self, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        now_is(farm, QUEUED, deadline=at(9))
        fields = Seen(guest.get(f"/jobs/{QUEUED}/turn", headers=HTMX)).all("input")
        (by,) = [t for t in fields if t.get("name") == "by"]
        assert (by["value"], "data-moment" in by) == ("2027-01-15T17:00:00Z", True)
        assert any("data-zone" in t for t in fields)


class TestNewFilm:
    def test_the_fold_reaches_the_farm(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        form = {"by": "2099-01-01T07:00:00Z", "band": "interactive", "hold": "1"}
        assert send(guest, **form, hold_because=" look  first ", tags="big").status_code == 204
        (terms,) = farm.terms
        due = datetime(2099, 1, 1, 7, tzinfo=UTC).timestamp()
        assert terms == Terms(Band.INTERACTIVE, due, None, "look first", (), ("big",))

    def test_without_it_nothing_is_asked(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        assert send(guest, hold_because="left over").status_code == 204
        assert farm.terms == [USUAL]

    @pytest.mark.parametrize("address", ["/new", "/new/check"])
    def test_a_moment_that_is_none(
        self, address: str, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        answer = send(guest, address, by="soonish")
        assert "due by is not a moment" in Seen(answer).text and farm.submissions == []

    def test_the_check_asks_the_farm_about_it(self, guest: FlaskClient) -> None:
        assert "deadline is over" in Seen(send(guest, "/new/check", by="2020-01-01 07:00")).text


def send(guest: FlaskClient, address: str = "/new", **form: str) -> Any:
    given = {"proof": proof_of(guest), "source": EXAMPLES["yaml"], "key": "k", **form}
    return guest.post(address, data=given, headers=HTMX)


def test_a_zone_that_this_machine_does_not_know_is_utc() -> None:
    form = {"by": "09:00", "zone": "Mars/Olympus"}
    assert turns.asked_terms(form, NOW).deadline == NOW + HOUR


def test_every_moment_that_is_none_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        turns.asked_terms({"by": "x", "after": "y"}, NOW)
    assert [p.field for p in refused.value.problems] == ["due by", "not before"]


def test_a_worker_shows_its_tags(farm: PlayedFarm, guest: FlaskClient) -> None:
    seen = farm.workers().data
    seen[0] = seen[0].model_copy(update={"tags": ["night", "big"], "storage": "nas-1"})
    farm.workers = lambda: type(farm).workers(farm).model_copy(update={"data": seen})  # type: ignore[method-assign]
    text = Seen(guest.get("/workers")).text
    assert "tags night, big" in text and "models on nas-1" in text
