"""Deadlines on pages: the panel beside the queue, the line on a job's page."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.present.deadlines import MARKS, spare
from reelyard.risk_views import MISSED, RemedyView, RiskList, Verdict
from tests.support.dashboard_client import Seen, guest_of
from tests.support.played_deadlines import CARD, due, every_kind, without_an_end
from tests.support.played_farm import PlayedFarm
from tests.support.played_season import DONE, QUEUED, RUNNING, played_farm

HTMX = {"HX-Request": "true"}
NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(NOW)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


def panel(guest: FlaskClient) -> Seen:
    return Seen(guest.get("/queue/deadlines", headers=HTMX))


def test_every_verdict_has_a_shape_and_a_word() -> None:
    assert set(MARKS) == set(Verdict)
    assert len({mark.word for mark in MARKS.values()}) == len(Verdict)
    assert {v for v, mark in MARKS.items() if mark.tone == "bad"} == MISSED


def test_how_late_and_how_early(farm: PlayedFarm) -> None:
    assert spare(due("job-a", farm.times, Verdict.LATE, 40)) == "40 min late"
    assert spare(due("job-a", farm.times, Verdict.HELD, -130)) == "2 h 10 min to spare"
    assert spare(without_an_end("job-a", farm.times, Verdict.UNKNOWN)) == ""


def test_the_pages_come_before_the_answer(farm: PlayedFarm, guest: FlaskClient) -> None:
    """The farm is not asked for it while a page is made."""
    del farm.risks
    for address, part in (
        ("/queue", "/queue/deadlines"),
        (f"/jobs/{QUEUED}", f"/jobs/{QUEUED}/deadline"),
    ):
        seen = Seen(guest.get(address))
        (place,) = (tag for tag in seen.all("div") if tag.get("hx-get") == part)
        assert (place["hx-trigger"] or "").startswith("load, every 20s")
    assert not any(
        (tag.get("hx-get") or "").endswith("/deadline")
        for tag in Seen(guest.get(f"/jobs/{DONE}")).all("div")
    )


def test_the_panel_says_what_and_what_would_hold_it(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.risks = every_kind(farm.times, RUNNING, QUEUED, DONE)
    seen = panel(guest)
    assert "due 15 Jan 11:00 UTC will be missed" in seen.text
    assert "ends at about 15 Jan 11:40 UTC ( 15 Jan 11:15 UTC to 15 Jan 12:25 UTC )" in seen.text
    assert "40 min late ; last before the film: Scene 12 · picture, 15 Jan 11:36 UTC" in seen.text
    assert "one more 24 GiB card (rtx-4090) would hold it" in seen.text
    assert "nothing more of it starts, its job is held: look first" in seen.text
    assert "110 min early; it would then end at about 15 Jan 09:10 UTC" in seen.text
    assert "2 h 10 min to spare" in seen.text and "estimated by volume" in seen.text
    assert "9000 tasks wait" in seen.text
    assert "<script>alert(1)</script>" in seen.text and not seen.all("script")
    assert {tag["href"] for tag in seen.all("a")} >= {f"/jobs/{RUNNING}", f"/jobs/{QUEUED}"}
    assert all("data-row" in tag for tag in seen.all("a"))


def test_a_remedy_that_is_a_button(farm: PlayedFarm, guest: FlaskClient) -> None:
    jump = RemedyView(kind="jump", sentence="moved to the front", command="reelyard jump x")
    late = due(RUNNING, farm.times, Verdict.LATE, 40, remedy=jump)
    farm.risks = RiskList(at=farm.times.now, data=[late])
    (button,) = panel(guest).all("button")
    assert button["hx-post"] == f"/jobs/{RUNNING}/turn" and button["value"] == "jump"
    assert button["aria-label"] == "To the front: The Lighthouse"
    farm.risks = RiskList(at=farm.times.now, data=[late.model_copy(update={"remedy": CARD})])
    assert not panel(guest).all("button")


def test_nothing_is_due(guest: FlaskClient) -> None:
    assert "Nothing is due" in panel(guest).text
    assert Seen(guest.get(f"/jobs/{QUEUED}/deadline", headers=HTMX)).text == ""


def test_the_line_of_a_job(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.risks = every_kind(farm.times, RUNNING, QUEUED, DONE)
    seen = Seen(guest.get(f"/jobs/{RUNNING}/deadline", headers=HTMX))
    assert "Due 15 Jan 11:00 UTC : will be missed." in seen.text
    assert "one more 24 GiB card" in seen.text
    (section,) = seen.all("section")
    assert "tone-bad" in (section["class"] or "")


def test_a_farm_that_is_away_says_so(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.away = True
    answer = guest.get("/queue/deadlines", headers=HTMX)
    assert answer.status_code == 503 and "does not answer" in answer.text
