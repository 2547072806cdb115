"""When jobs would be done by volume: how much comes before them, over what the whole farm does in a
second. For farms with more work than can be played. Pure.

Knows nothing of models to load, of hours, of whose turn it is beyond the order of the queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from coordinator.core.able import Able
from coordinator.core.asks import Ask, ask_of, lane_of
from coordinator.core.forward import Played
from coordinator.core.snapshot import Device, Waiting
from coordinator.core.unfolded import Course
from reelyard.states import WorkerState


@dataclass(slots=True)
class _Rates:
    """What one task of an ask takes: of the whole farm's time, and by itself on the fastest."""

    able: Able
    known: dict[Ask, tuple[float, float]] = field(default_factory=dict)

    def of(self, task: Waiting) -> tuple[float, float]:
        """Seconds of the farm, seconds of the task; endless where nothing runs it."""
        estimates = self.able.estimates
        ask = ask_of(task, estimates.rules)
        if ask not in self.known:
            estimates.examples.setdefault(ask, task)
            counts = {kind: _online(found) for kind, found in self.able.of(task).items()}
            prices = {k: estimates.price(ask, k).seconds for k, count in counts.items() if count}
            rate = sum(counts[kind] / seconds for kind, seconds in prices.items())
            self.known[ask] = (1 / rate if rate else inf, min(prices.values(), default=inf))
        return self.known[ask]


def _online(devices: list[Device]) -> int:
    return sum(device.state is WorkerState.ONLINE for device in devices)


def ends_by_volume(
    course: Course, played: Played, jobs: frozenset[str], able: Able
) -> Mapping[str, float]:
    """Of these jobs, seconds since 1970: what is left when the play was cut, in the order of the
    queue, then the longest task that is left of it. Jobs that nothing can run are left out."""
    rates, before = _Rates(able), defaultdict[str, float](float)
    reached, longest = dict[str, float](), defaultdict[str, float](float)
    left = (task for task in course.farm.waiting if task.id not in played.ends)
    for task in sorted(left, key=lambda task: task.order):
        if task.held_because is not None or task.paused:
            continue
        farm_seconds, own_seconds = rates.of(task)
        lane = lane_of(task.kind)
        before[lane] += farm_seconds if farm_seconds < inf else 0.0
        if task.job_id in jobs:
            reached[task.job_id] = max(reached.get(task.job_id, 0.0), before[lane])
            longest[task.job_id] = max(longest[task.job_id], own_seconds)
    ends = {job: played.at + after + longest[job] for job, after in reached.items()}
    return {job: end for job, end in ends.items() if end < inf}
