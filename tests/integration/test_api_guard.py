"""Who may come in: every address of the API asks for a token, but for a few."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from werkzeug.routing import Rule

from coordinator.api.app import bare_app, with_parts
from tests.support.api_in_hand import ApiInHand, api_in_hand, problem

OPEN = {"/", "/openapi.json", "/api/v1/health"}
RULES = list(bare_app().url_map.iter_rules())
GUARDED = [rule for rule in RULES if rule.rule not in OPEN]
CLOSED_NETWORK = {"REMOTE_ADDR": "10.1.2.3"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> ApiInHand:
    return api_in_hand(tmp_path_factory.mktemp("api"))


def address(rule: Rule) -> str:
    path = rule.rule
    for argument in rule.arguments:
        path = path.replace(f"<{argument}>", "0" * 64)
    assert "<" not in path
    return path


@pytest.mark.parametrize("rule", GUARDED, ids=lambda rule: rule.rule)
def test_every_method_of_every_address_wants_a_token(api: ApiInHand, rule: Rule) -> None:
    assert rule.methods
    for method in rule.methods:
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": api.token}):
            answer = api.bare.open(
                address(rule), method=method, headers=wrong, environ_base=CLOSED_NETWORK
            )
            assert answer.status_code == 401, (method, rule.rule)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            if method != "HEAD":
                problem(answer, 401)


@pytest.mark.parametrize("path", sorted(OPEN))
def test_few_addresses_want_none(api: ApiInHand, path: str) -> None:
    assert api.bare.get(path, environ_base=CLOSED_NETWORK).status_code == 200
    assert path in {rule.rule for rule in RULES}


def test_a_wrong_token_is_answered_as_an_unknown_or_a_revoked_one(api: ApiInHand) -> None:
    made = api.parts.tokens.create("gone")
    good = made.secret
    flipped = good[:-1] + ("a" if good[-1] != "a" else "b")
    api.parts.tokens.revoke(made.id)
    answers = {
        api.bare.get("/api/v1/jobs", headers={"Authorization": f"Bearer {token}"}).data
        for token in (good, flipped, f"reelyard_00000000_{'x' * 43}", "x", "é", "x" * 9_000)
    }
    assert len(answers) == 1


def test_the_scheme_is_read_as_http_wants_it(api: ApiInHand) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {api.token}"}
        assert api.bare.get("/api/v1/jobs", headers=headers).status_code == 200
    basic = {"Authorization": f"Basic {api.token}"}
    assert api.bare.get("/api/v1/jobs", headers=basic).status_code == 401


def test_figures_need_no_token_on_the_machine_itself(api: ApiInHand) -> None:
    local = {"REMOTE_ADDR": "127.0.0.1"}
    assert api.bare.get("/metrics", environ_base=local).status_code == 200
    through_a_proxy = {"X-Forwarded-For": "203.0.113.9"}
    answer = api.bare.get("/metrics", environ_base=local, headers=through_a_proxy)
    assert answer.status_code == 401
    answer = api.bare.get("/metrics", environ_base=CLOSED_NETWORK, headers=api.authorization)
    assert answer.status_code == 200


def test_figures_are_open_where_the_settings_say_so(tmp_path: Path) -> None:
    api = api_in_hand(tmp_path, metrics_open=True)
    assert api.bare.get("/metrics", environ_base=CLOSED_NETWORK).status_code == 200
    assert api.bare.get("/api/v1/jobs", environ_base=CLOSED_NETWORK).status_code == 401


def test_tokens_are_made_listed_and_revoked(api: ApiInHand) -> None:
    made = api.post("/tokens", json={"name": "anna's laptop"})
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    token = made.get_json()
    theirs = {"Authorization": f"Bearer {token['secret']}"}
    assert api.bare.get("/api/v1/jobs", headers=theirs).status_code == 200
    listed = api.get("/tokens")
    assert token["secret"] not in listed.text and "secret" not in listed.text
    mine = next(t for t in listed.get_json()["data"] if t["id"] == token["id"])
    assert mine["name"] == "anna's laptop" and mine["last_used_at"]
    revoked = api.open("DELETE", f"/tokens/{token['id']}")
    assert (revoked.status_code, revoked.data) == (204, b"")
    assert api.bare.get("/api/v1/jobs", headers=theirs).status_code == 401
    assert problem(api.open("DELETE", f"/tokens/{token['id']}"), 404)


def test_no_secret_is_logged(api: ApiInHand, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        secret = api.post("/tokens", json={"name": "x"}).get_json()["secret"]
        api.get("/jobs")
        api.bare.get("/api/v1/jobs", headers={"Authorization": "Bearer not-mine-to-tell"})
    for word in (secret, secret.split("_", 2)[2], api.token, "not-mine-to-tell"):
        assert word not in caplog.text


def test_browsers_are_told_to_guess_and_keep_nothing(api: ApiInHand) -> None:
    for path in ("/", "/api/v1/jobs", "/api/v1/nothing"):
        headers = api.bare.get(path, headers=api.authorization).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_an_app_of_its_own_has_its_own_parts(api: ApiInHand, tmp_path: Path) -> None:
    other = api_in_hand(tmp_path)
    assert with_parts(other.parts).test_client().get("/api/v1/health").status_code == 200
    stranger = other.bare.get("/api/v1/jobs", headers=api.authorization)
    assert stranger.status_code == 401
