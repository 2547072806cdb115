"""Plays a workload on a fleet: goes from one moment at which something happens to the next.

Everything that happens at one instant is told before the policy is asked once. Knows no machine's
clock but to say what asking cost.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

from coordinator.simulate.floor import BrokenRule, Floor
from coordinator.simulate.policy import Policy, Start, Stop, World
from coordinator.simulate.runs import Runs
from coordinator.simulate.truth import Truth
from reelyard.clock import Stopwatch

_MOST_ROUNDS = 10_000
"""Of decisions at one instant: a policy that starts and stops the same task never ends."""
_MOST_VAIN_WAKES, _MOST_VAIN_SECONDS = 2_000_000, 15 * 86_400.0
"""While nothing runs and nothing more arrives: longer than any door that opens stays shut."""


@dataclass(slots=True)
class Costs:
    """What asking the policy cost, in seconds of this machine: wall time of every instant, CPU time
    of all of them."""

    wall: array[float] = field(default_factory=lambda: array("d"))
    cpu_seconds: float = 0.0
    starts: int = 0
    stops: int = 0


@dataclass(frozen=True, slots=True)
class Played:
    """What came out. `left`: tasks that never ran to their end, and why."""

    world: World
    truth: Truth
    runs: Runs
    costs: Costs
    left: dict[int, str]


def play(world: World, policy: Policy, truth: Truth, stopwatch: Stopwatch) -> Played:
    """The whole workload. Raises BrokenRule when the policy asks for what cannot be."""
    stage = _Stage(world, policy, truth, stopwatch)
    while math.isfinite(moment := stage.next_moment()) and not stage.is_in_vain(moment):
        stage.reach(moment)
    left = {task: policy.why(task) for task in sorted(stage.floor.waiting)}
    return Played(world, truth, stage.floor.runs, stage.costs, left)


class _Stage:
    """Where a play has got to."""

    def __init__(self, world: World, policy: Policy, truth: Truth, stopwatch: Stopwatch) -> None:
        self.floor, self.costs = Floor(world, truth), Costs()
        self._vain, self._moved_at = 0, 0.0
        self._tasks, self._policy, self._stopwatch = world.tasks, policy, stopwatch
        self._arrived = 0
        self._now, self._rounds = -math.inf, 0
        self._wake: float | None = None

    def next_moment(self) -> float:
        """When something happens next; endless when nothing will."""
        at = self._tasks[self._arrived].at if self._arrived < len(self._tasks) else math.inf
        wake = math.inf if self._wake is None else self._wake
        return min(at, self.floor.next_end(), wake)

    def is_in_vain(self, moment: float) -> bool:
        """Nothing has moved for so long that nothing will."""
        if self._arrived < len(self._tasks):
            return False
        return self._vain > _MOST_VAIN_WAKES or moment > self._moved_at + _MOST_VAIN_SECONDS

    def reach(self, now: float) -> None:
        """Everything of this instant: what ended, what arrived, what is decided."""
        self._rounds = self._rounds + 1 if now == self._now else 0
        self._now = now
        if self._rounds > _MOST_ROUNDS:
            raise BrokenRule(f"the policy goes round in circles at {now:g} s.")
        ended = self.floor.end_until(now)
        arrived = self._arrivals(now)
        decisions = self._ask(ended, arrived, now)
        for wish in decisions:
            if isinstance(wish, Start):
                self.floor.start(wish, now)
                self.costs.starts += 1
            else:
                self.floor.stop(wish, now)
                self.costs.stops += 1
        self._wake = self._next_wake(now)
        self._vain += 1
        if ended or arrived or decisions or not self.floor.is_still:
            self._vain, self._moved_at = 0, now

    def _arrivals(self, now: float) -> range:
        first = self._arrived
        while self._arrived < len(self._tasks) and self._tasks[self._arrived].at <= now:
            self._arrived += 1
        arrived = range(first, self._arrived)
        self.floor.waiting.update(arrived)
        return arrived

    def _ask(
        self, ended: list[tuple[int, tuple[int, ...], bool]], arrived: range, now: float
    ) -> list[Start | Stop]:
        wall, cpu = self._stopwatch.wall(), self._stopwatch.cpu()
        for task, devices, ok in ended:
            self._policy.end(task, devices, now, ok)
        if arrived:
            self._policy.arrive(arrived, now)
        decisions = list(self._policy.decide(now))
        self.costs.cpu_seconds += self._stopwatch.cpu() - cpu
        self.costs.wall.append(self._stopwatch.wall() - wall)
        return decisions

    def _next_wake(self, now: float) -> float | None:
        wake = self._policy.wake(now)
        if wake is not None and not wake > now:
            raise BrokenRule(f"the policy wants to be woken at {wake:g} s, and it is {now:g} s.")
        return wake
