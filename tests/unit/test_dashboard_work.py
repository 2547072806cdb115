"""What people do here: cancel a job, check and send a script, watch and fetch a film."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.present.script import EXAMPLES
from tests.support.dashboard_client import Seen, guest_of, proof_of
from tests.support.played_farm import PlayedFarm
from tests.support.played_media import held
from tests.support.played_season import DONE, RUNNING, files, played_farm

HTMX = {"HX-Request": "true"}


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(1_800_000_000.0)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


def test_the_question_before_a_cancel_says_what_is_lost(guest: FlaskClient) -> None:
    text = Seen(guest.get(f"/jobs/{RUNNING}/cancel", headers=HTMX)).text
    assert "2 running tasks will be stopped" in text
    assert "Keep it" in text


def test_a_cancel_reaches_the_farm_with_its_reason(farm: PlayedFarm, guest: FlaskClient) -> None:
    form = {"proof": proof_of(guest), "because": " the  wrong voice "}
    answer = guest.post(f"/jobs/{RUNNING}/cancel", data=form, headers=HTMX)
    assert answer.status_code == 204
    assert answer.headers["HX-Trigger"] == "reelyard:close-dialog"
    assert farm.cancelled == [(RUNNING, "the wrong voice")]


def test_a_cancel_that_comes_too_late_is_explained(guest: FlaskClient) -> None:
    form = {"proof": proof_of(guest)}
    answer = guest.post(f"/jobs/{DONE}/cancel", data=form, headers=HTMX)
    assert answer.status_code == 200
    assert "Too late" in Seen(answer).text


def check(guest: FlaskClient, source: str, kind: str = "") -> str:
    form = {"proof": proof_of(guest), "source": source, "kind": kind}
    return Seen(guest.post("/new/check", data=form, headers=HTMX)).text


def test_a_good_script_is_ready_with_its_estimate(guest: FlaskClient) -> None:
    text = check(guest, EXAMPLES["yaml"])
    assert "Ready to render" in text
    assert "23.7 GiB on one device" in text
    assert "Read as YAML." in text


def test_every_problem_is_shown_with_its_line(guest: FlaskClient) -> None:
    text = check(guest, "title: A\nsize: huge\nscenes:\n  - pictur: a boat\n    seconds: -1\n")
    assert "line 2" in text
    assert "line 4" in text
    assert "line 5" in text


def test_a_plain_script_is_read_as_one(guest: FlaskClient) -> None:
    assert "Read as plain script." in check(guest, EXAMPLES["plain"])
    assert "Read as JSON." in check(guest, EXAMPLES["yaml"], "json")


def test_notes_of_the_check_are_shown(guest: FlaskClient) -> None:
    assert "drawn as 'bird'" in check(guest, "scenes:\n  - picture: a red dragon\n")


def test_nothing_typed_is_no_problem(guest: FlaskClient) -> None:
    assert "Start typing" in check(guest, " \r\n ")


def send(guest: FlaskClient, key: str, source: str = EXAMPLES["yaml"]) -> tuple[int, str, str]:
    form = {"proof": proof_of(guest), "source": source, "key": key, "priority": "80"}
    answer = guest.post("/new", data=form, headers=HTMX)
    return answer.status_code, answer.headers.get("HX-Redirect", ""), Seen(answer).text


def test_a_script_is_sent_once_and_leads_to_its_job(farm: PlayedFarm, guest: FlaskClient) -> None:
    assert send(guest, "key-1")[:2] == (204, "/jobs/job-new2345678")
    ((source, media_type, key, priority),) = farm.submissions
    assert source.decode() == EXAMPLES["yaml"]
    assert (media_type, key, priority) == ("application/yaml", "key-1", 80)


def test_a_key_that_was_used_for_another_script_is_refused(guest: FlaskClient) -> None:
    send(guest, "key-1")
    status, _, text = send(guest, "key-1", EXAMPLES["plain"])
    assert status == 409
    assert "used for another storyboard" in text


def test_a_wrong_script_is_not_sent(farm: PlayedFarm, guest: FlaskClient) -> None:
    status, _, text = send(guest, "key-1", "scenes: []\n")
    assert status == 422
    assert "1 problem" in text
    assert farm.submissions == []


def test_each_form_has_a_key_of_its_own(guest: FlaskClient) -> None:
    keys = [
        field["value"]
        for _ in range(2)
        for field in Seen(guest.get("/new")).all("input")
        if field.get("name") == "key"
    ]
    assert len(set(keys)) == 2


def test_a_script_that_is_too_large_is_refused_as_a_fragment(guest: FlaskClient) -> None:
    form = {"proof": proof_of(guest), "source": "x" * 2_000_000}
    answer = guest.post("/new/check", data=form, headers=HTMX)
    assert answer.status_code == 413
    assert "Too large" in Seen(answer).text


def test_a_film_comes_whole_or_in_part(guest: FlaskClient) -> None:
    film = files()["film"].data
    whole = guest.get(f"/media/jobs/{DONE}/film")
    assert (whole.status_code, whole.content_type, whole.data) == (200, "video/mp4", film)
    part = guest.get(f"/media/jobs/{DONE}/film", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, film[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(film)}"


def test_a_connection_to_the_farm_is_given_back_also_when_nothing_was_read(
    farm: PlayedFarm, guest: FlaskClient
) -> None:
    guest.head(f"/media/jobs/{DONE}/film").close()
    guest.get(f"/media/jobs/{DONE}/film").close()
    assert farm.media_closed == 2


def test_a_download_has_a_name(guest: FlaskClient) -> None:
    answer = guest.get(f"/media/jobs/{DONE}/film?download=1")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="film.mp4"'


def test_files_that_never_change_may_be_kept(guest: FlaskClient) -> None:
    shot = files()["shot0"].artifact
    answer = guest.get(f"/media/artifacts/{shot.sha256}")
    assert answer.content_type == "image/jpeg"
    assert "immutable" in answer.headers["Cache-Control"]


def test_what_a_job_made_never_runs_as_a_page(farm: PlayedFarm, guest: FlaskClient) -> None:
    for media_type in ("text/html", "image/svg+xml", "application/javascript"):
        evil = held("evil", media_type, b"<script>alert(1)</script>" + media_type.encode())
        farm.files["evil"] = evil
        answer = guest.get(f"/media/artifacts/{evil.artifact.sha256}")
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "address",
    ["/media/artifacts/..%2f..%2fjobs", "/media/artifacts/abc", f"/media/jobs/{DONE}/storyboard"],
)
def test_only_files_are_handed_through(guest: FlaskClient, address: str) -> None:
    assert guest.get(address).status_code == 404


def test_the_stream_begins_with_all_fragments(guest: FlaskClient) -> None:
    answer = guest.get(f"/live/job?id={RUNNING}", buffered=False)
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    messages = iter(answer.response)
    assert next(messages) in (b": connected\n\n", ": connected\n\n")
    first = next(messages)
    text = first.decode() if isinstance(first, bytes) else first
    assert text.startswith("id: ")
    assert "event:" not in text
    for target in ("pulse", "job-head", "film", "grid", "story", "trouble"):
        assert f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">' in text
    answer.close()


def test_a_page_without_a_seat_polls(farm: PlayedFarm, tmp_path: Path) -> None:
    guest = guest_of(farm, tmp_path, most_streams=0)
    answer = guest.get("/live/jobs?state=done")
    assert answer.status_code == 503
    seen = Seen(answer)
    (poller,) = [tag for tag in seen.all("div") if "hx-get" in tag]
    assert poller["hx-get"] == "/fragments/jobs?state=done"
    assert poller["hx-trigger"] == "every 5s"
    assert "Harbour at dawn" in guest.get(poller["hx-get"]).text


def test_the_stream_says_when_the_farm_is_away(farm: PlayedFarm, guest: FlaskClient) -> None:
    farm.away = True
    answer = guest.get("/fragments/overview")
    assert answer.status_code == 200
    assert "does not answer" in Seen(answer).text
    assert 'hx-target="#trouble"' in answer.text
