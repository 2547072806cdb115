"""Every page: what it says, what it escapes, what it lets a browser do."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.assets import FOLDER
from tests.support.dashboard_client import Seen, guest_of
from tests.support.played_farm import PlayedFarm
from tests.support.played_jobs import HOSTILE
from tests.support.played_season import DONE, FAILED, ODD, QUEUED, RUNNING, played_farm

NOW = 1_800_000_000.0
PAGES = (
    "/",
    "/jobs",
    f"/jobs/{RUNNING}",
    f"/jobs/{DONE}",
    f"/jobs/{FAILED}",
    f"/jobs/{ODD}",
    f"/tasks/{ODD}.s01.video1",
    f"/tasks/{QUEUED}.s01.video1",
    "/models",
    "/models?devices=all",
    "/models/wan2.1-t2v-1.3b",
    "/queue",
    "/workers",
    "/new",
    "/jobs/job-unknown",
)


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(NOW)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_runs_only_our_own_scripts(guest: FlaskClient, address: str) -> None:
    answer = guest.get(address)
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce
    assert "unsafe" not in policy
    seen = Seen(answer)
    scripts = seen.all("script")
    assert scripts
    assert {script["nonce"] for script in scripts} == {nonce[1]}
    for tag, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "style" not in attributes, (tag, attributes)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_names_only_addresses_of_its_own_host(guest: FlaskClient, address: str) -> None:
    for tag, attributes in Seen(guest.get(address)).tags:
        for name in ("src", "href", "action", "poster"):
            given = attributes.get(name)
            assert given is None or given.startswith(("/", "#")), (tag, given)


@pytest.mark.parametrize("address", PAGES)
def test_static_files_exist_and_may_be_kept_for_ever(guest: FlaskClient, address: str) -> None:
    seen = Seen(guest.get(address))
    files = [t.get("src") or t.get("href") for t in seen.all("script") + seen.all("link")]
    for name in filter(None, files):
        answer = guest.get(name)
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_static_file_of_another_edition_is_not_kept(guest: FlaskClient) -> None:
    assert guest.get("/static/000000000000/reelyard.css").headers["Cache-Control"] == "no-cache"
    assert guest.get("/static/x/../../app.py").status_code == 404


@pytest.mark.parametrize("address", ["/", "/jobs", f"/jobs/{ODD}", f"/tasks/{ODD}.s01.video1"])
def test_what_people_write_is_text(guest: FlaskClient, address: str) -> None:
    answer = guest.get(address)
    assert "<script>alert" not in answer.text
    assert "49 WWW" not in answer.text
    if address != "/":
        assert HOSTILE in Seen(answer).text


def test_the_stream_escapes_too(guest: FlaskClient) -> None:
    sent = guest.get(f"/fragments/job?id={ODD}").text
    assert "<script>alert" not in sent
    assert HOSTILE in Seen(sent).text


def test_the_overview_says_what_runs_what_waits_and_what_is_broken(guest: FlaskClient) -> None:
    text = Seen(guest.get("/")).text
    assert "step 31 of 50" in text
    assert "needs 31.2 GiB on one device; the largest free is 24.0 (RTX 4090, atlas)" in text
    assert "Out of memory on the 24 GiB card" in text
    assert "Worker studio-7 is offline" in text
    assert "Harbour at dawn" in text


def test_an_empty_farm_says_the_next_step(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.jobs_by_id, farm.has_workers = {}, False
    command = "reelyard submit examples/lighthouse.yaml"
    assert command in Seen(guest.get("/")).text
    assert command in Seen(guest.get("/jobs")).text
    assert "reelyard-worker run" in Seen(guest.get("/workers")).text


def test_a_filter_that_finds_nothing_says_so(guest: FlaskClient) -> None:
    assert "No job matches" in Seen(guest.get("/jobs?q=zebra")).text


def test_the_list_of_jobs_is_filtered_and_paged_by_its_address(
    farm: PlayedFarm, guest: FlaskClient
) -> None:
    assert "Harbour at dawn" in guest.get("/jobs?state=done").text
    assert "The Lighthouse" not in guest.get("/jobs?state=done").text
    for number in range(40):
        copy = farm.job(DONE).model_copy(update={"id": f"job-copy{number:02d}"})
        farm.jobs_by_id[copy.id] = copy
    first = Seen(guest.get("/jobs?state=done&q=harbour"))
    (older,) = [a["href"] for a in first.all("a") if a.get("rel") == "next"]
    assert older == "/jobs?state=done&q=harbour&after=25"
    second = guest.get(older)
    assert second.text.count('class="row job-row"') == 16
    assert "Newest" in second.text


def test_a_finished_job_has_a_player_with_subtitles_and_downloads(guest: FlaskClient) -> None:
    seen = Seen(guest.get(f"/jobs/{DONE}"))
    (video,) = seen.all("video")
    assert video["src"] == f"/media/jobs/{DONE}/film"
    assert video["poster"] == f"/media/jobs/{DONE}/poster"
    (track,) = seen.all("track")
    assert track["src"] == f"/media/jobs/{DONE}/subtitles"
    downloads = [a["href"] for a in seen.all("a") if "download" in a]
    assert downloads == [
        f"/media/jobs/{DONE}/film?download=1",
        f"/media/jobs/{DONE}/subtitles?download=1",
    ]
    assert "Cancel" not in seen.text


def test_a_failed_job_leads_with_a_sentence_and_folds_the_rest(guest: FlaskClient) -> None:
    answer = guest.get(f"/jobs/{FAILED}")
    seen = Seen(answer)
    assert "Scene 1 video1 failed. Out of memory on the 24 GiB card" in seen.text
    assert answer.text.index("<details>") < answer.text.index("Traceback")


def test_a_waiting_task_shows_what_every_device_says(guest: FlaskClient) -> None:
    text = Seen(guest.get(f"/tasks/{QUEUED}.s01.video1")).text
    assert "place 3 in the queue" in text
    assert "but is busy with Scene 3 video1" in text
    assert "its worker is draining" in text


def test_a_task_shows_its_tries_with_what_was_predicted_and_measured(guest: FlaskClient) -> None:
    text = Seen(guest.get(f"/tasks/{FAILED}.s01.video1")).text
    assert "23.6 GiB predicted 19.6 GiB, at most 21.0 GiB +20 %" in text
    assert "not finished predicted 36.0 s" in text
    assert "bf16, tiled decode" in text


def test_workers_show_memory_models_and_what_each_device_does(guest: FlaskClient) -> None:
    seen = Seen(guest.get("/workers"))
    assert "54.7 of 79.6 GiB" in seen.text
    assert "wan2.1-t2v-14b 28.6 GiB" in seen.text
    assert "step 31 of 50" in seen.text
    assert "shared RAM" in seen.text
    bars = [svg["aria-label"] for svg in seen.all("svg") if svg.get("role") == "img"]
    assert bars[0] == (
        "Memory: 31.7 GiB resident models, 16.8 GiB this task, 6.2 GiB other processes, "
        "24.9 GiB free"
    )


def test_a_farm_that_is_away_is_said_and_tried_again(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.away = True
    answer = guest.get("/jobs")
    assert answer.status_code == 503
    assert "The farm does not answer" in Seen(answer).text
    assert {"http-equiv": "refresh", "content": "5"} in Seen(answer).all("meta")


def test_the_beginning_of_an_id_leads_to_its_job(guest: FlaskClient) -> None:
    assert guest.get(f"/jobs/{DONE[:7]}").location == f"/jobs/{DONE}"


def test_an_unknown_job_is_a_page_and_for_htmx_a_fragment(guest: FlaskClient) -> None:
    page = guest.get("/jobs/job-unknown")
    assert page.status_code == 404
    assert "There is no job" in Seen(page).text
    fragment = guest.get("/jobs/job-unknown/cancel", headers={"HX-Request": "true"})
    assert fragment.status_code == 404
    assert not Seen(fragment).all("html")


def test_vendored_files_are_what_their_list_says() -> None:
    vendor = FOLDER / "vendor"
    rows = re.findall(
        r"^\| (\S+/\S+) \|.*\| ([0-9a-f]{64}) \|$", (vendor / "README.md").read_text(), re.M
    )
    assert len(rows) == 6
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name
