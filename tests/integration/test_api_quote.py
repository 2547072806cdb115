"""A dry run over HTTP: the quote of the farm as it is, at the prices of its own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.api_in_hand import SCRIPT, YAML, ApiInHand, api_in_hand


def quoted(api: ApiInHand, source: str = SCRIPT) -> dict[str, Any]:
    answer = api.post("/jobs/validate", data=source, content_type=YAML)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()["estimate"]
    return found


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.toml"
    file.write_text('currency = "EUR"\n[energy]\nkwh = 30\n')
    return file


def test_a_farm_that_can_says_when_and_at_what_cost(tmp_path: Path, prices: Path) -> None:
    api = api_in_hand(tmp_path, prices_file=prices)
    api.farm.hello()
    api.farm.turn()
    estimate = quoted(api)
    quote = estimate["quote"]
    assert estimate["is_possible"] and quote["is_possible"] is True
    assert quote["done_in_range"][0] < quote["done_in_seconds"] < quote["done_in_range"][1]
    assert [scene["shots"] for scene in quote["scenes"]] == [1, 1]
    assert quote["money"] > 0 and quote["currency"] == "EUR" and quote["rent"] is None


def test_prices_are_read_anew_and_a_wrong_file_only_costs_the_money(
    tmp_path: Path, prices: Path
) -> None:
    api = api_in_hand(tmp_path, prices_file=prices)
    api.farm.hello()
    api.farm.turn()
    before = quoted(api)["quote"]["money"]
    prices.write_text(prices.read_text().replace("30", "60"))
    assert quoted(api)["quote"]["money"] == pytest.approx(2 * before, rel=0.01)
    prices.write_text("currency = 3\n")
    quote = quoted(api)["quote"]
    assert quote["money"] is None and quote["done_in_seconds"] is not None
    assert any("REELYARD_PRICES_FILE: currency" in said for said in quote["assumptions"])


def test_what_the_farm_refuses_no_quote_promises(tmp_path: Path) -> None:
    api = api_in_hand(tmp_path)
    api.farm.hello()
    api.farm.turn()
    estimate = quoted(api, f"model: wan2.1-t2v-14b\n{SCRIPT}")
    assert not estimate["is_possible"] and estimate["quote"]["is_possible"] is False
    assert estimate["quote"]["because"] == estimate["because"]
    assert estimate["quote"]["done_in_seconds"] is None


def test_nobody_knows_before_a_worker_has_joined(tmp_path: Path) -> None:
    estimate = quoted(api_in_hand(tmp_path))
    assert estimate["is_possible"] and estimate["quote"]["is_possible"] is None
