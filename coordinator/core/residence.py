"""What should be in memory before it is needed, and what has to go: models that people have pinned,
what is asked for most on devices that hold nothing, weights of what a device will load next. Pure;
remembers only what it has asked for. Decides nothing about tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from coordinator.core.asks import pinned_on
from coordinator.core.decisions import Assign, Fetch, Preload, Unload
from coordinator.core.snapshot import Device
from coordinator.core.yard.prices import Floats
from reelyard.plan import Offload

if TYPE_CHECKING:
    from coordinator.core.living import LivingYard

_AGAIN_SECONDS = 120.0
_MOST_AT_ONCE = 8
_FEW_TASKS = 3.0
"""Fewer of a model say nothing of what comes."""
_EMPTY: frozenset[int] = frozenset()


@dataclass(slots=True)
class Residence:
    """`asked`: worker, device and model, with when: nobody is asked twice in a row."""

    asked: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def decide(self, farm: LivingYard, now: float) -> list[Preload | Fetch]:
        """What to load or read ahead now, on devices that nothing has just been sent to."""
        self.asked = {key: at for key, at in self.asked.items() if now - at < _AGAIN_SECONDS}
        wished: tuple[Preload | Fetch, ...]
        wished = (*self._pinned(farm, now), *self._wanted(farm, now), *_coming(farm, now))
        found = list[Preload | Fetch]()
        for wish in wished:
            key = (*wish.device.key, wish.model)
            if key not in self.asked and len(found) < _MOST_AT_ONCE:
                self.asked[key] = now
                found.append(wish)
        return found

    def _pinned(self, farm: LivingYard, now: float) -> Iterator[Preload]:
        rules = farm.estimates.rules
        for device in farm.devices.values() if rules.pins else ():
            missing = sorted(pinned_on(device, rules) - device.resident)
            if missing and _is_idle(farm, device, now):
                yield from _preload(farm, device, missing[0], "it is pinned there")

    def _wanted(self, farm: LivingYard, now: float) -> Iterator[Preload]:
        """A device that holds nothing gets what most is asked for beside what others hold."""
        yard = farm.yard
        kinds = [kind for kind, held in yard.seats.classes() if held == _EMPTY]
        wanted = _demand(farm) if kinds else np.zeros(0)
        if not wanted.any():
            return
        for kind in kinds:
            first = yard.seats.seats[yard.seats.first((kind, _EMPTY))]
            device = farm.devices.get(_pair(first.key))
            if device and _is_idle(farm, device, now) and not self._is_asked(device):
                model = _most_wanted(farm, kind, wanted)
                if model:
                    yield from _preload(farm, device, model, "it is asked for most")

    def _is_asked(self, device: Device) -> bool:
        return any(key[:2] == device.key for key in self.asked)


def makes_room(start: Assign, farm: LivingYard) -> list[Unload]:
    """Models that idle in the other lane of the device, where a start needs the memory."""
    device = start.device
    held = [(gib, model) for model, gib in device.resident_gib if model != start.task.model]
    busy = {farm.under_way[task].model for task in _tasks_on(farm, device)}
    idle = [(gib, model) for gib, model in held if model not in busy]
    short = start.predicted_gib + sum(gib for gib, _ in held) - device.room_gib
    found = []
    for gib, model in sorted(idle, reverse=True):
        if short > 0 and model not in pinned_on(device, farm.estimates.rules):
            short -= gib
            found.append(Unload(device, model, f"{start.task.label} needs the room"))
    return found


def _coming(farm: LivingYard, now: float) -> Iterator[Fetch]:
    for key, model in farm.yard.coming(now):
        device = farm.devices.get(_pair(key))
        if device is not None:
            yield Fetch(device, model, "it is loaded there next")


def _preload(farm: LivingYard, device: Device, model: str, because: str) -> Iterator[Preload]:
    """Where the whole model lies in the device's memory while it runs."""
    fit = farm.estimates.usual(model, device)
    if fit is not None and fit.plan.offload is Offload.NONE:
        yield Preload(device, model, fit, because)


def _demand(farm: LivingYard) -> Floats:
    """[models] seconds of what came in lately, over those who hold the model already."""
    yard, models = farm.yard, len(farm.yard.prices.models)
    usual = yard.forecast.usual
    came, able = yard.forecast.recent()[: len(usual)], np.isfinite(usual)
    model = yard.prices.model[: len(usual)]
    able &= model >= 0
    wanted = np.bincount(model[able], came[able] * usual[able], models)
    wanted[np.bincount(model[able], came[able], models) < _FEW_TASKS] = 0.0
    holders = yard.seats.holders[:models].sum(1)
    return wanted / (1.0 + np.pad(holders, (0, max(0, models - len(holders)))))


def _most_wanted(farm: LivingYard, kind: int, wanted: Floats) -> str:
    """Of the models that run on the kind by plan; empty for none."""
    prices, plan = farm.yard.prices, farm.yard.forecast.on_plan
    model = prices.model[: len(plan)]
    able = plan[:, kind] & (model >= 0) if kind < plan.shape[1] else np.zeros(len(plan), bool)
    found = sorted(set(model[able].tolist()), key=lambda one: (-wanted[one], one))
    return list(prices.models)[found[0]] if found and wanted[found[0]] > 0 else ""


def _is_idle(farm: LivingYard, device: Device, now: float) -> bool:
    """Its main lane has nothing to do, and its door is open."""
    seats, kinds = farm.yard.seats, list(farm.yard.prices.kinds)
    number = seats.numbers.get((*device.key, "main"))
    if number is None or not seats.is_idle(number):
        return False
    return farm.house.closes_in(kinds[seats.seats[number].kind], now) > 0


def _tasks_on(farm: LivingYard, device: Device) -> Iterator[str]:
    seats = farm.yard.seats
    for lane in ("main", "side"):
        number = seats.numbers.get((*device.key, lane))
        seat = seats.seats[number] if number is not None else None
        yield from (run.task for run in (seat.run, seat.then) if run) if seat else ()


def _pair(key: object) -> tuple[str, str]:
    assert isinstance(key, tuple)
    return str(key[0]), str(key[1])
