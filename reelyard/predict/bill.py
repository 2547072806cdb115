"""What a film costs: the power of the farm's own devices, or the same hours rented. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from reelyard.predict.case import Case
from reelyard.predict.prices import energy_cost, rent_cost
from reelyard.predict.timetable import Run


def money(runs: Mapping[int, Run], case: Case) -> float | None:
    """What the devices' power costs at the hours at which they would run."""
    parts = []
    for number, run in runs.items():
        drawn = case.way(number, run.group).watt_hours
        start = case.at + timedelta(seconds=run.begins + run.load_seconds)
        parts.append(None if drawn is None else energy_cost(drawn, start, run.seconds, case.prices))
    found = total(parts)
    return None if found is None else round(found, 6)


def rent(runs: Mapping[int, Run], case: Case) -> float | None:
    """What the same device time, loads included, would cost rented."""
    found = total(
        rent_cost(run.load_seconds + run.seconds, run.group.type, case.prices)
        for run in runs.values()
    )
    return None if found is None else round(found, 6)


def total(parts: Iterable[float | None]) -> float | None:
    """All of them, or None when one is not known."""
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return total
