"""Signing in and out; and that nothing is changed by a form that is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard.session import signing_key
from tests.support.dashboard_client import guest_of, proof_of, stranger_at
from tests.support.played_farm import TOKEN, PlayedFarm
from tests.support.played_season import RUNNING, played_farm


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(1_800_000_000.0)


@pytest.fixture
def stranger(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return stranger_at(farm, tmp_path)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


def test_health_needs_no_token(stranger: FlaskClient) -> None:
    assert stranger.get("/health").json["status"] == "ok"


@pytest.mark.parametrize(
    "address",
    ["/", "/jobs", f"/jobs/{RUNNING}", "/models", "/workers", "/new", "/media/jobs/x/film"],
)
def test_a_stranger_is_asked_for_the_token(stranger: FlaskClient, address: str) -> None:
    answer = stranger.get(address)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")


def test_htmx_is_told_to_go_to_the_door(stranger: FlaskClient) -> None:
    answer = stranger.get("/fragments/overview", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_signing_in_leads_to_where_one_wanted_to_go(stranger: FlaskClient) -> None:
    door = stranger.get(f"/jobs/{RUNNING}").location
    assert stranger.get(door).status_code == 200
    form = {"proof": proof_of(stranger), "token": TOKEN, "next": f"/jobs/{RUNNING}"}
    answer = stranger.post("/sign-in", data=form)
    assert answer.location == f"/jobs/{RUNNING}"
    assert stranger.get(answer.location).status_code == 200


def test_a_link_with_the_token_signs_in_and_leaves_a_clean_address(stranger: FlaskClient) -> None:
    answer = stranger.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.location) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert stranger.get("/").status_code == 200


def test_no_page_holds_the_token(guest: FlaskClient) -> None:
    for address in ("/", "/jobs", f"/jobs/{RUNNING}", "/models", "/workers", "/new"):
        assert TOKEN not in guest.get(address).text


@pytest.mark.parametrize("token", ["wrong", "wr\x00ong", "\N{SNOWMAN}", " "])
def test_a_wrong_token_is_refused(stranger: FlaskClient, token: str) -> None:
    form = {"proof": proof_of(stranger), "token": token}
    answer = stranger.post("/sign-in", data=form)
    assert answer.status_code == 401
    assert "not a token of this farm" in answer.text
    assert stranger.get("/").status_code == 302


def test_a_wrong_token_in_a_link_is_refused(stranger: FlaskClient) -> None:
    assert stranger.get("/?token=wrong").location == "/sign-in?wrong=1"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"]
)
def test_nobody_is_sent_elsewhere(stranger: FlaskClient, elsewhere: str) -> None:
    form = {"proof": proof_of(stranger), "token": TOKEN, "next": elsewhere}
    assert stranger.post("/sign-in", data=form).location == "/"


def test_signing_out_forgets(guest: FlaskClient) -> None:
    assert guest.post("/sign-out").status_code == 403
    guest.post("/sign-out", data={"proof": proof_of(guest)})
    assert guest.get("/").status_code == 302


@pytest.mark.parametrize("address", [f"/jobs/{RUNNING}/cancel", "/new", "/new/check"])
def test_a_form_from_elsewhere_changes_nothing(
    farm: PlayedFarm, guest: FlaskClient, address: str
) -> None:
    proof = proof_of(guest)
    assert guest.post(address, data={"source": "A boat."}).status_code == 403
    foreign = {"X-Form-Proof": proof, "Sec-Fetch-Site": "cross-site"}
    assert guest.post(address, headers=foreign).status_code == 403
    assert (farm.cancelled, farm.submissions) == ([], [])


def test_a_token_that_was_revoked_ends_the_session(
    guest: FlaskClient, monkeypatch: pytest.MonkeyPatch, farm: PlayedFarm
) -> None:
    from tests.support.played_farm import ClosedFarm

    monkeypatch.setattr(farm, "overview", ClosedFarm().overview)
    assert guest.get("/").location == "/sign-in?wrong=1"
    monkeypatch.undo()
    assert guest.get("/").status_code == 302


def test_the_signing_key_survives_a_restart_and_is_private(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "state")
    assert signing_key(tmp_path / "state") == key
    assert (tmp_path / "state" / "dashboard.key").stat().st_mode & 0o077 == 0
