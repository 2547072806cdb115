"""Dispatch ahead: a short task is queued behind one that is about to end, where the message's way
would take a noticeable part of it. Only what the device would stay with; nothing waits for a load.
Where a device will have to load, the weights can be fetched meanwhile, which binds nobody.

Decides nothing about long tasks: what little they gain is not worth being bound to a device early.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from coordinator.core.yard.picker import Pick, Picker
from coordinator.core.yard.placing import may_sit
from coordinator.core.yard.seats import ClassKey, Run, Seat, Seats
from coordinator.core.yard.terms import Terms
from coordinator.core.yard.wishes import Step

if TYPE_CHECKING:
    from coordinator.core.yard.round import Round


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


def serve_ahead(round: Round, soon: Sequence[int]) -> None:
    """Behind what is about to end, where every idle device has what it wants."""
    for key, numbers in _by_class(round.yard.seats, soon).items():
        pick: Pick | None = None
        for number in numbers:
            if round.is_enough():
                return
            pick = _pick(round, number, key, pick)
            if pick is None:
                break
            if may_sit(round, pick.line, number):
                begins_in = left(round.yard.seats.seats[number], round.picker.now)
                round.start(pick.line, (number,), Step.AHEAD, begins_in)


def coming(round: Round, soon: Sequence[int]) -> list[tuple[Hashable, str]]:
    """Those that are free `soon`, with the model that each would load then, as things stand."""
    yard, found = round.yard, list[tuple[Hashable, str]]()
    for key, numbers in _by_class(yard.seats, soon).items():
        model = _loads_next(round, numbers[0], key)
        found += [(yard.seats.seats[number].key, model) for number in numbers if model]
    return found


def _by_class(seats: Seats, numbers: Sequence[int]) -> Mapping[ClassKey, list[int]]:
    groups = defaultdict[ClassKey, list[int]](list)
    for number in numbers:
        groups[seats.seats[number].kind, seats.seats[number].held].append(number)
    return groups


def _pick(round: Round, number: int, key: ClassKey, last: Pick | None) -> Pick | None:
    """What the device would stay with, where that suits; None for nothing. `last`: of one of the
    same class."""
    picker, batch, seat = round.picker, round.yard.batch, round.yard.seats.seats[number]
    if batch.is_on and not batch.stand(picker).has_others:
        chosen = batch.peek(number, picker, batch.stand(picker).ready)
        if chosen is None or not suits(chosen[1], seat, picker):
            return None
        return Pick(batch.take(number, *chosen), Step.BATCH)
    pick = last if last and picker.is_still_next(last) else picker.pick(*key)
    is_it = pick is not None and pick.step is Step.STAY and suits(pick.line, seat, picker)
    return pick if is_it else None


def _loads_next(round: Round, number: int, key: ClassKey) -> str:
    picker, batch, prices = round.picker, round.yard.batch, round.yard.prices
    line = None
    if batch.is_on and not batch.stand(picker).has_others:
        chosen = batch.peek(number, picker, batch.stand(picker).ready)
        line = chosen[1] if chosen else None
    elif pick := picker.pick(*key):
        line = pick.line
    model = -1 if line is None else int(prices.model[round.yard.lines.shape[line]])
    return "" if model in (*key[1], -1) else list(prices.models)[model]
