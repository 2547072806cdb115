"""Prices: read and refused, and what a run costs by day, by night and across both."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelyard.errors import InvalidInput
from reelyard.predict.prices import (
    NO_PRICES,
    Prices,
    Tariff,
    energy_cost,
    read_prices,
    rent_cost,
)
from tests.support.core_values import CATALOG

HOUR = 3600
PRICES = Prices("EUR", Tariff(0.30, 0.20, 22 * HOUR, 6 * HOUR), {"h100-sxm": 2.50})
EXAMPLE = Path(__file__).parents[2] / "examples" / "prices.toml"


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-25T{clock}:00+01:00")


def read(tmp_path: Path, text: str) -> Prices:
    (tmp_path / "prices.toml").write_text(text)
    return read_prices(tmp_path / "prices.toml", CATALOG.devices)


@pytest.mark.parametrize(
    ("start", "hours", "cost"),
    [
        ("10:00", 2, 0.30),
        ("23:00", 2, 0.20),
        ("21:00", 2, 0.25),
        ("05:00", 4, 0.275),
        ("22:00", 24, (16 * 0.30 + 8 * 0.20) / 24),
        ("10:00", 72, (16 * 0.30 + 8 * 0.20) / 24),
        ("21:30", 0, 0.30),
        ("22:30", 0, 0.20),
    ],
)
def test_a_kilowatt_hour_at_the_rates_of_its_hours(start: str, hours: float, cost: float) -> None:
    assert energy_cost(1000, at(start), hours * HOUR, PRICES) == pytest.approx(cost)


def test_a_night_that_does_not_cross_midnight() -> None:
    noon = Prices("EUR", Tariff(0.30, 0.20, 1 * HOUR, 5 * HOUR))
    assert energy_cost(1000, at("00:00"), 2 * HOUR, noon) == pytest.approx(0.25)
    assert energy_cost(1000, at("04:00"), 4 * HOUR, noon) == pytest.approx(0.275)


@given(
    start=st.integers(0, 86_399),
    first=st.floats(1, 300_000),
    second=st.floats(1, 300_000),
    begins=st.integers(0, 86_399),
    ends=st.integers(0, 86_399),
)
def test_a_run_in_two_parts_costs_the_same(
    start: int, first: float, second: float, begins: int, ends: int
) -> None:
    prices = Prices("EUR", Tariff(0.5, 0.1, begins, ends))
    began = at("00:00") + timedelta(seconds=start)
    then = began + timedelta(seconds=first)
    whole = energy_cost(first + second, began, first + second, prices)
    parts = (energy_cost(first, began, first, prices), energy_cost(second, then, second, prices))
    assert whole == pytest.approx(sum(part or 0.0 for part in parts), rel=1e-6)


def test_what_nobody_priced_is_not_known() -> None:
    assert energy_cost(1000, at("10:00"), 60, NO_PRICES) is None
    assert rent_cost(7200, "rtx-4090", PRICES) is None
    assert rent_cost(7200, "h100-sxm", PRICES) == pytest.approx(5.0)


def test_the_example_reads(tmp_path: Path) -> None:
    found = read_prices(EXAMPLE, CATALOG.devices)
    assert found.currency == "EUR"
    assert found.tariff == Tariff(0.30, 0.22, 22 * HOUR, 6 * HOUR)
    assert found.rent["h100-sxm"] == 2.50
    assert read_prices(None, CATALOG.devices) is NO_PRICES


def test_one_rate_all_day(tmp_path: Path) -> None:
    found = read(tmp_path, 'currency = "USD"\n[energy]\nkwh = 0.1\n')
    assert energy_cost(2000, at("23:00"), 60, found) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("currency = 3", "currency"),
        ("[energy]\nkwh = 0.3", "currency"),
        ('currency = "EUR"\n[energy]\nkwh = -1', "energy.kwh"),
        ('currency = "EUR"\n[energy]\nkwh = nan', "energy.kwh"),
        ('currency = "EUR"\n[energy]\nkwh = 1\nnight_kwh = 2', "energy"),
        (
            'currency = "EUR"\n[energy]\nkwh = 1\nnight_kwh = 2\nnight = "25:00-6:00"',
            "energy.night",
        ),
        ('currency = "EUR"\n[rent]\nh100-sxm = inf', "rent.h100-sxm"),
        ('currency = "EUR"\n[rent]\ngpu-of-dreams = 1', "rent.gpu-of-dreams"),
        ('currency = "EUR"\nfee = 1', "fee"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, text)
    [problem] = refused.value.problems
    assert problem.field == field and problem.remedy


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for wrong in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(InvalidInput, match="cannot be read as TOML"):
            read_prices(wrong, CATALOG.devices)
    with pytest.raises(InvalidInput, match="cannot be read as TOML"):
        read(tmp_path, "= 3")
