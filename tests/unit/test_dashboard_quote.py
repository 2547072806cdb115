"""The quote beside a script: when, where, how much; and what is left out because nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dashboard import format as written
from dashboard.present.quote import between, quote_card
from dashboard.present.script import EXAMPLES
from reelyard.predict.views import Quote, QuotedScene
from tests.support.dashboard_client import Seen, guest_of, proof_of
from tests.support.played_models import H100, RTX, impossible_quote, quote
from tests.support.played_season import played_farm

NOW = 1_800_000_000.0
HTMX = {"HX-Request": "true"}


@pytest.fixture
def guest(tmp_path: Path) -> FlaskClient:
    return guest_of(played_farm(NOW), tmp_path)


def check(guest: FlaskClient, source: str) -> Seen:
    form = {"proof": proof_of(guest), "source": source}
    return Seen(guest.post("/new/check", data=form, headers=HTMX))


def test_a_quote_says_when_with_its_range() -> None:
    card = quote_card(quote((100, 50)), NOW)
    assert card.done is not None
    assert card.done.at.timestamp() == NOW + 220
    assert (card.done.span, card.done.range) == ("3 min 40 s", "3 min 10 s to 4 min 40 s")


def test_ends_that_read_alike_are_no_range() -> None:
    assert between((61.2, 61.4)) == ""
    assert between(None) == ""


def test_a_quote_says_memory_time_energy_and_money_beside_rent() -> None:
    facts = {
        fact.name: (fact.value, fact.note) for fact in quote_card(quote((500, 500)), NOW).facts
    }
    assert facts == {
        "memory": ("23.7 GiB", "on one device"),
        "device time": ("20 min", "and 21 s of loading"),
        "energy": ("200 Wh", ""),
        "own power": ("0.06 EUR", ""),
        "rented": ("0.83 EUR", "14 times own power"),
    }


def test_what_is_not_known_is_left_out() -> None:
    card = quote_card(Quote(is_possible=None, because="rtx-9090 is not in the catalog"), NOW)
    assert (card.done, card.facts, card.scenes) == (None, (), ())
    assert card.mark.word == "Not known yet whether it fits"


def test_only_a_scene_that_stands_out_is_the_dearest() -> None:
    assert [one.is_dearest for one in quote_card(quote((49, 162, 49)), NOW).scenes] == [
        False,
        True,
        False,
    ]
    assert not any(one.is_dearest for one in quote_card(quote((50, 51)), NOW).scenes)
    assert not quote_card(quote((300,)), NOW).scenes[0].is_dearest


def test_a_scene_says_how_much_where_and_how() -> None:
    line = quote_card(quote((49, 162)), NOW).scenes[1]
    assert (line.number, line.what, line.where) == (2, "162 frames, 2 shots", "h100-sxm · bf16")
    assert (line.time, line.needs) == ("3 min 14 s", "at most 23.7 GiB")
    assert line.width == pytest.approx(76.8)


def test_devices_that_can_come_first() -> None:
    names = [device.device for device in quote_card(quote((49,)), NOW).devices]
    assert names == [H100, RTX, "cpu"]


def test_the_check_brings_the_quote_into_its_own_place(guest: FlaskClient) -> None:
    seen = check(guest, EXAMPLES["yaml"])
    (place,) = seen.all("hx-partial")
    assert place["hx-target"] == "#quote"
    assert "Ready to render" in seen.text
    assert "done about" in seen.text
    assert "2 assumptions" in seen.text


def test_what_cannot_be_says_why_with_numbers(guest: FlaskClient) -> None:
    text = check(guest, "model: hunyuanvideo\nscenes:\n  - picture: a boat\n").text
    assert "No device can run it" in text
    assert impossible_quote().because in text
    assert "needs 31.2, has 23.3 GiB" in text
    assert "done about" not in text


def test_problems_come_alone(guest: FlaskClient) -> None:
    seen = check(guest, "scenes:\n  - pictur: a boat\n")
    assert "2 problems" in seen.text
    assert "once the script has no problem" in seen.text
    assert "done about" not in seen.text
    assert len(seen.all("hx-partial")) == 1


def test_nothing_typed_empties_the_quote(guest: FlaskClient) -> None:
    assert "as you type" in check(guest, " ").text


def test_a_farm_that_quotes_nothing_still_says_what_it_needs(guest: FlaskClient) -> None:
    text = check(guest, "title: no quote\nscenes:\n  - picture: a boat\n").text
    assert "18.4 GiB on one device" in text
    assert "3 devices can run it" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (1.5, "1.5 s"),
        (9.96, "10 s"),
        (59.7, "60 s"),
        (91, "1.5 min"),
        (1481, "25 min"),
        (5900, "98 min"),
        (6000, "1.7 h"),
        (200_000, "2.3 d"),
    ],
)
def test_a_brief_length(seconds: float | None, text: str) -> None:
    assert written.brief(seconds) == text


def test_energy_and_money() -> None:
    assert [written.energy(wh) for wh in (3.21, 420.4, 1320)] == ["3.2 Wh", "420 Wh", "1.32 kWh"]
    assert [written.energy(wh) for wh in (0, 0.01)] == ["0.0 Wh", "< 0.1 Wh"]
    assert written.money(0.0, "EUR") == "0.00 EUR"
    assert written.money(0.004, "EUR") == "< 0.01 EUR"
    assert written.money(12.345, "") == "12.35"


def test_a_scene_without_a_device_names_its_model() -> None:
    bare = QuotedScene(scene=0, model="hunyuanvideo", frames=129, shots=1)
    card = quote_card(Quote(is_possible=False, because="no", scenes=[bare]), NOW)
    (line,) = card.scenes
    assert (line.where, line.time, line.needs, line.width) == ("hunyuanvideo", "", "", 0)
