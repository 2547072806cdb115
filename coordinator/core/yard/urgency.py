"""Which band waiting lines count as now: what was asked for, risen by age, or critical by deadline.
Pure.
"""

from __future__ import annotations

import numpy as np

from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.lines import Lines
from coordinator.core.yard.prices import Floats, Ints
from coordinator.core.yard.terms import Terms, Urgency


def urgency(
    lines: Lines, waits: Floats, forecast: Forecast, terms: Terms, now: float, devices: float
) -> Ints:
    """[lines] the band each counts as now: aged, or critical by its deadline. `devices`: so many
    share what a line has left."""
    band = aged(lines, waits, terms)
    if not np.isfinite(lines.deadline[: len(lines)]).any():
        return np.asarray(band)
    critical = now > critical_from(lines, forecast, terms, devices)
    return np.asarray(np.where(critical, np.minimum(band, int(Urgency.CRITICAL)), band))


def critical_from(lines: Lines, forecast: Forecast, terms: Terms, devices: float) -> Floats:
    """[lines] the moment after which each is critical: its slack is too small, in seconds or as a
    part of the time that is left."""
    count = len(lines)
    usual = forecast.usual[lines.shape[:count]]
    usual = np.where(np.isfinite(usual), usual, 0.0)  # what nobody can run hurries nobody
    needs = usual * np.ceil(lines.count[:count] / max(devices, 1.0))
    early = np.maximum(needs + terms.critical_seconds, needs / (1.0 - terms.critical_part))
    return np.asarray(lines.deadline[:count] - early)


def aged(lines: Lines, waits: Floats, terms: Terms) -> Ints:
    """[lines] bands after ageing. All that asked for as much rise with what has aged: age lifts
    nobody above others of their band, there it is their turn that counts."""
    count = len(lines)
    asked = lines.band[:count]
    risen = np.floor(waits / terms.age_seconds).astype(np.int64)
    if not risen.any():
        return np.asarray(asked)
    own = np.maximum(asked - risen, int(Urgency.INTERACTIVE))
    best = np.full(len(Urgency), int(Urgency.BATCH))
    has_any = lines.count[:count] > 0
    np.minimum.at(best, asked[has_any], own[has_any])
    of_band = np.minimum.accumulate(best[::-1])[::-1]
    return np.asarray(np.minimum(own, of_band[asked]))
