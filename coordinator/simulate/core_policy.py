"""The farm's own scheduler, playing: the very code that decides in the loop, told of a play's
events instead of a database's. Decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import inf

from coordinator.core.yard import wishes, yard
from coordinator.core.yard.because import waits_because
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.terms import Terms, Urgency
from coordinator.simulate.policy import Machine, OpeningHours, Start, Stop, Task, World

_BANDS = {"interactive": Urgency.INTERACTIVE, "batch": Urgency.BATCH}
_AT_ONCE_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class Kind:
    """Machines that are alike: of one type, with one door."""

    type: int
    door: int
    """The identity of its opening hours; 0 for none."""


@dataclass(slots=True)
class Given:
    """What the play's prices say, as the yard asks for it."""

    world: World

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        """Of one task of the shape on one machine of the kind."""
        assert isinstance(shape, int) and isinstance(kind, Kind)
        prices = self.world.prices
        seconds = float(prices.seconds[shape, kind.type])
        load = float(prices.load_seconds[shape, kind.type]) if seconds < inf else 0.0
        return Price(seconds, load, float(prices.gib[shape, kind.type]))

    def model(self, shape: Hashable) -> str:
        """Empty for none."""
        assert isinstance(shape, int)
        return self.world.prices.model[shape]


@dataclass(slots=True)
class Doors:
    """Opening hours and shares of a play. Remembers until when each door stays as it is."""

    world: World
    hours: dict[Kind, OpeningHours] = field(default_factory=dict)
    known: dict[Kind, tuple[float, float, bool]] = field(default_factory=dict)

    def closes_in(self, kind: Hashable, now: float) -> float:
        """Seconds; 0 when closed."""
        until, is_open = self._door(kind, now)
        return until - now if is_open else 0.0

    def opens_in(self, kind: Hashable, now: float) -> float:
        """Seconds; 0 when open."""
        until, is_open = self._door(kind, now)
        return 0.0 if is_open else until - now

    def share(self, owner: str) -> tuple[float, float]:
        """The weight; nobody is capped in a play."""
        return self.world.weight(owner), inf

    def most_at_once(self, limit: str) -> float:
        """A play has no named limits."""
        return inf

    def most_on_node(self, limit: str) -> float:
        """A play has no named limits."""
        return inf

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """Everybody loads from their own disk."""
        return "", inf

    def _door(self, kind: Hashable, now: float) -> tuple[float, bool]:
        assert isinstance(kind, Kind)
        hours = self.hours.get(kind)
        if hours is None:
            return inf, True
        since, until, is_open = self.known.get(kind, (inf, -inf, False))
        if not since <= now < until:
            at = self.world.starts + now
            is_open = hours.is_open(at)
            until = (hours.closes(at) if is_open else hours.opens(at)) - self.world.starts
            self.known[kind] = (now, until, is_open)
        return until, is_open


class CorePolicy:
    """A `Policy` over the yard."""

    def __init__(self, world: World, terms: Terms | None = None) -> None:
        self._world = world
        self._doors, self._now = Doors(world), 0.0
        self.yard = yard.Yard(Given(world), self._doors, terms)
        for machine in world.machines:
            self._put(machine)

    def arrive(self, tasks: Sequence[int], now: float) -> None:
        """See `Policy.arrive`."""
        for index in tasks:
            self._wait(self._world.tasks[index])

    def end(self, task: int, devices: tuple[int, ...], now: float, ok: bool) -> None:
        """See `Policy.end`."""
        self.yard.end(str(task), now)
        if not ok:
            self._wait(self._world.tasks[task])

    def decide(self, now: float) -> Sequence[Start | Stop]:
        """See `Policy.decide`."""
        self._now = now
        return [_told(decision) for decision in self.yard.decide(now)]

    def wake(self, now: float) -> float | None:
        """See `Policy.wake`."""
        moment = self.yard.wake(now)
        return None if moment is None else max(moment, now + _AT_ONCE_SECONDS)

    def why(self, task: int) -> str:
        """See `Policy.why`."""
        return waits_because(self.yard, str(task), self._now)

    def _put(self, machine: Machine) -> None:
        kind = Kind(machine.type, id(machine.hours) if machine.hours is not None else 0)
        if machine.hours is not None:
            self._doors.hours[kind] = machine.hours
        self.yard.put(machine.index, kind, machine.node, machine.link)

    def _wait(self, task: Task) -> None:
        key = LineKey(
            shape=task.shape,
            owner=task.owner,
            band=_BANDS.get(task.band, Urgency.NORMAL),
            priority=task.priority,
            deadline=inf if task.deadline is None else task.deadline,
            gang=task.gang,
            can_checkpoint=task.can_checkpoint,
        )
        self.yard.wait(str(task.index), key, task.at)


def _told(decision: wishes.Decision) -> Start | Stop:
    if isinstance(decision, wishes.Stop):
        return Stop(int(decision.task), decision.because)
    devices = tuple(seat for seat in decision.seats if isinstance(seat, int))
    return Start(int(decision.task), devices, decision.load_seconds, decision.step)
