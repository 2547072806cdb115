"""A closed batch: everything that waits is known and nothing more comes, so the index rule gives
way to a layout that gives every device a list of shapes. Within its list a device serves whoever's
turn it is and stays with its model; when a list runs out early, what is left is laid out again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from coordinator.core.yard.ahead import left
from coordinator.core.yard.layout import Free, best_layout
from coordinator.core.yard.mix import makespan_bound, work_of
from coordinator.core.yard.picker import Picker
from coordinator.core.yard.prices import Bools, Floats, Ints
from coordinator.core.yard.seats import ClassKey, Seat

_FEW_MOMENTS = 3
_SOONEST_SECONDS = 1.0
_RISK_SPREADS = 2.0
_OTHER_SPREAD, _OTHER_PART = 0.1, 0.5
_MUCH = 0.05
_STRAYS = 0.02
_AGAIN_PART = 0.04


@dataclass(frozen=True, slots=True)
class Standing:
    """How lines stand to the layout, until the next start. [lines] `members`: it holds them;
    `ready`: those that may start; `after`: they, and what comes after them. `has_others` and
    `has_later`: whether anything is ready that comes before them, or after. Lines that have more
    tasks than are in the lists (new ones, or some that came back) are not after the others."""

    members: Bools
    ready: Bools
    after: Bools
    has_others: bool
    has_later: bool


@dataclass(slots=True)
class Batch:
    """The present layout. `lists`: for each device the shapes it is to make, how many of each."""

    is_on: bool = False
    laid_at: float = -inf
    seconds: float = 0.0
    lines: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    """[lines] that the layout holds."""
    known: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    """[lines] that waited when it was laid out."""
    least: Floats = field(default_factory=lambda: np.zeros(0))
    """[owners] how important what they have in the layout is to them."""
    planned: Floats = field(default_factory=lambda: np.zeros(0))
    """[shapes] tasks that are in some device's list."""
    comings: int = 0
    spread: float = 0.0
    """How far runs strayed from their predictions when it was laid out."""
    lists: dict[int, deque[list[int]]] = field(default_factory=dict)
    may_renew: bool = False
    standing: Standing | None = None
    """As it was found since the last start."""
    spent: dict[ClassKey, int] = field(default_factory=dict)
    """Classes whose lists had nothing for them, with the number of their listings then."""

    def look(self, picker: Picker) -> None:
        """Begin, go on or end, by what waits now."""
        self.standing = None
        plain, deep = _plain(picker), picker.terms.batch_depth * picker.seats.count.sum()
        self.is_on = self.is_on and bool(self._holds(plain).any())
        if not self.is_on:
            is_large = deep <= _together(picker, plain).sum() <= picker.terms.batch_most_tasks
            if is_large and self._is_closed(picker):
                self._lay_out(picker)
        elif picker.now >= self.again_at():
            new = ~_fill(self.known, len(plain), False)
            self._look_again(picker, float(plain[new].sum()), float(plain.sum()))
        self.may_renew = self.is_on and self._may_lay_out_again(picker, plain)

    def _look_again(self, picker: Picker, new: float, waiting: float) -> None:
        """Much that is new is laid out too, or ends the batch where more and more comes."""
        if new > 0 and not self._is_closed(picker):
            self.is_on = False
        elif new > _MUCH * waiting or is_riskier(self.spread, picker):
            self._lay_out(picker)

    def stand(self, picker: Picker) -> Standing:
        """How the lines stand now."""
        if self.standing is None:
            self.standing = self._stand(picker)
        return self.standing

    def is_spent(self, key: ClassKey, picker: Picker) -> bool:
        """Whether nothing has changed since the class had nothing to do."""
        standing = self.stand(picker)
        may = standing.has_others or standing.has_later or self.may_renew
        return not may and self.spent.get(key) == picker.seats.listings[key]

    def _stand(self, picker: Picker) -> Standing:
        counts, ready = _plain(picker), picker.ready()
        members = self._holds(counts)
        first = picker.urgency[members].min() if members.any() else np.inf
        after = (members & ~self._beyond(members, counts, picker)) | (picker.urgency > first)
        after |= self._is_less_important(picker) & ~members
        others, later = ready & ~after, ready & after & ~members
        return Standing(members, members & ready, after, bool(others.any()), bool(later.any()))

    def _beyond(self, members: Bools, counts: Floats, picker: Picker) -> Bools:
        """[lines] of shapes of which more tasks wait than are in the lists."""
        shape = picker.lines.shape[: len(picker.lines)]
        wait = np.bincount(shape, np.where(members, counts, 0.0), len(self.planned))
        return np.asarray(members & (wait > _fill(self.planned, len(wait), 0.0))[shape])

    def _is_less_important(self, picker: Picker) -> Bools:
        """[lines] to their owner, than what of theirs is in the layout."""
        owner = picker.lines.owner[: len(picker.lines)]
        least = _fill(self.least, len(picker.accounts), -inf)
        return np.asarray(picker.lines.priority[: len(picker.lines)] < least[owner])

    def renew(self, number: int, picker: Picker) -> None:
        """Lay out again what is left, where the device has nothing and that may help."""
        if self.may_renew and not self.lists.get(number):
            self._lay_out(picker)
            self.may_renew = False

    def peek(self, number: int, picker: Picker, ready: Bools) -> tuple[list[int], int] | None:
        """The entry of its list, and the line of it, that the device should serve next."""
        entries, seat = self.lists.get(number), picker.seats.seats[number]
        return self._entry(entries, seat, picker, ready) if entries else None

    def take(self, number: int, entry: list[int], line: int) -> int:
        """One task of the entry is served."""
        self.planned[entry[0]] -= 1
        entry[1] -= 1
        if entry[1] == 0:
            self.lists[number].remove(entry)
        return line

    def again_at(self) -> float:
        """When what is left may be laid out again."""
        return self.laid_at + max(_SOONEST_SECONDS, _AGAIN_PART * self.seconds)

    def _is_closed(self, picker: Picker) -> bool:
        """Whether hardly anything came in over the time that clearing the backlog will take."""
        lines, count = picker.lines, len(picker.lines)
        usual = picker.forecast.usual[lines.shape[:count]]
        counts = _plain(picker)
        seconds = float((counts * np.where(counts > 0, usual, 0.0)).sum())
        drain = seconds / max(float(picker.seats.count.sum()), 1.0)
        moments = picker.forecast.moments_since(picker.now - max(drain, 60.0))
        return bool(moments <= max(_FEW_MOMENTS, 0.02 * counts.sum()))

    def _may_lay_out_again(self, picker: Picker, plain: Floats) -> bool:
        """A list that ran out as predicted is no reason: nobody's is longer than it must be.
        Tasks that were in a list and came back, or were passed over, are one."""
        if picker.now < self.again_at():
            return False
        left = float(plain[self._holds(plain)].sum())
        strays = picker.forecast.spread > _STRAYS or picker.seats.comings != self.comings
        return left > 0 and (strays or left > self.planned.sum())

    def _lay_out(self, picker: Picker) -> None:
        prices, seats, kinds = picker.prices, picker.seats, len(picker.prices.kinds)
        plain = _plain(picker)
        count, counts = np.zeros(len(prices.shapes)), _together(picker, plain)
        np.add.at(count, picker.lines.shape[: len(picker.lines)], counts)
        devices = seats.count[:kinds]
        run = np.where(devices > 0, prices.run, np.inf)
        count[~np.isfinite(run).any(1)] = 0
        held = seats.holders[: len(prices.models), :kinds]
        work = work_of(run, prices.load, prices.model, count, devices, holders=held)
        bound, mix = makespan_bound(work, tolerance=1e-2)
        named = sorted((seat for seat in seats.seats if seat.is_open), key=_name)
        free = [Free(n, s.kind, s.held, left(s, picker.now)) for n, s in enumerate(named)]
        found = best_layout(work, mix, bound, free, _RISK_SPREADS * picker.forecast.spread)
        self.is_on, self.laid_at, self.seconds = True, picker.now, found.makespan
        self.lines, self.known = counts > 0, plain > 0
        self.least = _least(picker, self.lines)
        self.planned = count.copy()
        self.spread, self.comings = picker.forecast.spread, picker.seats.comings
        self.standing, self.spent = None, {}
        numbers = [seats.numbers[seat.key] for seat in named]  # of equal ones the name decides
        self.lists = {numbers[n]: deque([s, m] for s, m in r) for n, r in found.runs.items()}

    def _holds(self, counts: Floats) -> Bools:
        """[lines] that the layout holds and that still have tasks."""
        return np.asarray(_fill(self.lines, len(counts), False) & (counts > 0))

    def _entry(
        self, entries: deque[list[int]], seat: Seat, picker: Picker, ready: Bools
    ) -> tuple[list[int], int] | None:
        """Whoever's turn it is first, then the resident model, then the order of the list."""
        even = picker.even()
        best: tuple[tuple[bool, bool, int], list[int], int] | None = None
        stale = []
        for place, entry in enumerate(entries):
            line = picker.line_of_shape(entry[0], ready)
            if line is None:
                stale.append(entry)
                continue
            away = int(picker.prices.model[entry[0]]) not in (*seat.held, -1)
            ahead = not even[line]
            key = (ahead, away, place)
            if best is None or key < best[0]:
                best = (key, entry, line)
            if key[:2] == (False, False) or len(picker.accounts) == 1:
                break
        for entry in stale:
            self.planned[entry[0]] -= entry[1]
            entries.remove(entry)
        return (best[1], best[2]) if best else None


def _plain(picker: Picker) -> Floats:
    """[lines] waiting tasks without a gang, a deadline or a place that somebody gave them."""
    lines, count = picker.lines, len(picker.lines)
    plain = (lines.gang[:count] == 1) & np.isinf(lines.deadline[:count])
    plain &= lines.rank[:count] == 0
    return np.where(plain, lines.count[:count], 0.0)


def _together(picker: Picker, plain: Floats) -> Floats:
    """[lines] tasks for a layout, which knows no order between its lines: of the band in which most
    wait, and of each owner those that are as important as most of its own. What is more urgent or
    important comes before the lists, the rest after them."""
    lines, count = picker.lines, len(picker.lines)
    band, owner, priority = lines.band[:count], lines.owner[:count], lines.priority[:count]
    plain = np.where(_most(plain, np.zeros_like(owner), band), plain, 0.0)
    return np.where(_most(plain, owner, priority), plain, 0.0)


def _most(plain: Floats, whose: Ints, values: Any) -> Bools:
    """[lines] with the value that most waiting tasks of the same `whose` have; of equals the
    least."""
    waits = np.nonzero(plain > 0)[0]
    if len(waits) == 0 or values[waits].min() == values[waits].max():
        return plain > 0
    different, at = np.unique(values[waits], return_inverse=True)
    total = np.zeros((int(whose.max()) + 1, len(different)))
    np.add.at(total, (whose[waits], at), plain[waits])
    found = np.zeros(len(plain), dtype=np.bool_)
    found[waits] = total.argmax(1)[whose[waits]] == at
    return found


def _least(picker: Picker, held: Bools) -> Floats:
    """[owners] the priority of what they have in a layout; less than any for those that have
    nothing in it."""
    found, lines = np.full(len(picker.accounts), -inf), np.nonzero(held)[0]
    np.maximum.at(found, picker.lines.owner[lines], picker.lines.priority[lines])
    return found


def _name(seat: Seat) -> Any:
    return seat.key


def _fill(found: Any, count: int, new: float) -> Any:
    """As many; `new` for those that have come since."""
    return np.concatenate([found, np.full(max(0, count - len(found)), new, found.dtype)])


def is_riskier(spread: float, picker: Picker) -> bool:
    """Whether runs stray from their predictions in another way than when it was laid out: by more
    than what is measured of a few runs strays itself."""
    other = max(_OTHER_SPREAD, _OTHER_PART * spread)
    return abs(picker.forecast.spread - spread) > other
