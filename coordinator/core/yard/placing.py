"""On which of the idle devices a chosen line's task ends first, and whether it may be put there:
room, doors, limits, storages. Changes nothing.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.core.yard.seats import ClassKey

if TYPE_CHECKING:
    from coordinator.core.yard.round import Round


def seat_for(round: Round, line: int, key: ClassKey) -> int | None:
    """The device for the line's next task: where it ends first, of those of its class that have
    the room and whose node has not reached a limit."""
    seats, limits = round.yard.seats, round.yard.lines.key(line).limits
    for one in (_best_idle(round, line, key), key):
        first = seats.first(one)
        is_plain = not limits and seats.seats[first].pool is None
        for number in (first,) if is_plain else seats.each(one):
            if may_sit(round, line, number):
                return number
    return None


def may_sit(round: Round, line: int, number: int) -> bool:
    """Whether what runs beside it leaves the room, and its node the limits."""
    yard, seat = round.yard, round.yard.seats.seats[number]
    if seat.pool is not None:
        beside = (yard.seats.seats[n] for n in yard.seats.pools[seat.pool] if n != number)
        used = sum(other.most_gib for other in beside)
        if used + float(yard.prices.gib[yard.lines.shape[line], seat.kind]) > seat.room_gib:
            return False
    return yard.holds.are_free(yard.lines.key(line).limits, seat.node)


def may_take(round: Round, line: int, number: int) -> bool:
    """Whether the device can run it, it ends before the door closes, and has room and limits."""
    seat = round.yard.seats.seats[number]
    seconds = _seconds_there(round, line, (seat.kind, seat.held))
    return isfinite(seconds) and may_sit(round, line, number)


def may_go_together(round: Round, line: int, numbers: tuple[int, ...]) -> bool:
    """Whether the storage bears the load, and the nodes of a gang have not reached a limit."""
    seats, limits = round.yard.seats.seats, round.yard.lines.key(line).limits
    nodes = [seats[number].node for number in numbers]
    kind = list(round.yard.prices.kinds)[seats[numbers[0]].kind]
    cold = round.cold(line, numbers)
    bears = not cold or round.yard.holds.may_load_together(kind, cold)
    free = (round.yard.holds.are_free(limits, node, nodes.count(node)) for node in set(nodes))
    return bears and all(free)


def _best_idle(round: Round, line: int, key: ClassKey) -> ClassKey:
    """Of the classes with idle devices the one where the line's task ends first; of equal ones the
    one with the least room."""
    seats, prices = round.yard.seats, round.yard.prices
    model = int(prices.model[round.yard.lines.shape[line]])
    holding = seats.idle_with.get(model, set())
    cold = (kind for kind in range(len(prices.kinds)) if seats.idle_of_kind[kind] > 0)
    others = (key if kind == key[0] else seats.cheapest(kind) for kind in cold)
    found = [key, *holding, *(one for one in others if one is not None)]

    def ends(one: ClassKey) -> tuple[float, float, bool, Any]:
        seconds, seat = _seconds_there(round, line, one), seats.seats[seats.first(one)]
        return (float(f"{seconds:.3g}"), seat.room_gib, one != key, seat.key)

    return min(found, key=ends)


def _seconds_there(round: Round, line: int, one: ClassKey) -> float:
    """Until the line's next task would end on a device of the class; endless where it may not
    start."""
    kind, held = one
    picker, prices, shape = round.picker, round.yard.prices, int(round.yard.lines.shape[line])
    model = int(prices.model[shape])
    load = 0.0 if model < 0 or model in held else float(prices.load[shape, kind])
    seconds = float(prices.run[shape, kind]) + load
    may = picker.may_load[kind] or load == 0
    fits = _in_time(round, line, seconds, load, kind)
    return seconds if may and fits and picker.closes[kind] > 0 else inf


def _in_time(round: Round, line: int, seconds: float, load: float, kind: int) -> bool:
    """As far as the kind's door goes."""
    if seconds <= round.picker.closes[kind]:
        return True
    count = len(round.yard.lines)
    ends, loads = np.full(count, seconds), np.full(count, load)
    return bool(round.picker.in_time(ends, loads, kind)[line])
