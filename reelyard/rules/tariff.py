"""What a kilowatt-hour costs at which hour, and when a run costs least. Never asks a clock or a
market.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from reelyard.rules.hours import Hours

_FURTHEST_SECONDS = 8 * 86_400.0
"""Prices repeat after a week, but for the day on which clocks are changed."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """`periods`: hours and what a kWh costs in them, the first that is open counts; else
    `price_per_kwh`. In `currency`.

    `patience_hours`: so long after it was queued batch work waits for a lower price; 0: never.
    `slack_power_cap`: the share of the power limit, 0.3 to 1, at which work runs that has time;
    None: at all of it.
    """

    currency: str
    price_per_kwh: float
    periods: tuple[tuple[Hours, float], ...] = ()
    patience_hours: float = 0.0
    slack_power_cap: float | None = None

    def price_at(self, at: float) -> float:
        """Of a kWh, at a moment in unix seconds."""
        return next(
            (price for hours, price in self.periods if hours.is_open(at)), self.price_per_kwh
        )

    def steps(self, begin: float, end: float) -> list[tuple[float, float]]:
        """From when on a kWh costs how much, between two moments: `begin` first, then every moment
        before `end` at which that may change."""
        marks = [begin, *self._changes(begin, end)]
        return [(mark, self.price_at(mark)) for mark in marks]

    def mean_price(self, begin: float, end: float) -> float:
        """Of a kWh that is drawn evenly from one moment to another."""
        if end <= begin:
            return self.price_at(begin)
        return self._spent(begin, end)(end) / (end - begin)

    def cheapest_window(self, seconds: float, not_before: float, by: float) -> float | None:
        """When a run of so many seconds has to start to cost least, of all that start at or after
        `not_before` and end by `by`: the earliest of equals, looking at most eight days ahead.
        None: it cannot be done by then."""
        last = min(by, not_before + seconds + _FURTHEST_SECONDS) - seconds
        if last < not_before:
            return None
        end = last + seconds
        spent, changes = self._spent(not_before, end), self._changes(not_before, end)
        starts = {not_before, last, *changes, *(change - seconds for change in changes)}
        able = (start for start in sorted(starts) if not_before <= start <= last)
        return min(able, key=lambda start: round(spent(start + seconds) - spent(start), 6))

    def _spent(self, begin: float, end: float) -> Callable[[float], float]:
        """What an even draw has cost since `begin`, in price-seconds, until any moment by `end`."""
        steps = self.steps(begin, end)
        marks, prices = [at for at, _ in steps], [price for _, price in steps]
        whole = (price * (b - a) for price, (a, b) in zip(prices, pairwise(marks), strict=False))
        until = [*accumulate(whole, initial=0.0)]

        def spent(at: float) -> float:
            place = max(0, bisect_right(marks, at) - 1)
            return until[place] + prices[place] * (at - marks[place])

        return spent

    def _changes(self, after: float, until: float) -> list[float]:
        """The moments between them at which the price may change, in order."""
        return sorted({at for hours, _ in self.periods for at in _edges(hours, after, until)})


def _edges(hours: Hours, after: float, until: float) -> Iterator[float]:
    at = after
    while True:
        at = hours.closes(at) if hours.is_open(at) else hours.opens(at)
        if at >= until:
            return
        yield at
