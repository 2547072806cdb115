"""What power and rented devices cost, from a farm's own file: none are built in.

    currency = "EUR"
    [energy]
    kwh = 0.30                 # by day
    night_kwh = 0.22           # within `night`, on the farm's own clock
    night = "22:00-06:00"
    [rent]
    h100-sxm = 2.50            # an hour of one device

Pure but for reading the file: never asks a clock, never a market.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reelyard.catalog import DeviceType
from reelyard.catalog.identify import find_device
from reelyard.errors import InvalidInput, Problem
from reelyard.predict.toml_file import read_toml

_DAY = 86_400
_REMEDY = "Correct the file of prices; docs/predicting.md has an example."
Price = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Tariff:
    """Currency per kWh. Night is `begins` to `ends`, in seconds after midnight, or never."""

    day: float
    night: float
    begins: int = 0
    ends: int = 0

    @property
    def night_seconds(self) -> int:
        """Of one day."""
        return (self.ends - self.begins) % _DAY


@dataclass(frozen=True, slots=True)
class Prices:
    """`tariff`: of power, None: not known. `rent`: of an hour of a device, by type."""

    currency: str = ""
    tariff: Tariff | None = None
    rent: Mapping[str, float] = field(default_factory=dict)


NO_PRICES = Prices()


def energy_cost(watt_hours: float, start: datetime, seconds: float, prices: Prices) -> float | None:
    """What so much energy costs, drawn evenly over a run that starts then, at the rates of the
    hours that it runs through. `start` shows the farm's local time. None: no price is known."""
    tariff = prices.tariff
    if tariff is None:
        return None
    night = _night_share(start, seconds, tariff)
    return watt_hours / 1000 * (tariff.night * night + tariff.day * (1 - night))


def rent_cost(device_seconds: float, device: str, prices: Prices) -> float | None:
    """What so much time of a type of device would cost rented. None: no price is known."""
    hourly = prices.rent.get(device)
    return None if hourly is None else hourly * device_seconds / 3600


def read_prices(file: Path | None, devices: Mapping[str, DeviceType]) -> Prices:
    """The prices in a file; none where there is no file. Raises InvalidInput with every problem."""
    if file is None:
        return NO_PRICES
    found = read_toml(file, _File, _REMEDY)
    problems = [*_unknown(found.rent, devices)]
    if problems:
        raise InvalidInput(problems)
    known = ((find_device(name, devices), price) for name, price in found.rent.items())
    rent = {device.id: price for device, price in known if device is not None}
    return Prices(found.currency, found.energy.tariff() if found.energy else None, rent)


def _night_share(start: datetime, seconds: float, tariff: Tariff) -> float:
    """Of the run, what falls into the night."""
    begins = start.hour * 3600 + start.minute * 60 + start.second + start.microsecond / 1e6
    if seconds <= 0:
        seconds = 1e-3
    within = _night_until(begins + seconds, tariff) - _night_until(begins, tariff)
    return min(1.0, max(0.0, within / seconds))


def _night_until(moment: float, tariff: Tariff) -> float:
    """Seconds of night from a midnight to a moment, which may be days later."""
    days, rest = divmod(moment, _DAY)
    begins, ends = tariff.begins, tariff.ends
    if begins <= ends:
        today = min(max(rest - begins, 0.0), ends - begins)
    else:
        today = min(rest, ends) + max(rest - begins, 0.0)
    return days * tariff.night_seconds + today


class _Energy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kwh: Price
    night_kwh: Price | None = None
    night: str = Field(default="", pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")

    @model_validator(mode="after")
    def _night_is_whole(self) -> _Energy:
        if (self.night_kwh is None) != (not self.night):
            raise ValueError("night and night_kwh belong together: give both or neither")
        return self

    def tariff(self) -> Tariff:
        if self.night_kwh is None:
            return Tariff(self.kwh, self.kwh)
        begins, _, ends = self.night.partition("-")
        return Tariff(self.kwh, self.night_kwh, _seconds(begins), _seconds(ends))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    currency: str = Field(min_length=1, max_length=8)
    energy: _Energy | None = None
    rent: dict[str, Price] = {}


def _seconds(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 3600 + int(minutes) * 60


def _unknown(rent: Mapping[str, float], devices: Mapping[str, DeviceType]) -> Iterable[Problem]:
    for name in rent:
        if find_device(name, devices) is None:
            yield Problem(
                field=f"rent.{name}",
                message="is not a device of the catalog",
                value=name[:80],
                limit=", ".join(devices),
                remedy="Correct the name, or add the device to REELYARD_CATALOG_FILE.",
            )
