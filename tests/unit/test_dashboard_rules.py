"""The page of house rules: what is shown of them, older revisions, editing with a check before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.present.rules import CLOSED, OPEN, opening, price, rules_page
from dashboard.screens import Screen
from reelyard.rules.parse import parse
from reelyard.rules.shown import hours_view, rules_body
from reelyard.rules.text import EXAMPLE
from reelyard.rules.views import RulesView
from tests.support.dashboard_client import Seen, guest_of, proof_of, stranger_at
from tests.support.played_farm import PlayedFarm
from tests.support.played_jobs import HOSTILE, event
from tests.support.played_rules import FIRST, PLACES
from tests.support.played_season import played_farm

NOW = datetime(2026, 11, 25, 14, tzinfo=UTC).timestamp()  # 15:00 in Berlin, a Wednesday
HTMX = {"HX-Request": "true"}


@pytest.fixture
def farm() -> PlayedFarm:
    return played_farm(NOW)


@pytest.fixture
def guest(farm: PlayedFarm, tmp_path: Path) -> FlaskClient:
    return guest_of(farm, tmp_path)


def view(text: str) -> RulesView:
    return RulesView(revision=1, text=text, rules=rules_body(parse(text), NOW, PLACES))


def send(guest: FlaskClient, address: str, **fields: str) -> TestResponse:
    proof = {"X-Form-Proof": proof_of(guest)}
    return guest.post(address, data=fields, headers={**HTMX, **proof})


class TestPresent:
    def test_open_and_closed_say_until_when(self) -> None:
        pools = rules_page(view(EXAMPLE), NOW).pools
        assert (pools[0].opening.mark, pools[0].opening.change) == (CLOSED, "opens")
        assert pools[0].opening.left == "4 h" and pools[0].opening.at is not None
        assert (pools[1].opening.mark, pools[1].opening.change) == (OPEN, "")
        night = opening(hours_view(parse(EXAMPLE).pools[0].hours, NOW + 5 * 3600), NOW + 5 * 3600)
        assert (night.mark, night.change, night.left) == (OPEN, "closes", "11 h")

    def test_what_a_pool_asks_and_holds(self) -> None:
        desks, big = rules_page(view(EXAMPLE), NOW).pools
        assert desks.says == ("nodes: desk-*", "at most 70% of the power limit")
        assert desks.inside == ("cuda:0 of desk-3", "cpu of desk-3")
        assert big.says == ("types: h100-*, h200", "only for anna, lab-*")

    def test_shares_are_of_the_largest(self) -> None:
        page = rules_page(view(EXAMPLE), NOW)
        assert [(row.name, row.weight, row.part) for row in page.owners] == [
            ("anna", "2", 1.0),
            ("night shift", "1", 0.5),
            ("everybody else", "1", 0.5),
        ]
        assert page.owners[1].running == "8" and page.owners[2].waiting == "20\u202f000"
        assert [row.is_everybody for row in page.owners] == [False, False, True]
        (film,) = page.groups
        assert film.group == "anna, night shift" and film.running == "40"

    def test_limits_pins_nodes_and_the_farm(self) -> None:
        page = rules_page(view(EXAMPLE), NOW)
        assert [(one.name, one.said) for one in page.limits] == [
            ("studio-licence", "5 in the farm; models wan2.2-*"),
            ("model-storage", "2 on a node; kinds video"),
        ]
        assert page.pins[0].said == "on rtx-4090"
        assert page.nodes[0].name == "cuda:0 of atlas"
        assert page.nodes[0].says == ("serves only video", "tags: licensed")
        assert [row.name for row in page.periods] == ["0.21 EUR"]
        assert page.thrift == (
            "Batch work waits up to 12 h for a lower price.",
            "What has time runs at 85% of the power limit.",
        )
        said = {one.name: one.said for one in page.settings}
        assert said["preemption"] == "a run is left alone for 5 min at least"
        other = rules_page(
            view('preempt = false\n[[pins]]\nmodel = "m"\n[limits.x]\nfarm = 1'), NOW
        )
        assert {one.name: one.said for one in other.settings}["preemption"].startswith("off")
        assert (other.pins[0].said, other.limits[0].said) == (
            "anywhere",
            "1 in the farm; every task",
        )

    def test_prices_keep_their_digits(self) -> None:
        assert (price(0.3, "EUR"), price(0.0525, "EUR"), price(12, "JPY")) == (
            "0.30 EUR",
            "0.0525 EUR",
            "12.00 JPY",
        )


class TestPage:
    def test_all_of_it(self, guest: FlaskClient) -> None:
        seen = Seen(guest.get("/rules"))
        for words in (
            "revision 2",
            "by bob",
            "hours on the clock of Europe/Berlin",
            "no token has the name 'night shift'",
            "desks closed opens",
            "Mon-Thu 19:00-07:00; Fri 19:00-Mon 00:00",
            "2 devices now: cuda:0 of desk-3, cpu of desk-3",
            "0.32 EUR a kWh now",
            "Batch work waits up to 12 h for a lower price.",
            "everybody: max_waiting is 20000 (was 500)",
        ):
            assert words in seen.text, words
        assert any(link.get("aria-current") == "page" for link in seen.all("a"))
        assert {"/rules/edit", "/rules/1", "/rules/2"} <= {
            link.get("href") for link in seen.all("a")
        }

    def test_a_farm_without_any_says_what_to_do(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        farm.revisions.clear()
        assert "No house rules yet" in Seen(guest.get("/rules")).text
        page = guest.get("/rules/edit")
        assert "An example to start from" in Seen(page).text and "[pools.desks]" in page.text

    def test_rules_that_say_little(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        farm.put_rules("", 2)
        text = Seen(guest.get("/rules")).text
        for words in (
            "Nothing is limited",
            "No pools",
            "No node",
            "No tariff",
            "No model is pinned",
        ):
            assert words in text
        assert "(empty)" in text

    def test_what_people_write_stays_text(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        named = HOSTILE[:100]
        farm.put_rules(f"# {HOSTILE}\n[owners.'{named}']\n", 2)
        for address in ("/rules", "/rules/3", "/rules/edit"):
            page = guest.get(address)
            assert named not in page.text and named in Seen(page).text
        answer = send(guest, "/rules/check", source=f"['{HOSTILE}']")
        assert named not in answer.text and named in Seen(answer).text

    def test_older_revisions(self, guest: FlaskClient) -> None:
        assert FIRST in guest.get("/rules/1").text
        assert "max_waiting = 500" in guest.get("/rules/edit?from=1").text
        for address in ("/rules/9", "/rules/x", "/rules/0", "/rules/edit?from=x"):
            assert guest.get(address).status_code == 404, address

    def test_it_follows_the_farm(self) -> None:
        screen = Screen.of("rules", {})
        told = [
            event(1, datetime.fromtimestamp(NOW, UTC), kind, "x")
            for kind in ("rules.changed", "worker.online", "task.progress")
        ]
        assert [screen.cares_for(one) for one in told] == [True, True, False]

    def test_a_farm_that_does_not_answer(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        farm.away = True
        assert guest.get("/rules").status_code == 503


class TestEditing:
    def test_it_is_checked_as_somebody_types(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        bad = Seen(send(guest, "/rules/check", source="[owners.anna]\r\nwieght = 2\r\n"))
        assert "1 problem" in bad.text and "Did you mean `weight`?" in bad.text
        assert [tag.get("data-line") for tag in bad.all("button")] == ["2"]
        good = Seen(
            send(guest, "/rules/check", source=EXAMPLE.replace("weight = 2 ", "weight = 5 "))
        )
        assert "Ready to be put in force" in good.text
        assert "owner anna: weight is 5 (was 2)" in good.text and "night shift" in good.text
        same = Seen(send(guest, "/rules/check", source=EXAMPLE))
        assert "Nothing would be different" in same.text
        assert len(farm.revisions) == 2

    def test_it_is_put_in_force(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        form = Seen(guest.get("/rules/edit"))
        revision = next(tag for tag in form.all("input") if tag.get("name") == "revision")["value"]
        assert revision == "2"
        answer = send(guest, "/rules", source="preempt = false\r\n", revision=revision)
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/rules")
        assert farm.revisions[-1][2] == "preempt = false\n"

    def test_what_is_wrong_is_not(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        answer = send(guest, "/rules", source="colour = 1", revision="2")
        assert answer.status_code == 422 and "colour" in answer.text
        assert send(guest, "/rules", source="", revision="x").status_code == 404
        assert len(farm.revisions) == 2

    def test_nobody_is_overwritten_unless_it_is_said(
        self, farm: PlayedFarm, guest: FlaskClient
    ) -> None:
        farm.put_rules(FIRST, 2)
        answer = send(guest, "/rules", source="preempt = false", revision="2")
        seen = Seen(answer)
        assert answer.status_code == 409 and "put revision 3 in force" in seen.text
        (button,) = seen.all("button")
        assert (button.get("name"), button.get("value")) == ("over", "3")
        assert farm.revisions[-1][2] == FIRST
        send(guest, "/rules", source="preempt = false", revision="2", over="3")
        assert farm.revisions[-1][2] == "preempt = false"

    def test_only_our_own_form_is_heard(self, farm: PlayedFarm, guest: FlaskClient) -> None:
        for address in ("/rules", "/rules/check"):
            assert guest.post(address, data={"source": "", "revision": "2"}).status_code == 403
        assert len(farm.revisions) == 2


def test_strangers_are_led_to_the_door(farm: PlayedFarm, tmp_path: Path) -> None:
    stranger = stranger_at(farm, tmp_path)
    for address in ("/rules", "/rules/edit", "/rules/1"):
        assert stranger.get(address).status_code == 303 or "sign-in" in stranger.get(address).text
