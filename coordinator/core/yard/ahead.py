"""Dispatch ahead: a short task is queued behind one that is about to end, where the message's way
would take a noticeable part of it. Only what the device would stay with; nothing waits for a load.
Where a device will have to load, the weights can be fetched meanwhile, which binds nobody.

Decides nothing about long tasks: what little they gain is not worth being bound to a device early.
"""

from __future__ import annotations

from coordinator.core.yard.picker import Picker
from coordinator.core.yard.seats import Run, Seat, Seats
from coordinator.core.yard.terms import Terms


def free_soon(seats: Seats, terms: Terms, now: float) -> list[int]:
    """Devices whose run is about to end with nothing behind it, in order."""
    if terms.ahead_seconds <= 0:
        return []
    return _free_within(terms.ahead_seconds, seats, now)


def loads_soon(seats: Seats, terms: Terms, now: float) -> list[int]:
    """Devices for whose next load the weights could be fetched by now."""
    return _free_within(terms.fetch_seconds, seats, now) if terms.ahead_seconds > 0 else []


def suits(line: int, seat: Seat, picker: Picker) -> bool:
    """Whether the line's next task is short, needs no load there, and ends before the door does."""
    prices, shape = picker.prices, int(picker.lines.shape[line])
    seconds, model = float(prices.run[shape, seat.kind]), int(prices.model[shape])
    is_short = seconds <= picker.terms.ahead_longest_seconds
    ends_in = left(seat, picker.now) + seconds
    return is_short and model in (*seat.held, -1) and ends_in <= picker.closes[seat.kind]


def left(seat: Seat, now: float) -> float:
    """Seconds until all that the device has is done, as predicted."""
    last = seat.then or seat.run
    return 0.0 if last is None else max(0.0, last.ends_at - now)


def _free_within(seconds: float, seats: Seats, now: float) -> list[int]:
    found = (
        number for number in seats.ending(now + seconds) if _may_have_more(seats.seats[number])
    )
    soon = (number for number in found if left(seats.seats[number], now) <= seconds)
    return sorted(soon, key=lambda number: (str(seats.seats[number].key), number))


def _may_have_more(seat: Seat) -> bool:
    return seat.is_open and seat.kept_for is None and _goes_on(seat.run)


def _goes_on(run: Run | None) -> bool:
    return run is not None and len(run.seats) == 1 and not run.stopping
