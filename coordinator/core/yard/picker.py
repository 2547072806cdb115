"""The index rule: which line an idle device should serve next, or that it should wait.

Bands first, then who is behind, then a person's order; of what is left a device stays with the
model it holds, swaps when a line is worth the load, and goes off plan only where that ends sooner.
Looks at lines and kinds, never at single tasks. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from coordinator.core.yard.accounts import Accounts
from coordinator.core.yard.doors import in_time
from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.lines import Lines
from coordinator.core.yard.prices import Bools, Floats, Ints, Prices
from coordinator.core.yard.queues import Queues
from coordinator.core.yard.seats import Held, Seats
from coordinator.core.yard.terms import Terms, Urgency
from coordinator.core.yard.urgency import urgency
from coordinator.core.yard.wishes import Step


@dataclass(frozen=True, slots=True)
class Pick:
    """A line to serve, and by which step of the rule."""

    line: int
    step: Step
    pressure: float = np.inf
    """Of the line that would have been served else: see `Picker.is_still_next`."""
    turn: tuple[bool, bool] = (False, False)
    """Whether its owner was behind, and not ahead."""


@dataclass(frozen=True, slots=True)
class Look:
    """A class of devices, as each line sees it: [lines] seconds to run and to load there, the
    model, and whether it is resident."""

    kind: int
    run: Floats
    load: Floats
    model: Ints
    resident: Bools
    is_spare: bool
    is_empty: bool
    """They hold nothing: a load throws nothing out."""


@dataclass(slots=True)
class Picker:
    """One moment's picks. `closes`: [kinds] seconds until the kind's devices stop taking work."""

    lines: Lines
    seats: Seats
    accounts: Accounts
    prices: Prices
    forecast: Forecast
    terms: Terms
    now: float
    closes: Floats
    barred: Bools
    """[lines] whose limits or caps are reached."""
    may_load: Bools
    """[kinds] whose storage has room for one more load."""
    waits: Floats = field(init=False)
    """[lines] seconds that the oldest task has waited."""
    urgency: Ints = field(init=False)
    """[lines] the band that each counts as now."""
    queues: Queues = field(init=False)
    _ahead: Floats | None = None
    _short: Floats | None = None

    def __post_init__(self) -> None:
        count = len(self.lines)
        oldest = self.lines.oldest[:count]
        self.waits = np.where(np.isfinite(oldest), self.now - oldest, 0.0)
        self.urgency = self._bands()
        seen = (self.lines, self.seats, self.prices, self.forecast, self.terms)
        self.queues = Queues(*seen, self.now, self.closes, self.waits)

    def pick(
        self,
        kind: int,
        held: Held,
        beside: Bools | None = None,
        within: float = np.inf,
        is_spare: bool = True,
    ) -> Pick | None:
        """What an idle device of the kind that holds these models should do. `beside`: lines to
        leave out; `within`: seconds in which it must be done; one that is not spare has other work
        and takes nothing that is off plan here."""
        lines, count = self.lines, len(self.lines)
        shape = lines.shape[:count]
        run, load = self.prices.run[shape, kind], self.prices.load[shape, kind]
        ready = self.ready() & np.isfinite(run) & (lines.gang[:count] == 1)
        if beside is not None:
            ready &= ~beside
        if not ready.any():
            return None
        model = self.prices.model[shape]
        resident = model < 0
        for one in held:  # np.isin costs more than a few comparisons
            resident = resident | (model == one)
        ends = run + np.where(resident, 0.0, load)
        if self.closes[kind] < np.inf:
            ready &= self.in_time(ends, np.where(resident, 0.0, load), kind)
        if within < np.inf:
            ready &= ends <= within
        if not self.may_load[kind]:
            ready &= resident
        if not ready.any():
            return None
        tier = self.tiers()
        look = Look(kind, run, np.where(resident, 0.0, load), model, resident, is_spare, not held)
        for first in _different(tier[ready]):
            found = self._of(self._foremost(ready & (tier == first)), look)
            if found is not None:
                return found
        return None

    def in_time(self, ends: Floats, load: Floats, kind: int) -> Bools:
        """[lines] that may start as far as the kind's door goes."""
        least, closes = self.terms.minimum_run_seconds, float(self.closes[kind])
        return in_time(ends, load, self.can_be_cut(kind), closes, least)

    def can_be_cut(self, kind: int) -> Bools:
        """[lines] whose tasks can go on from a checkpoint there; of gangs there is none."""
        count = len(self.lines)
        shape = self.lines.shape[:count]
        may = self.lines.can_checkpoint[:count] & (self.lines.gang[:count] == 1)
        return np.asarray(may & self.prices.can_checkpoint[shape, kind])

    def ready(self) -> Bools:
        """[lines] that have a task which may start, as far as caps and limits go."""
        lines, count = self.lines, len(self.lines)
        below = self.accounts.below_cap()[lines.owner[:count]]
        return np.asarray((lines.count[:count] > 0) & ~self.barred & below)

    def line_of_shape(self, shape: int, ready: Bools) -> int | None:
        """Of the ready lines of one shape the one whose turn it is: how important something is
        counts among what is its owner's."""
        found = np.nonzero(ready & (self.lines.shape[: len(self.lines)] == shape))[0]
        if len(found) < 2:
            return int(found[0]) if len(found) else None
        tier, used = self.tiers()[found], self.accounts.used[self.lines.owner[found]]
        best = np.lexsort((-self.waits[found], -self.lines.priority[found], used, tier))[0]
        return int(found[best])

    def taken_from(self, line: int, held: Held) -> None:
        """The line's oldest task has gone, to devices that hold these models."""
        oldest, had_aged = self.lines.oldest[line], self.waits[line] >= self.terms.age_seconds
        self.waits[line] = self.now - oldest if np.isfinite(oldest) else 0.0
        self._ahead = None
        if had_aged:  # others had risen with it
            self.urgency = self._bands()
        self.queues.taken_from(line, held)

    def _bands(self) -> Ints:
        devices = float(self.seats.count[: len(self.prices.kinds)].sum())
        return urgency(self.lines, self.waits, self.forecast, self.terms, self.now, devices)

    def _of(self, among: Bools, look: Look) -> Pick | None:
        """Stay, swap, or go off plan. Who is behind may have a model swapped at once; of the others
        those who are not ahead come first, but nobody's resident model is thrown out for them."""
        for lines, step in self._steps(among, look):
            if lines.any():
                line, pressure = self._next(self._of_best_model(lines, look, step))
                return Pick(line, step, pressure, self._turn(line))
        return None

    def is_still_next(self, pick: Pick) -> bool:
        """Whether looking anew would find the same: a line of a resident model that still presses
        more than the others there, of an owner whose turn has not changed."""
        line = pick.line
        if pick.step is not Step.STAY or not self.lines.count[line] or self.barred[line]:
            return False
        owner = self.lines.owner[line]
        below = self.accounts.running[owner] < self.accounts.most_running[owner]
        is_dated = np.isfinite(self.lines.deadline[line])
        if is_dated or not below or self._turn(line) != pick.turn:
            return False
        return bool((self.waits[line] + 1.0) / self._shortness()[line] >= pick.pressure)

    def _turn(self, line: int) -> tuple[bool, bool]:
        ahead, window = self._owners_ahead()[self.lines.owner[line]], self._window()
        return bool(ahead < -window), bool(ahead <= self.terms.far_ahead * window)

    def _shortness(self) -> Floats:
        """[lines] usual seconds as they count."""
        if self._short is None:
            usual = self.forecast.usual[self.lines.shape[: len(self.lines)]]
            self._short = np.maximum(usual, 1e-6) ** self.terms.shortness
        return self._short

    def _steps(self, among: Bools, look: Look) -> Iterator[tuple[Bools, Step]]:
        """The steps of the rule in their order, each with the lines that it would serve."""
        behind, even, terms = self.behind(), self.even(), self.terms
        shape = self.lines.shape[: len(self.lines)]
        on_plan, usual = self.forecast.on_plan[shape, look.kind], self.forecast.usual[shape]
        wait, ends = self.queues.model_wait(shape), look.run + look.load
        among = among & (ends <= self.queues.patience())
        planned = among & on_plan
        yield planned & ~look.resident & self.queues.starves(wait, look.load), Step.STARVED
        stay = among & look.resident & (on_plan | (look.run < terms.stretch * usual))
        yield stay & behind, Step.STAY
        worth = (wait > terms.swap_lines * look.load) | (self.waits > terms.swap_waits * look.load)
        swap = planned & (worth | (look.is_empty & (ends < wait + usual)))
        yield swap & behind & (self.waits > terms.behind_waits * look.load), Step.SWAP
        dearer = ends - self.forecast.best()[shape]
        yield among & self.goes_first() & (self.waits >= dearer), Step.HURRY
        yield from ((stay & even, Step.STAY), (stay, Step.STAY))
        yield from ((swap & even, Step.SWAP), (swap, Step.SWAP))
        if not look.is_spare:
            return
        sooner = among & (ends < terms.off_plan * (np.minimum(wait, 1e9) + usual))
        yield from ((sooner & even, Step.OFF_PLAN), (sooner, Step.OFF_PLAN))

    def _of_best_model(self, lines: Bools, look: Look, step: Step) -> Bools:
        """A swap is for all lines of a model, so they are weighed together."""
        if step is not Step.SWAP:
            return lines
        return np.asarray(lines & (look.model == self._model(lines, look.model, look.load)))

    def behind(self) -> Bools:
        """[lines] whose owner has had too little, by more than the window."""
        ahead = self._owners_ahead()
        return np.asarray((ahead < -self._window())[self.lines.owner[: len(self.lines)]])

    def goes_first(self) -> Bools:
        """[lines] whose owner is far behind, or has hardly any of the devices that are its part."""
        far = self._owners_ahead() < -self.terms.far_behind * self._window()
        part = self.terms.scarce_part * self.accounts.part_of(float(self.seats.count.sum()))
        far |= self.accounts.running[: len(part)] + 1 <= part
        return np.asarray(far[self.lines.owner[: len(self.lines)]])

    def even(self) -> Bools:
        """[lines] whose owner is not ahead of the others by more than the window."""
        ahead = self._owners_ahead()
        return np.asarray(
            (ahead <= self.terms.far_ahead * self._window())[self.lines.owner[: len(self.lines)]]
        )

    def _owners_ahead(self) -> Floats:
        if self._ahead is None:
            self._ahead = self.accounts.ahead()
        return self._ahead

    def _window(self) -> float:
        return self.accounts.window(self.terms.window_loads, self.terms.window_tasks)

    def tiers(self) -> Ints:
        """[lines] the band, and before or behind its others what a person has moved."""
        moved = np.sign(self.lines.rank[: len(self.lines)]).astype(np.int64) + 1
        return np.asarray(self.urgency * 3 + moved)

    def _foremost(self, among: Bools) -> Bools:
        """Of each owner only the most important; of what was moved to the front only the first."""
        count = len(self.lines)
        rank = self.lines.rank[:count]
        if np.any(rank[among] != 0):
            return np.asarray(among & (rank == rank[among].min()))
        priority = self.lines.priority[:count]
        if priority[among].min() == priority[among].max():
            return among
        aged = np.where(self.waits >= self.terms.age_seconds, priority[among].max(), priority)
        best = np.full(len(self.accounts), -np.inf)
        owner = self.lines.owner[:count]
        np.maximum.at(best, owner[among], aged[among])
        return np.asarray(among & (aged >= best[owner] - 1e-9))

    def _next(self, among: Bools) -> tuple[int, float]:
        """The line whose oldest task has waited longest for what it takes, and how much the second
        presses; before that, the earliest deadline of what has become critical."""
        count = len(self.lines)
        critical = among & (self.urgency == Urgency.CRITICAL)
        deadline = self.lines.deadline[:count]
        if (critical & np.isfinite(deadline)).any():
            return int(np.where(critical, deadline, np.inf).argmin()), np.inf
        ratio = np.where(among, (self.waits + 1.0) / self._shortness(), -np.inf)
        best = int(ratio.argmax())
        ratio[best] = -np.inf
        return best, float(ratio.max())

    def _model(self, among: Bools, model: Ints, load: Floats) -> int:
        """The model whose lines press most for the seconds of its load."""
        count = len(self.lines)
        press = self.lines.count[:count] * (self.waits + 1.0)
        press = press / self._shortness() / (load + 1.0)
        offered = model[among] + 1  # tasks without a model count as one
        total = np.bincount(offered, weights=press[among])
        return int(total.argmax()) - 1


def _different(tiers: Ints) -> Ints:
    """Each once, in order; nearly always there is one."""
    first = tiers.min()
    return np.asarray([first]) if first == tiers.max() else np.unique(tiers)
