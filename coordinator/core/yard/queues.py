"""How long things wait, as far as the index rule asks: until a model's line is cleared, until a
device that holds it is free, until all is done. Remembers what it found until something starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.lines import Lines
from coordinator.core.yard.prices import Bools, Floats, Ints, Prices
from coordinator.core.yard.seats import Held, Seats
from coordinator.core.yard.terms import Terms
from coordinator.core.yard.urgency import critical_from

CERTAIN_SECONDS = 1e-3
"""So much later a wait is longer than asked for, whatever sums of moments are rounded to."""
_NO_SECONDS = 1e-6


@dataclass(slots=True)
class Queues:
    """One moment's. `closes`: as in `Picker`; `waits`: [lines] seconds of the oldest task."""

    lines: Lines
    seats: Seats
    prices: Prices
    forecast: Forecast
    terms: Terms
    now: float
    closes: Floats
    waits: Floats
    _able_holders: Floats = field(init=False)
    _holders_of: int = -1
    _free: Floats = field(init=False)
    _free_of: int = -1
    _line_wait: Floats | None = None
    _line_wait_of: int = -1
    _work: Floats | None = None

    def taken_from(self, line: int, held: Held) -> None:
        """The line's oldest task has gone, to devices that hold these models."""
        self._line_wait = None
        if self._free_of == self.seats.changes:  # else all are looked up anew
            for model in held:
                self._free[model + 1] = self.seats.free_in(model, self.now)
        if self._work is not None:
            shape = self.lines.shape[line]
            usual = float(self.forecast.usual[shape])
            self._work[self.prices.model[shape] + 1] -= usual if np.isfinite(usual) else 0.0

    def model_wait(self, shape: Ints) -> Floats:
        """[lines] seconds until their model's line is cleared, as it would be now."""
        if self._line_wait is None or self._line_wait_of != self.seats.changes:
            self._line_wait, self._line_wait_of = self._wait_now(shape), self.seats.changes
        return self._line_wait

    def _wait_now(self, shape: Ints) -> Floats:
        """[lines] seconds until today's holders that can run the shape have cleared the line of its
        model; endless where there is none."""
        model, holders = self.prices.model, self.able_holders()
        with np.errstate(divide="ignore", invalid="ignore"):
            wait = np.where(holders > 0, self.waiting_work()[model + 1] / holders, np.inf)
        wait = np.where(model < 0, 0.0, wait + self._until_free()[model + 1])
        return np.asarray(wait[shape])

    def waiting_work(self) -> Floats:
        """[models + 1] seconds of all that waits, of tasks without a model first."""
        if self._work is None:
            count = len(self.lines)
            shape, tasks = self.lines.shape[:count], self.lines.count[:count]
            usual = self.forecast.usual[shape]
            work = np.where((tasks > 0) & np.isfinite(usual), usual, 0.0) * tasks
            models = len(self.prices.models) + 1
            model = self.prices.model[shape] + 1
            self._work = np.bincount(model, work, models).astype(np.float64)
        return self._work

    def elsewhere(self) -> Floats:
        """[lines] seconds until a task would end where it is usually done: where its model is, or
        where all together have cleared what waits."""
        shape = self.lines.shape[: len(self.lines)]
        loaded = self.drain() + self.forecast.least_load[shape]
        return np.asarray(np.minimum(self.model_wait(shape), loaded) + self.forecast.usual[shape])

    def patience(self) -> Floats:
        """[lines] seconds that a task may take at most: no device takes it for longer."""
        return self.terms.patience * self.elsewhere() + self.terms.relent * self.waits

    def drain(self) -> float:
        """Seconds until all devices together have cleared what waits."""
        return float(self.waiting_work().sum()) / max(float(self.seats.count.sum()), 1.0)

    def _until_free(self) -> Floats:
        """[models + 1] seconds until a device that holds the model is free; of none first, 0."""
        if self._free_of != self.seats.changes:
            self._free_of = self.seats.changes
            self._free = np.zeros(len(self.prices.models) + 1)
            for model in (np.nonzero(self.waiting_work()[1:] > _NO_SECONDS)[0]).tolist():
                self._free[model + 1] = self.seats.free_in(model, self.now)
        return self._free

    def able_holders(self) -> Floats:
        """[shapes] devices that hold the model and may run the shape."""
        if self._holders_of != self.seats.changes:
            self._holders_of = self.seats.changes
            kinds = len(self.prices.kinds)
            able = self.forecast.on_plan | (
                self.prices.run < self.terms.stretch * self.forecast.usual[:, None]
            )
            model = self.prices.model
            held = self.seats.holders
            of_model = held[np.minimum(np.maximum(model, 0), len(held) - 1)][:, :kinds]
            of_model = np.where((model >= 0) & (model < len(held)), 1, 0)[:, None] * of_model
            able = able & np.isfinite(self.prices.run) & (self.closes > 0)
            self._able_holders = (of_model * able).sum(1)
        return self._able_holders

    def next_waits(self, lines: Ints, first: Bools, run: Floats, load: Floats) -> list[float]:
        """Moments at which a wait of these lines has become long enough for something. `first`:
        [these lines] that go to any device; `run`, `load`: [these lines, some kinds] seconds. Who
        starves or is behind only comes before others: an idle device has taken it long since."""
        terms, oldest = self.terms, self.lines.oldest[lines][:, None]
        shape, waits = self.lines.shape[lines], self.waits[lines][:, None]
        ages = (np.floor(waits / terms.age_seconds) + 1.0) * terms.age_seconds
        devices = float(self.seats.count.sum())
        late = critical_from(self.lines, self.forecast, terms, devices)[lines]
        elsewhere = (terms.patience * self.elsewhere()[lines])[:, None]
        best = self.forecast.best()[shape][first, None]
        moments = [oldest + terms.swap_waits * load, oldest + ages, late]
        with np.errstate(invalid="ignore"):  # what can run nowhere is not waited for
            for ends in (run, run + load):
                # Waiting elsewhere only becomes shorter, so it is not before then.
                moments.append(oldest + (ends - elsewhere) / terms.relent)
                moments.append(oldest[first] + ends[first] - best)
        certain = (found + CERTAIN_SECONDS for found in moments)
        coming = [found[found > self.now] for found in certain]
        return [float(found.min()) for found in coming if len(found)]

    def starves(self, wait: Floats, load: Floats) -> Bools:
        """[lines] nobody holds the model, or has for far too long while the oldest waited."""
        longest = np.maximum(self.terms.starve_seconds, self.terms.starve_loads * load)
        model = self.prices.model[self.lines.shape[: len(self.lines)]]
        unheld = np.minimum(
            self.waits, self.now - self.seats.let_go(len(self.prices.models))[model]
        )
        return np.asarray(np.isinf(wait) & (unheld > longest))
