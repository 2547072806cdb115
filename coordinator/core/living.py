"""A living farm in the yard: kept up to date change by change, built anew from a snapshot at any
time, with the same decisions either way. Pure: what has changed is handed in.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from coordinator.core.asks import FarmEstimates, FarmHouse, ask_of, kind_of, lane_of
from coordinator.core.decisions import Assign, Decision, Preempt
from coordinator.core.foresight import Foresight
from coordinator.core.news import News
from coordinator.core.power import fit_there
from coordinator.core.reasons import Reasons, own_reason
from coordinator.core.residence import Residence, makes_room
from coordinator.core.snapshot import Device, Snapshot, UnderWay, Waiting
from coordinator.core.thrift import Thrift
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.terms import Terms, Urgency
from coordinator.core.yard.wishes import Start
from coordinator.core.yard.yard import Yard
from reelyard.rules.document import Rules
from reelyard.states import Band, TaskKind, WorkerState

_BANDS = {
    Band.INTERACTIVE: Urgency.INTERACTIVE,
    Band.NORMAL: Urgency.NORMAL,
    Band.BATCH: Urgency.BATCH,
}
_DEADLINE_STEP_SECONDS = 300.0
Place = tuple[str, str, str]
"""Worker, device, lane."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has become of some tasks and devices. `tasks`: all that may have changed; of these,
    `waiting` and `under_way` are so now, any other is over. `workers`: those whose devices are in
    `devices` now, whole."""

    tasks: frozenset[str] = frozenset()
    waiting: tuple[Waiting, ...] = ()
    under_way: tuple[UnderWay, ...] = ()
    workers: frozenset[str] = frozenset()
    devices: tuple[Device, ...] = ()


@dataclass(slots=True)
class LivingYard:
    """What waits and what could run it. `held`: tasks that could not start yet, with why."""

    yard: Yard
    estimates: FarmEstimates
    house: FarmHouse
    waiting: dict[str, Waiting] = field(default_factory=dict)
    held: dict[str, Waiting] = field(default_factory=dict)
    devices: dict[tuple[str, str], Device] = field(default_factory=dict)
    attempts: dict[str, str] = field(default_factory=dict)
    under_way: dict[str, Waiting] = field(default_factory=dict)
    residence: Residence = field(default_factory=Residence)
    _of_worker: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    _later: list[tuple[float, str]] = field(default_factory=list)
    news: News = field(default_factory=News)
    thrift: Thrift = field(init=False)

    def __post_init__(self) -> None:
        self.thrift = Thrift(self.estimates.rules.tariff, self.best_seconds)

    @classmethod
    def of(cls, farm: Snapshot, foresight: Foresight, ahead_seconds: float = 0.0) -> LivingYard:
        """Built from everything that the database knows. `ahead_seconds`: see `Terms`."""
        estimates, house = FarmEstimates(foresight, farm.rules), FarmHouse(farm.rules)
        terms = terms_of(farm.rules, ahead_seconds)
        made = cls(Yard(estimates, house, terms), estimates, house)
        workers = frozenset(device.worker_id for device in farm.devices)
        tasks = frozenset([*(t.id for t in farm.waiting), *(u.task_id for u in farm.under_way)])
        changes = Changes(tasks, farm.waiting, farm.under_way, workers, farm.devices)
        made.change(changes, farm.now)
        for owner, ahead in farm.ahead.items():
            made.yard.accounts.set_ahead(made.yard.owner(owner), ahead)
        return made

    def change(self, changes: Changes, now: float) -> None:
        """Take in what happened."""
        for worker in changes.workers:
            self._put_worker(worker, [d for d in changes.devices if d.worker_id == worker])
        going = {one.task_id: one for one in changes.under_way}
        waits = {task.id: task for task in changes.waiting}
        self.thrift.take_in(changes.tasks, waits)
        for task_id in self._in_turn(changes.tasks, going):
            self._forget(task_id, going.get(task_id), now)
            if task_id in waits:
                self._place(waits[task_id], now)
            elif task_id in going and task_id not in self.yard.runs:
                self._resume(going[task_id], now)

    def _in_turn(self, tasks: frozenset[str], going: Mapping[str, UnderWay]) -> list[str]:
        """What is over first, and what runs before what is queued behind it."""

        def turn(task_id: str) -> tuple[bool, float, str]:
            if one := going.get(task_id):
                return True, one.since, task_id
            run = self.yard.runs.get(task_id)
            return False, float(run is not None and run.is_queued), task_id

        return sorted(tasks, key=turn)

    def learn(self, foresight: Foresight) -> None:
        """Predictions are other ones now."""
        self.estimates.foresight = foresight
        self.yard.prices.ask_again()

    def decide(self, now: float) -> list[Decision]:
        """What should start or stop, and why the rest waits, as far as that is news."""
        self.let_in(now)
        found: list[Decision] = []
        for decision in self.yard.decide(now):
            if isinstance(decision, Start):
                found += self._assigned(decision, now)
            elif decision.task in self.attempts:
                attempt = self.attempts[decision.task]
                found.append(Preempt(attempt, self._worker_of(decision.task), decision.because))
        room = [gone for one in found if isinstance(one, Assign) for gone in makes_room(one, self)]
        return [*room, *found, *self.residence.decide(self, now), *self.news.of(self, now)]

    def _assigned(self, start: Start, now: float) -> list[Decision]:
        task = self.waiting.pop(start.task)
        self.under_way[task.id] = task
        self.news.fresh.discard(task.id)
        (worker, id, _), *others = (_place(seat) for seat in start.seats)
        device = self.devices[worker, id]
        fit, longer = fit_there(self, task, device, start, now)
        if fit is None:  # other programs have taken the memory since: the next look sees that
            self.yard.end(task.id, now)
            self._place(task, now)
            return []
        why = Reasons(self).why_there(task, device, start, fit)
        members = tuple((place[0], place[1]) for place in others)
        lasts = start.begins_in + start.load_seconds + start.seconds + longer
        self.yard.prolong(task.id, longer)
        return [Assign(task, device, fit, why, lasts, lane_of(task.kind), members)]

    def wake(self, now: float) -> float | None:
        """When to look again though nothing happens: see `Yard.wake`; and when what waits for a
        time or a price may start."""
        moments = [self.yard.wake(now), self._later[0][0] if self._later else None]
        return min((moment for moment in moments if moment is not None), default=None)

    def best_seconds(self, task: Waiting) -> float:
        """On the fastest of today's devices; endless where none of them can run it."""
        ask, prices = ask_of(task, self.estimates.rules), self.yard.prices
        self.estimates.examples.setdefault(ask, task)
        shape = prices.shape(ask)
        run = prices.run[shape]
        return float(run[self.yard.seats.count[: len(run)] > 0].min(initial=inf))

    def busy(self) -> Mapping[object, str]:
        """By worker, device and lane the label of what is under way there."""
        found: dict[object, str] = {}
        for task_id, run in self.yard.runs.items():
            for number in run.seats:
                found[self.yard.seats.seats[number].key] = self.under_way[task_id].label
        return found

    def _place(self, task: Waiting, now: float) -> None:
        if own_reason(task, now):
            self.held[task.id] = task
            self.news.fresh.add(task.id)
            when = max(task.not_before, task.start_after or 0.0)
            if when > now:
                heapq.heappush(self._later, (when, task.id))
            return
        if cheaper := self.thrift.cheaper(task, now):
            self.held[task.id] = task
            self.news.fresh.add(task.id)
            again = self.thrift.look_again(task, cheaper, now)
            heapq.heappush(self._later, (again, task.id))
            return
        self.waiting[task.id] = task
        self.news.fresh.add(task.id)
        ask = ask_of(task, self.estimates.rules)
        self.estimates.examples.setdefault(ask, task)
        self.yard.wait(task.id, self._key(task), self.thrift.since(task, now))

    def _key(self, task: Waiting) -> LineKey:
        deadline = inf
        if task.deadline is not None:
            deadline = task.deadline // _DEADLINE_STEP_SECONDS * _DEADLINE_STEP_SECONDS
        return LineKey(
            shape=ask_of(task, self.estimates.rules),
            owner=task.owner,
            band=_BANDS[task.band],
            priority=task.priority,
            rank=task.rank,
            deadline=deadline,
            can_checkpoint=task.kind is TaskKind.VIDEO,
            limits=self.house.limits(task),
        )

    def _forget(self, task_id: str, going: UnderWay | None, now: float) -> None:
        """Whatever was known of it, but for a run that is still the same."""
        self.yard.leave(task_id)
        self.waiting.pop(task_id, None)
        self.held.pop(task_id, None)
        self.news.fresh.discard(task_id)
        if going is None:
            self.attempts.pop(task_id, None)
            self.under_way.pop(task_id, None)
            self.yard.end(task_id, now)
            return
        self.attempts[task_id] = going.attempt_id
        if task_id in self.yard.runs:  # its job may be more or less urgent now
            self.yard.runs[task_id].line = self._key(going.task)

    def _resume(self, going: UnderWay, now: float) -> None:
        """A run that was placed before this yard was built."""
        ask = ask_of(going.task, self.estimates.rules)
        self.estimates.examples.setdefault(ask, going.task)
        self.under_way[going.task_id] = going.task
        places = [(going.worker_id, going.device_id, going.lane)]
        places += [(worker, id, going.lane) for worker, id in going.members]
        seats = [place for place in places if place in self.yard.seats.numbers]
        ends_at = going.ends_at if going.ends_at is not None else now + 1.0
        key = self._key(going.task)
        self.yard.begin(going.task_id, key, seats, going.since, ends_at, going.gib)

    def let_in(self, now: float) -> None:
        """What waited for a time, or a price, that has come."""
        while self._later and self._later[0][0] <= now:
            _, task_id = heapq.heappop(self._later)
            task = self.held.pop(task_id, None)
            if task is not None:
                self._place(task, now)
        if self.thrift.has_turned(now):
            dear = [task for task in self.waiting.values() if self.thrift.cheaper(task, now)]
            for task in dear:
                self._forget(task.id, None, now)
                self._place(task, now)

    def _put_worker(self, worker: str, devices: Sequence[Device]) -> None:
        here = {device.key for device in devices}
        for gone in self._of_worker.get(worker, set()) - here:
            self._drop(gone)
        self._of_worker[worker] = here
        for device in devices:
            if device.state is WorkerState.ONLINE:
                self._put(device)
            else:
                self._drop(device.key)
            self.devices[device.key] = device

    def _put(self, device: Device) -> None:
        """Both lanes of it. A model that is being loaded for a run counts as held."""
        held = tuple(sorted(device.resident))
        for lane in ("main", "side") if device.kind == "cpu" else ("main",):
            kind = kind_of(device, lane, self.estimates.rules)
            place, link = (*device.key, lane), _link(device)
            room, pool = kind.device.room_gib, device.key if device.kind == "cpu" else None
            self.yard.put(place, kind, device.node, link, held, room, pool)

    def _drop(self, key: tuple[str, str]) -> None:
        self.devices.pop(key, None)
        for lane in ("main", "side"):
            self.yard.drop((*key, lane))

    def _worker_of(self, task_id: str) -> str:
        run = self.yard.runs[task_id]
        return _place(self.yard.seats.seats[run.seats[0]].key)[0]


def terms_of(rules: Rules, ahead_seconds: float = 0.0) -> Terms:
    """What the house rules say of the yard's constants."""
    return Terms(
        ahead_seconds=ahead_seconds,
        age_seconds=rules.age_seconds_per_band,
        minimum_run_seconds=rules.minimum_run_seconds,
        half_life_seconds=rules.half_life_seconds,
        may_preempt=rules.preempt,
    )


def _place(key: object) -> Place:
    assert isinstance(key, tuple)
    worker, id, lane = key
    return str(worker), str(id), str(lane)


def _link(device: Device) -> str:
    return "nvlink" if device.kind == "cuda" else ""
