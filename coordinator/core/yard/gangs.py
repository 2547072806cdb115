"""Large against small: a task that needs several devices at once, or one of very few, gets a
reservation on those that are free soonest; until then they take only what ends before (EASY).

All or nothing: a gang starts on all of its devices in one moment or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.core.yard.ahead import left
from coordinator.core.yard.doors import in_time
from coordinator.core.yard.picker import Picker
from coordinator.core.yard.placing import may_go_together, may_sit
from coordinator.core.yard.seats import Seat
from coordinator.core.yard.wishes import Step

if TYPE_CHECKING:
    from coordinator.core.yard.round import Round

ETHERNET = "ethernet"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Devices for a line, all free in so many seconds, as predicted."""

    line: int
    seats: tuple[int, ...]
    seconds: float


def large_lines(picker: Picker) -> list[int]:
    """Lines that need a reservation: gangs, and single tasks that have waited for one of very few
    devices that others want too who could go elsewhere. Whoever is first in turn comes first."""
    lines, count = picker.lines, len(picker.lines)
    waiting = (lines.count[:count] > 0) & ~picker.barred
    if not waiting.any():
        return []
    shape = lines.shape[:count]
    able = np.isfinite(picker.prices.run) * picker.seats.count[: len(picker.prices.kinds)]
    few = able.sum(1)[shape] <= max(1.0, picker.terms.most_reserved * picker.seats.count.sum())
    if not (waiting & (few | (lines.gang[:count] > 1))).any():
        return []
    load = np.where(np.isfinite(picker.prices.run), picker.prices.load, 0.0).max(1, initial=0.0)
    waited = picker.waits > picker.terms.swap_waits * load[shape]
    wanted = (able[np.unique(shape[waiting & ~few])] > 0).any(0)  # by those that could go elsewhere
    confined = few & waited & ((able > 0) & wanted).any(1)[shape]
    large = waiting & ((lines.gang[:count] > 1) | confined)
    found = [int(line) for line in np.nonzero(large)[0]]
    return sorted(found, key=lambda line: (picker.urgency[line], -picker.waits[line], line))


def reserve(line: int, picker: Picker, taken: set[int]) -> Reservation | None:
    """The devices on which the line's first task would end soonest; None where there never are
    enough of them together."""
    shape = int(picker.lines.shape[line])
    gang = int(picker.lines.gang[line])
    model = int(picker.prices.model[shape])
    found: list[tuple[float, Any, Reservation]] = []
    for kind, seats in _together(picker, shape, gang):
        free = sorted(_place_of(picker, n, model) for n in seats if n not in taken)[:gang]
        if len(free) < gang:
            continue
        start = free[-1][0]
        run, load = picker.prices.run[shape, kind], picker.prices.load[shape, kind]
        chosen = tuple(number for *_, number in sorted(free, key=lambda one: one[3]))
        is_cold = any(cold for _, _, cold, _, _ in free)
        begins = start + (load if is_cold else 0.0)
        end = begins + run
        if not _in_time(line, kind, begins, end, picker):
            continue
        name = picker.seats.seats[chosen[0]].key
        found.append((end, name, Reservation(line, chosen, start)))
    return min(found, key=lambda one: one[:2], default=(0.0, None, None))[2]


def _in_time(line: int, kind: int, begins: float, end: float, picker: Picker) -> bool:
    """As far as the kind's door goes. `begins`: with its load done."""
    can, closes = picker.can_be_cut(kind)[line], float(picker.closes[kind])
    least = picker.terms.minimum_run_seconds
    return bool(in_time(np.array(end), np.array(begins), can, closes, least))


def most_reserved(picker: Picker) -> int:
    """How many devices may be held at once."""
    return ceil(picker.terms.most_reserved * float(picker.seats.count.sum()))


def _together(picker: Picker, shape: int, gang: int) -> Iterator[tuple[int, list[int]]]:
    """Devices of one kind that can work as one: those of a node, or of several over Ethernet."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, seat in enumerate(picker.seats.seats):
        alone = seat.pool is None  # what shares its memory is no place for large work
        may = alone and seat.is_open and picker.closes[seat.kind] > 0
        if may and np.isfinite(picker.prices.run[shape, seat.kind]):
            groups[seat.kind, _place(seat) if gang > 1 else ""].append(number)
    yield from ((kind, seats) for (kind, _), seats in sorted(groups.items()))


def _place(seat: Seat) -> str:
    return ETHERNET if seat.link == ETHERNET else f"node {seat.node}"


def _place_of(picker: Picker, number: int, model: int) -> tuple[float, bool, bool, Any, int]:
    """Of devices that are free at the same time, as predicted, those that are free come first, and
    then those that hold the model."""
    seat = picker.seats.seats[number]
    is_cold = model not in (*seat.held, -1)
    return (_free_in(picker, number), seat.run is not None, is_cold, seat.key, number)


def _free_in(picker: Picker, number: int) -> float:
    return left(picker.seats.seats[number], picker.now)


def serve_large(round: Round) -> None:
    """Start what is large, or hold devices for it; until all of those are free, those that are take
    what ends before."""
    yard = round.yard
    for number in [n for held in yard.reservations.values() for n in held.seats]:
        yard.seats.keep(number, None)
    yard.reservations = {}
    taken: set[int] = set()
    for line in large_lines(round.picker):
        held = _start_all(round, line, taken)
        if held is None or (taken and len(taken) + len(held.seats) > most_reserved(round.picker)):
            continue
        yard.reservations[line] = held
        taken.update(held.seats)
    for held in yard.reservations.values():
        _keep(round, held)


def _start_all(round: Round, line: int, taken: set[int]) -> Reservation | None:
    """As many of the line's tasks as can start now; where the next could start, else."""
    while round.yard.lines.count[line] > 0 and round.picker.ready()[line]:
        held = reserve(line, round.picker, taken)
        if held is None or not _may_start(round, held):
            return held
        round.start(line, held.seats, Step.LARGE)
    return None


def _may_start(round: Round, held: Reservation) -> bool:
    """What runs longer than predicted is not over because its time is."""
    are_free = all(round.yard.seats.is_idle(number) for number in held.seats)
    return are_free and may_go_together(round, held.line, held.seats)


def _keep(round: Round, held: Reservation) -> None:
    for number in held.seats:
        seat = round.yard.seats.seats[number]
        if seat.run is None and round.picker.closes[seat.kind] > 0:
            pick = round.picker.pick(seat.kind, seat.held, within=held.seconds)
            if pick is not None and may_sit(round, pick.line, number):
                round.start(pick.line, (number,), Step.BACKFILL)
        round.yard.seats.keep(number, held.line)
