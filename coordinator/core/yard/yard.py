"""The yard as a whole: told what happened, it says what should start where.

`decide` applies its own decisions to itself as it goes; whoever carries them out tells it when one
came to nothing. Everything in here can be built anew from the facts at any time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf

import numpy as np

from coordinator.core.yard import wakes
from coordinator.core.yard.accounts import Accounts
from coordinator.core.yard.ahead import coming, free_soon, left, loads_soon, serve_ahead
from coordinator.core.yard.batch import Batch
from coordinator.core.yard.doors import to_cut
from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.gangs import Reservation, serve_large
from coordinator.core.yard.holds import Holds
from coordinator.core.yard.house import House
from coordinator.core.yard.lines import LineKey, Lines
from coordinator.core.yard.picker import Picker
from coordinator.core.yard.preempt import push_aside, take_cleared
from coordinator.core.yard.prices import Estimates, Prices
from coordinator.core.yard.round import Round
from coordinator.core.yard.seats import Run, Seat, Seats
from coordinator.core.yard.terms import Terms
from coordinator.core.yard.wishes import Decision, Stop

_SECOND = 1.0


class Yard:
    """Lines, devices, accounts and the rule over them."""

    def __init__(self, estimates: Estimates, house: House, terms: Terms | None = None) -> None:
        self.house, self.terms = house, terms or Terms()
        self.lines, self.seats, self.accounts = Lines(), Seats(), Accounts()
        self.prices, self.forecast, self.batch = Prices(estimates), Forecast(self.terms), Batch()
        self.runs: dict[str, Run] = {}
        self.can_be_cut = 0
        """How many of the runs can go on from a checkpoint."""
        self.reservations: dict[int, Reservation] = {}
        self.cleared: dict[int, LineKey] = {}
        self.holds = Holds(house, self.seats)
        self._has_more = False
        self._looked: Picker | None = None
        self._closed: frozenset[int] = frozenset()

    # Facts.

    def wait(self, task: str, key: LineKey, at: float) -> None:
        """The task could start now, and waits since then."""
        self._looked = None
        owner = self.owner(key.owner)
        line = self.lines.line(key, self.prices.shape(key.shape), owner)
        self.accounts.wait(owner)
        self.lines.add(line, task, at)
        self.forecast.arrive(int(self.lines.shape[line]), at)

    def leave(self, task: str) -> None:
        """The task does not wait any more: called off, held, or started by somebody else."""
        self._looked = None
        line = self.lines.remove(task)
        if line is not None:
            self.accounts.waiting[self.lines.owner[line]] -= 1

    def put(
        self,
        key: Hashable,
        kind: Hashable,
        node: str,
        link: str = "",
        held: tuple[str, ...] = (),
        room_gib: float = 0.0,
        pool: Hashable = None,
    ) -> None:
        """A device takes work, or is different now. Those of one `pool` share `room_gib`."""
        self._looked = None
        models = frozenset(self.prices.model_number(name) for name in held)
        seat = Seat(key, self.prices.kind(kind), node, link, room_gib, pool, models)
        self.seats.put(seat)

    def drop(self, key: Hashable) -> None:
        """The device takes no work any more; what it runs may still end."""
        self._looked = None
        self.seats.drop(key)

    def end(self, task: str, now: float) -> None:
        """The task's run is over, well or not; the account is corrected to what it took."""
        self._looked = None
        run = self.runs.pop(task, None)
        if run is None:
            return
        self.can_be_cut -= run.can_checkpoint
        if then := self.seats.end(run):
            self._go_on(then, now)
        if run.makes_way_for is not None:
            self.cleared[run.seats[0]] = run.makes_way_for
        owner = self.accounts.numbers[run.line.owner]
        self.accounts.running[owner] -= 1
        self.holds.give_back(run)
        took = 0.0 if run.is_queued else now - run.started_at
        if took > 0 or run.is_queued:  # what begins and ends in one moment was not seen to run
            self.accounts.charge(owner, took * self._worth(run.seats) - run.charged)
            self.forecast.compare(run.ends_at - run.started_at, took)

    def _go_on(self, run: Run, now: float) -> None:
        """What was queued has its device."""
        run.started_at, run.ends_at = now, now + run.ends_at - run.started_at
        run.is_queued = False
        self.seats.begin(run, int(self.prices.model[run.shape]))

    def begin(
        self,
        task: str,
        key: LineKey,
        places: Sequence[Hashable],
        started_at: float,
        ends_at: float,
        gib: float = 0.0,
    ) -> None:
        """A run that somebody else has placed, or that was placed before this yard was built; one
        on a device that runs something is queued there. Its model counts as held; nothing is
        charged."""
        self._looked = None
        seats = tuple(self.seats.numbers[place] for place in places if place in self.seats.numbers)
        shape, owner = self.prices.shape(key.shape), self.owner(key.owner)
        run = Run(task, key, shape, seats, started_at, ends_at, started_at, gib)
        self._note_whether_cut(run)
        busy = [seat for number in seats if (seat := self.seats.seats[number]).run]
        if len(seats) == 1 and busy and busy[0].then is None:
            run.started_at = max(started_at, left(busy[0], started_at) + started_at)
            run.ends_at = max(ends_at, run.started_at)
            self.seats.queue(run)
        else:
            run.seats = tuple(n for n in seats if self.seats.seats[n].run is None)
            self.seats.begin(run, int(self.prices.model[shape]))
        self.runs[task] = run
        self.accounts.running[owner] += 1
        self.holds.take(run)

    def _note_whether_cut(self, run: Run) -> None:
        kinds = {self.seats.seats[number].kind for number in run.seats}
        can = self.prices.can_checkpoint[run.shape]
        may = run.line.can_checkpoint and bool(kinds) and all(can[kind] for kind in kinds)
        run.can_checkpoint = may
        self.can_be_cut += may

    def prolong(self, task: str, seconds: float) -> None:
        """A run that was just started takes so much longer than was priced: it gets less power."""
        if seconds > 0:
            run = self.runs[task]
            self.seats.prolong(run, seconds, int(self.prices.model[run.shape]))

    def owner(self, name: str) -> int:
        """The number of the owner's account; a new one starts at the present."""
        return self.accounts.owner(name, *self.house.share(name))

    def is_told_apart(self, line: int) -> bool:
        """Whether something of its own keeps the line: a cap, a limit, a reservation."""
        owner = int(self.lines.owner[line])
        is_capped = not self.accounts.below_cap()[owner] or bool(
            self.holds.barred(self.lines)[line]
        )
        return is_capped or line in self.reservations

    def place(self, run: Run, load_seconds: float, seconds: float) -> None:
        """A task of some line that has been taken from it runs there from now on, or behind what
        does."""
        self._note_whether_cut(run)
        owner, worth = self.accounts.numbers[run.line.owner], self._worth(run.seats)
        run.charged = (load_seconds + seconds) * worth
        self.accounts.charge(owner, run.charged)
        self.accounts.note(load_seconds * worth, seconds * worth)
        self.accounts.waiting[owner] -= 1
        self.accounts.running[owner] += 1
        self.holds.take(run)
        self.runs[run.task] = run
        if self.seats.seats[run.seats[0]].run is None:
            self.seats.begin(run, int(self.prices.model[run.shape]))
        else:
            self.seats.queue(run)

    # Decisions.

    def decide(self, now: float) -> list[Decision]:
        """What should start or stop now."""
        self._has_more, self._looked = False, None
        found = self._cut(now)
        if not self.lines.total():
            return found
        self.accounts.forget(now, self.terms.half_life_seconds)
        self._plan(now)
        may_push = wakes.may_push(self)
        if self._is_full() and not may_push and not free_soon(self.seats, self.terms, now):
            return found
        if not self.batch.is_on and self.lines.is_littered():
            self.lines.sweep()
        self._serve(Round(self, self._look(now), found), may_push)
        return found

    def wake(self, now: float) -> float | None:
        """When to look again though nothing happens; None when only what happens can change
        anything."""
        if self._has_more:
            return now
        moments = [*wakes.of_runs(self, now)]
        if self.lines.total() and (wakes.may_push(self) or not self._is_full()):
            picker = self._present_look(now)
            moments += [*wakes.of_doors(self, picker), *wakes.of_waits(self, picker)]
        later = [moment for moment in moments if now < moment < inf]
        return max(now + _SECOND, min(later)) if later else None

    def coming(self, now: float) -> list[tuple[Hashable, str]]:
        """Devices that are free soon, with the model that each would load then, as things stand."""
        soon = loads_soon(self.seats, self.terms, now) if self.lines.total() else []
        return coming(Round(self, self._present_look(now), []), soon) if soon else []

    def _serve(self, round: Round, may_push: bool) -> None:
        take_cleared(round)
        serve_large(round)
        self.batch.look(round.picker)
        round.serve()
        soon = free_soon(self.seats, self.terms, round.picker.now)  # and what was started just now
        if soon and not round.has_more:
            serve_ahead(round, soon)
        if may_push:
            push_aside(round)
        self._has_more, self._looked = round.has_more, round.picker

    def _cut(self, now: float) -> list[Decision]:
        """What has to leave devices whose door has closed since the last look."""
        kinds = self.prices.kinds.items()
        closed = frozenset(n for kind, n in kinds if self.house.closes_in(kind, now) <= 0)
        newly, self._closed = closed - self._closed, closed
        found = to_cut(self.runs.values(), self.seats, newly) if newly else []
        for run in found:
            run.stopping = True
        return [Stop(run.task, "its device closes") for run in found]

    def _present_look(self, now: float) -> Picker:
        """The one of the last decision, where that was now."""
        if self._looked is None or self._looked.now != now:
            self._looked = self._look(now)
        return self._looked

    def _is_full(self) -> bool:
        """Nothing can start: every device works."""
        kept = (number for held in self.reservations.values() for number in held.seats)
        return not self.seats.idle and not any(self.seats.is_idle(number) for number in kept)

    def _plan(self, now: float) -> None:
        is_open = np.array([self.house.closes_in(kind, now) > 0 for kind in self.prices.kinds])
        changes = (self.seats.comings, is_open.tobytes())
        if not self.forecast.is_stale(self.prices, changes, now):
            return
        kinds, shapes = len(self.prices.kinds), len(self.prices.shapes)
        count = len(self.lines)
        waiting, gang = np.zeros(shapes), np.ones(shapes)
        np.add.at(waiting, self.lines.shape[:count], self.lines.count[:count])
        np.maximum.at(gang, self.lines.shape[:count], self.lines.gang[:count].astype(float))
        present = self.seats.count[:kinds].copy()
        devices = np.where(is_open, present, 0.0)
        self.forecast.plan(self.prices, waiting, devices, gang, present, changes, now)

    def _look(self, now: float) -> Picker:
        kinds = list(self.prices.kinds)
        return Picker(
            lines=self.lines,
            seats=self.seats,
            accounts=self.accounts,
            prices=self.prices,
            forecast=self.forecast,
            terms=self.terms,
            now=now,
            closes=np.array([self.house.closes_in(kind, now) for kind in kinds]),
            barred=self.holds.barred(self.lines),
            may_load=self.holds.may_load(kinds, now),
        )

    def _worth(self, seats: tuple[int, ...]) -> float:
        """What a second on these devices counts."""
        worth = self.forecast.worth
        kinds = (self.seats.seats[number].kind for number in seats)
        return float(sum(worth[kind] if kind < len(worth) else 1.0 for kind in kinds))
