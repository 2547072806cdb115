"""The yard as a whole: told what happened, it says what should start where.

`decide` applies its own decisions to itself as it goes; whoever carries them out tells it when one
came to nothing. Everything in here can be built anew from the facts at any time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

import numpy as np

from coordinator.core.yard.accounts import Accounts
from coordinator.core.yard.ahead import free_soon, left, loads_soon, suits
from coordinator.core.yard.batch import Batch, Standing
from coordinator.core.yard.doors import to_cut
from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.gangs import Reservation, large_lines, most_reserved, reserve
from coordinator.core.yard.lines import LineKey, Lines
from coordinator.core.yard.picker import Pick, Picker
from coordinator.core.yard.preempt import (
    asked_interactive,
    next_moment,
    victim,
    waiting_interactive,
)
from coordinator.core.yard.prices import Bools, Estimates, Prices
from coordinator.core.yard.seats import ClassKey, Held, Run, Seat, Seats
from coordinator.core.yard.terms import Terms

_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """Start the task on these devices, all at once. `step`: of the rule that chose it."""

    task: str
    line: LineKey
    seats: tuple[Hashable, ...]
    seconds: float
    load_seconds: float
    step: str
    begins_in: float = 0.0
    """Seconds until what it is queued behind has ended, as predicted; 0: it begins now."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Let the task's run end at its next step boundary: another needs the device more."""

    task: str
    because: str


Decision = Start | Stop


class House(Protocol):
    """The farm's own rules, as far as the yard asks for them."""

    def closes_in(self, kind: Hashable, now: float) -> float:
        """Seconds until devices of the kind stop taking work: 0 when closed, endless for never."""
        ...

    def opens_in(self, kind: Hashable, now: float) -> float:
        """Seconds until devices of the kind take work again: 0 when open, endless for never."""
        ...

    def share(self, owner: str) -> tuple[float, float]:
        """The owner's weight, and how many tasks may run at once (endless for any number)."""
        ...

    def most_at_once(self, limit: str) -> float:
        """How many running tasks may hold the named limit."""
        ...

    def most_on_node(self, limit: str) -> float:
        """How many running tasks on one node may hold the named limit."""
        ...

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """Where devices of the kind load from, and how many loads it bears at once."""
        ...


@dataclass(frozen=True, slots=True)
class OpenHouse:
    """No rules: always open, equal weights, no limits."""

    weights: Mapping[str, float]

    def closes_in(self, kind: Hashable, now: float) -> float:
        """Never."""
        return inf

    def opens_in(self, kind: Hashable, now: float) -> float:
        """Always open."""
        return 0.0

    def share(self, owner: str) -> tuple[float, float]:
        """The weight given, else 1; no cap."""
        return self.weights.get(owner, 1.0), inf

    def most_at_once(self, limit: str) -> float:
        """Any number."""
        return inf

    def most_on_node(self, limit: str) -> float:
        """Any number."""
        return inf

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """Everybody loads from their own disk."""
        return "", inf


class Yard:
    """Lines, devices, accounts and the rule over them."""

    def __init__(self, estimates: Estimates, house: House, terms: Terms | None = None) -> None:
        self.house, self.terms = house, terms or Terms()
        self.lines, self.seats, self.accounts = Lines(), Seats(), Accounts()
        self.prices, self.forecast, self.batch = Prices(estimates), Forecast(self.terms), Batch()
        self.runs: dict[str, Run] = {}
        self.reservations: dict[int, Reservation] = {}
        self._limits: Counter[str] = Counter()
        self._on_node: Counter[tuple[str, str]] = Counter()
        self._loading: list[tuple[float, str]] = []
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
        if then := self.seats.end(run):
            self._go_on(then, now)
        owner = self.accounts.numbers[run.line.owner]
        self.accounts.running[owner] -= 1
        self._limits.subtract(run.line.limits)
        self._count_on_nodes(run, -1)
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
        run.can_checkpoint = self._can_be_cut(run)
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
        self._limits.update(key.limits)
        self._count_on_nodes(run, 1)

    def _can_be_cut(self, run: Run) -> bool:
        kinds = {self.seats.seats[number].kind for number in run.seats}
        can = self.prices.can_checkpoint[run.shape]
        return run.line.can_checkpoint and bool(kinds) and all(can[kind] for kind in kinds)

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
        is_capped = not self.accounts.below_cap()[owner] or bool(self._barred()[line])
        return is_capped or line in self.reservations

    # Decisions.

    def decide(self, now: float) -> list[Decision]:
        """What should start or stop now."""
        self._has_more, self._looked = False, None
        found = self._cut(now)
        if not self.lines.total():
            return found
        self.accounts.forget(now, self.terms.half_life_seconds)
        self._plan(now)
        soon = free_soon(self.seats, self.terms, now)
        if self._is_full() and not self._may_push() and not soon:
            return found
        if not self.batch.is_on and self.lines.is_littered():
            self.lines.sweep()
        picker = self._look(now)
        self._serve_large(picker, found)
        self.batch.look(picker)
        self._serve(picker, found)
        if soon and not self._has_more:
            self._serve_ahead(soon, picker, found)
        if self._may_push():
            self._push_aside(picker, found)
        self._looked = picker
        return found

    def wake(self, now: float) -> float | None:
        """When to look again though nothing happens: a wait has become too long, a door opens, what
        could make way has had its minimum. None when only what happens can change anything."""
        if self._has_more:
            return now
        moments = [self._next_push(now), *self._closings(now)]
        if self.lines.total() and not self._is_full():
            picker = self._present_look(now)
            moments += [*self._openings(picker), *self._thresholds(picker)]
        later = [moment for moment in moments if now < moment < inf]
        return max(now + _SECOND, min(later)) if later else None

    def _cut(self, now: float) -> list[Decision]:
        """What has to leave devices whose door has closed since the last look."""
        kinds = self.prices.kinds.items()
        closed = frozenset(n for kind, n in kinds if self.house.closes_in(kind, now) <= 0)
        newly, self._closed = closed - self._closed, closed
        found = to_cut(self.runs.values(), self.seats, newly) if newly else []
        for run in found:
            run.stopping = True
        return [Stop(run.task, "its device closes") for run in found]

    def _closings(self, now: float) -> list[float]:
        """When devices close on which something runs that can be cut."""
        if not any(run.can_checkpoint for run in self.runs.values()):
            return []
        return [now + self.house.closes_in(kind, now) for kind in self.prices.kinds]

    def coming(self, now: float) -> list[tuple[Hashable, str]]:
        """Devices that are free soon, with the model that each would load then, as things stand."""
        soon = loads_soon(self.seats, self.terms, now) if self.lines.total() else []
        if not soon:
            return []
        picker, known, found = self._present_look(now), dict[ClassKey, str](), []
        for number in soon:
            seat = self.seats.seats[number]
            key = (seat.kind, seat.held)
            if key not in known:
                known[key] = self._loads_next(number, key, picker)
            if known[key]:
                found.append((seat.key, known[key]))
        return found

    def _loads_next(self, number: int, key: ClassKey, picker: Picker) -> str:
        line = None
        if self.batch.is_on and not self.batch.stand(picker).has_others:
            chosen = self.batch.peek(number, picker, self.batch.stand(picker).ready)
            line = chosen[1] if chosen else None
        elif pick := picker.pick(*key):
            line = pick.line
        model = -1 if line is None else int(self.prices.model[self.lines.shape[line]])
        return "" if model in (*key[1], -1) else list(self.prices.models)[model]

    def _present_look(self, now: float) -> Picker:
        """The one of the last decision, where that was now."""
        if self._looked is None or self._looked.now != now:
            self._looked = self._look(now)
        return self._looked

    def _is_full(self) -> bool:
        """Nothing can start: every device works."""
        kept = (number for held in self.reservations.values() for number in held.seats)
        return not self.seats.idle and not any(self.seats.is_idle(number) for number in kept)

    def _may_push(self) -> bool:
        """Whether something interactive waits, and may push others aside."""
        return self.terms.may_preempt and bool(asked_interactive(self.lines).any())

    def _next_push(self, now: float) -> float:
        """When somebody may be pushed aside who may not now."""
        if not self._may_push():
            return inf
        return next_moment(self.runs.values(), now, self.terms.minimum_run_seconds)

    def _openings(self, picker: Picker) -> list[float]:
        """When closed kinds open."""
        kinds = list(self.prices.kinds)
        closed = np.nonzero((picker.closes <= 0) & (self.seats.count[: len(kinds)] > 0))[0]
        return [picker.now + self.house.opens_in(kinds[kind], picker.now) for kind in closed]

    def _thresholds(self, picker: Picker) -> list[float]:
        """When waits reach what the rule asks for."""
        moments = [held.seconds + picker.now for held in self.reservations.values()]
        if self.batch.is_on:
            moments.append(self.batch.again_at())
        ready = np.nonzero(picker.ready())[0]
        has_idle = self.seats.idle_of_kind[: len(self.prices.kinds)] > 0
        idle = np.nonzero(has_idle & (picker.closes > 0))[0]
        if len(ready) and len(idle):
            pairs = np.ix_(self.lines.shape[ready], idle)
            run, load = self.prices.run[pairs], self.prices.load[pairs]
            moments += picker.next_waits(ready, run, load)
        return moments

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
        self._loading = [one for one in self._loading if one[0] > now]
        return Picker(
            lines=self.lines,
            seats=self.seats,
            accounts=self.accounts,
            prices=self.prices,
            forecast=self.forecast,
            terms=self.terms,
            now=now,
            closes=np.array([self.house.closes_in(kind, now) for kind in kinds]),
            barred=self._barred(),
            may_load=self._may_load(kinds),
        )

    def _barred(self) -> Bools:
        barred = np.zeros(len(self.lines), dtype=np.bool_)
        for line in self.lines.limited:
            limits = self.lines.key(line).limits
            barred[line] = any(self._limits[n] >= self.house.most_at_once(n) for n in limits)
        return barred

    def _may_load(self, kinds: list[Hashable]) -> Bools:
        busy = Counter(storage for _, storage in self._loading)
        found = [self.house.storage(kind) for kind in kinds]
        return np.array([not name or busy[name] < most for name, most in found], dtype=np.bool_)

    def _serve(self, picker: Picker, found: list[Decision]) -> None:
        """Every class of idle devices, the fastest kind first, until nobody takes anything."""
        took = True
        while took and not self._has_more:
            took, wanted = False, self._wanted_models()
            declined: set[ClassKey] = set()
            for key in sorted(self.seats.classes(), key=self._speed):
                alike = (key[0], key[1] & wanted)  # what nobody waits for makes no difference
                if alike in declined:
                    continue
                if self._serve_class(key, picker, found):
                    took, declined = True, set()
                elif not self.batch.is_on:
                    declined.add(alike)

    def _wanted_models(self) -> Held:
        waiting = self.lines.count[: len(self.lines)] > 0
        shapes = self.lines.shape[: len(self.lines)][waiting]
        return frozenset(np.unique(self.prices.model[shapes]).tolist())

    def _speed(self, key: ClassKey) -> tuple[float, int, list[int]]:
        return (-float(self.forecast.worth[key[0]]), key[0], sorted(key[1]))

    def _serve_class(self, key: ClassKey, picker: Picker, found: list[Decision]) -> bool:
        took = False
        if self.batch.is_on:
            return self._serve_lists(key, picker, found)
        full, pick = np.zeros(len(self.lines), dtype=np.bool_), None
        while key in self.seats.idle and picker.closes[key[0]] > 0:
            if pick is None or not picker.is_still_next(pick):
                pick = picker.pick(*key, beside=full)
            if pick is None:
                break
            number = self._seat_for(pick.line, key, picker)
            if number is None:
                full[pick.line], pick = True, None
                continue
            self._start(pick.line, (number,), pick.step, picker, found)
            took = True
            if len(found) >= self.terms.most_per_tick:
                self._has_more = True
                break
        return took

    def _seat_for(self, line: int, key: ClassKey, picker: Picker) -> int | None:
        """The device for the line's next task: where it ends first, of those of its class that
        have the room and whose node has not reached a limit."""
        limits = self.lines.key(line).limits
        for one in (self._best_idle(line, key, picker), key):
            first = self.seats.first(one)
            is_plain = not limits and self.seats.seats[first].pool is None
            for number in (first,) if is_plain else self.seats.each(one):
                if self._may_sit(number, int(self.lines.shape[line]), limits):
                    return number
        return None

    def _may_sit(self, number: int, shape: int, limits: tuple[str, ...]) -> bool:
        """Whether what runs beside it leaves the room, and its node the limits."""
        seat = self.seats.seats[number]
        if seat.pool is not None:
            beside = (self.seats.seats[n] for n in self.seats.pools[seat.pool] if n != number)
            used = sum(other.most_gib for other in beside)
            if used + float(self.prices.gib[shape, seat.kind]) > seat.room_gib:
                return False
        return all(
            self._on_node[name, seat.node] < self.house.most_on_node(name) for name in limits
        )

    def _count_on_nodes(self, run: Run, by: int) -> None:
        for number in run.seats:
            for name in run.line.limits:
                self._on_node[name, self.seats.seats[number].node] += by

    def _best_idle(self, line: int, key: ClassKey, picker: Picker) -> ClassKey:
        """Of the classes with idle devices the one where the line's task ends first; of equal ones
        the one with the least room."""
        shape = int(self.lines.shape[line])
        model = int(self.prices.model[shape])
        holding = self.seats.idle_with.get(model, set())
        cold = (kind for kind in range(len(self.prices.kinds)) if self.seats.idle_of_kind[kind] > 0)
        others = (key if kind == key[0] else self.seats.cheapest(kind) for kind in cold)
        found = [key, *holding, *(one for one in others if one is not None)]

        def ends(one: ClassKey) -> tuple[float, float, bool, int, list[int]]:
            seconds = self._seconds_there(line, one, picker)
            room = self.seats.seats[self.seats.first(one)].room_gib
            return (float(f"{seconds:.3g}"), room, one != key, one[0], sorted(one[1]))

        return min(found, key=ends)

    def _seconds_there(self, line: int, one: ClassKey, picker: Picker) -> float:
        """Until the line's next task would end on a device of the class; endless where it may not
        start."""
        kind, held = one
        shape = int(self.lines.shape[line])
        model = int(self.prices.model[shape])
        load = 0.0 if model < 0 or model in held else float(self.prices.load[shape, kind])
        seconds = float(self.prices.run[shape, kind]) + load
        may = picker.may_load[kind] or load == 0
        fits = self._in_time(line, seconds, load, kind, picker)
        return seconds if may and fits and picker.closes[kind] > 0 else inf

    def _in_time(self, line: int, seconds: float, load: float, kind: int, picker: Picker) -> bool:
        """As far as the kind's door goes."""
        ends, loads = np.full(len(self.lines), seconds), np.full(len(self.lines), load)
        return seconds <= picker.closes[kind] or bool(picker.in_time(ends, loads, kind)[line])

    def _serve_lists(self, key: ClassKey, picker: Picker, found: list[Decision]) -> bool:
        """In a closed batch: the device's own list, beside it whatever else waits."""
        if picker.closes[key[0]] <= 0 or self.batch.is_spent(key, picker):
            return False
        took, listings = False, self.seats.listings[key]
        for number in self.seats.each(key):
            self.batch.renew(number, picker)
            line, step = self._from_list(number, key, picker, self.batch.stand(picker))
            if line is not None and self._may_take(line, number, picker):
                self._start(line, (number,), step, picker, found)
                took = True
        if not took:
            self.batch.spent[key] = listings
        return took

    def _from_list(
        self, number: int, key: ClassKey, picker: Picker, standing: Standing
    ) -> tuple[int | None, str]:
        """The line that the device should serve, and by which step."""
        pick = None
        if standing.has_others:
            is_spare = not self.batch.lists.get(number)
            pick = picker.pick(*key, beside=standing.after, is_spare=is_spare)
        if pick is None:
            line = self.batch.next(number, picker, standing.ready)
            if line is not None:
                return line, "batch"
            pick = picker.pick(*key, beside=standing.members) if standing.has_later else None
        return (pick.line, pick.step) if pick else (None, "")

    def _may_take(self, line: int, number: int, picker: Picker) -> bool:
        """Whether it ends before the door closes, and has the room and the limits."""
        shape, seat = int(self.lines.shape[line]), self.seats.seats[number]
        is_warm = int(self.prices.model[shape]) in (*seat.held, -1)
        load = 0.0 if is_warm else float(self.prices.load[shape, seat.kind])
        ends = float(self.prices.run[shape, seat.kind]) + load
        in_time = self._in_time(line, ends, load, seat.kind, picker)
        may_load = load == 0 or bool(picker.may_load[seat.kind])
        return in_time and may_load and self._may_sit(number, shape, self.lines.key(line).limits)

    def _serve_ahead(self, soon: list[int], picker: Picker, found: list[Decision]) -> None:
        """Short tasks behind what is about to end, where every idle device has what it wants."""
        groups = defaultdict[ClassKey, list[int]](list)
        for number in soon:
            seat = self.seats.seats[number]
            groups[seat.kind, seat.held].append(number)
        for key, numbers in groups.items():
            pick: Pick | None = None
            for number in numbers:
                if len(found) >= self.terms.most_per_tick:
                    self._has_more = True
                    return
                pick = self._pick_ahead(number, key, pick, picker)
                if pick is None:
                    break
                self._queue(pick, number, picker, found)

    def _queue(self, pick: Pick, number: int, picker: Picker, found: list[Decision]) -> None:
        """Behind what the device runs, where it has the room and the limits."""
        limits = self.lines.key(pick.line).limits
        if self._may_sit(number, int(self.lines.shape[pick.line]), limits):
            begins_in = left(self.seats.seats[number], picker.now)
            self._start(pick.line, (number,), "ahead", picker, found, begins_in)

    def _pick_ahead(
        self, number: int, key: ClassKey, last: Pick | None, picker: Picker
    ) -> Pick | None:
        """What the device would stay with, where that suits; None for nothing. `last`: of one of
        the same class."""
        seat = self.seats.seats[number]
        if self.batch.is_on and not self.batch.stand(picker).has_others:
            chosen = self.batch.peek(number, picker, self.batch.stand(picker).ready)
            if chosen is None or not suits(chosen[1], seat, picker):
                return None
            return Pick(self.batch.take(number, *chosen), "batch")
        pick = last if last and picker.is_still_next(last) else picker.pick(*key)
        is_it = pick is not None and pick.step == "stay" and suits(pick.line, seat, picker)
        return pick if is_it else None

    def _serve_large(self, picker: Picker, found: list[Decision]) -> None:
        """Gangs, and what only very few devices can run: start them or hold devices for them."""
        for number in [n for held in self.reservations.values() for n in held.seats]:
            self.seats.keep(number, None)
        self.reservations = {}
        taken: set[int] = set()
        for line in large_lines(picker):
            held = self._start_all(line, picker, found, taken)
            if held is None or (taken and len(taken) + len(held.seats) > most_reserved(picker)):
                continue
            self.reservations[line] = held
            taken.update(held.seats)
        for held in self.reservations.values():
            self._keep(held, picker, found)

    def _start_all(
        self, line: int, picker: Picker, found: list[Decision], taken: set[int]
    ) -> Reservation | None:
        """As many of the line's tasks as can start now; where the next could start, else."""
        while self.lines.count[line] > 0 and picker.ready()[line]:
            held = reserve(line, picker, taken)
            if held is None or held.seconds > 0:
                return held
            self._start(line, held.seats, "large", picker, found)
        return None

    def _keep(self, held: Reservation, picker: Picker, found: list[Decision]) -> None:
        """Until all of its devices are free, those that are take what ends before."""
        for number in held.seats:
            seat = self.seats.seats[number]
            if seat.run is None and picker.closes[seat.kind] > 0:
                pick = picker.pick(seat.kind, seat.held, within=held.seconds)
                if pick is not None:
                    self._start(pick.line, (number,), "backfill", picker, found)
            self.seats.keep(number, held.line)

    def _push_aside(self, picker: Picker, found: list[Decision]) -> None:
        """Batch work makes way for interactive tasks that no idle device could take."""
        stopping = sum(1 for run in self.runs.values() if run.stopping)
        for line in waiting_interactive(picker):
            for _ in range(int(self.lines.count[line])):
                if stopping > 0:
                    stopping -= 1
                    continue
                number = victim(line, picker)
                run = self.seats.seats[number].run if number is not None else None
                if run is None:
                    return
                run.stopping = True
                owner = self.lines.key(line).owner
                found.append(Stop(run.task, f"an interactive task of {owner} waits"))

    def _start(
        self,
        line: int,
        seats: tuple[int, ...],
        step: str,
        picker: Picker,
        found: list[Decision],
        begins_in: float = 0.0,
    ) -> None:
        key, shape = self.lines.key(line), int(self.lines.shape[line])
        task, since = self.lines.take(line)
        kind, model = self.seats.seats[seats[0]].kind, int(self.prices.model[shape])
        is_cold = model >= 0 and any(model not in self.seats.seats[n].held for n in seats)
        load = float(self.prices.load[shape, kind]) if is_cold else 0.0
        seconds = float(self.prices.run[shape, kind])
        begins = picker.now + begins_in
        gib = float(self.prices.gib[shape, kind])
        run = Run(task, key, shape, seats, begins, begins + load + seconds, since, gib)
        run.can_checkpoint = self._can_be_cut(run)
        self._account(run, load, seconds)
        if self.seats.seats[seats[0]].run is None:
            self.seats.begin(run, model)
        else:
            self.seats.queue(run)
        self._note_load(kind, load, picker)
        picker.taken_from(line)
        self.batch.standing = None
        if key.limits:
            picker.barred = self._barred()
        keys = tuple(self.seats.seats[n].key for n in seats)
        found.append(Start(task, key, keys, seconds, load, step, begins_in))

    def _note_load(self, kind: int, load: float, picker: Picker) -> None:
        kinds = list(self.prices.kinds)
        storage, _ = self.house.storage(kinds[kind])
        if load > 0 and storage:
            self._loading.append((picker.now + load, storage))
            picker.may_load = self._may_load(kinds)

    def _account(self, run: Run, load: float, seconds: float) -> None:
        owner = self.accounts.numbers[run.line.owner]
        worth = self._worth(run.seats)
        run.charged = (load + seconds) * worth
        self.accounts.charge(owner, run.charged)
        self.accounts.note(load * worth, seconds * worth)
        self.accounts.waiting[owner] -= 1
        self.accounts.running[owner] += 1
        self._limits.update(run.line.limits)
        self._count_on_nodes(run, 1)
        self.runs[run.task] = run

    def _worth(self, seats: tuple[int, ...]) -> float:
        """What a second on these devices counts."""
        worth = self.forecast.worth
        kinds = (self.seats.seats[number].kind for number in seats)
        return float(sum(worth[kind] if kind < len(worth) else 1.0 for kind in kinds))
