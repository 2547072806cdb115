"""Which batch work waits for a cheaper hour, and for which: by the house rules' tariff. Pure.

Work waits while a strictly cheaper hour begins within the farm's patience, counted from when its
job was queued: so nothing waits longer than that. With a deadline it waits only where all that is
left of its job, one task after another, still fits after the cheaper hour has begun. Nothing that
runs is stopped for a price.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from coordinator.core.snapshot import Waiting
from reelyard.rules.tariff import Tariff
from reelyard.stamps import stamp_near
from reelyard.states import Band

SAFETY = 1.5
"""So many times the predicted seconds have to fit before a deadline."""
SPARE_SECONDS = 600.0
"""And so many more: with less than that left over, work is critical (`Terms.critical_seconds`)."""
LOOK_AGAIN_SECONDS = 300.0
"""Whether a deadline still allows the wait is asked this often: devices go, predictions change."""
_HOUR = 3600.0
_FURTHEST_SECONDS = 8 * 86_400.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Cheaper:
    """An hour that is worth waiting for: it begins `at`, when a kWh costs `then` instead of what it
    costs `now`."""

    at: float
    now: float
    then: float
    currency: str

    def sentence(self, now: float) -> str:
        """`power costs 0.32 EUR/kWh now and 0.18 from 22:00 UTC; it is batch work and ...`"""
        costs = f"power costs {self.now:.10g} {self.currency}/kWh now"
        then = f"{self.then:.10g} from {stamp_near(self.at, now)}"
        return f"{costs} and {then}; it is batch work and can wait until then"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a kWh costs from when work was queued until patience is over. `better`: for each step
    the first later one that is cheaper; 0 for none."""

    ats: tuple[float, ...]
    prices: tuple[float, ...]
    better: tuple[int, ...]
    ends: float

    @classmethod
    def of(cls, tariff: Tariff, since: float) -> Outlook:
        """For what was queued then."""
        ends = since + tariff.patience_hours * _HOUR
        steps = tariff.steps(since, ends + 1.0)  # what begins in the last moment counts
        prices = tuple(price for _, price in steps)
        better = tuple(_first_below(prices, place) for place in range(len(prices)))
        return cls(tuple(at for at, _ in steps), prices, better, ends)

    def cheaper(self, now: float, currency: str) -> Cheaper | None:
        """The hour to wait for; None when it is cheap enough now, or patience is over."""
        place = max(0, bisect_right(self.ats, now) - 1)
        later = self.better[place]
        if not later or now > self.ends:
            return None
        return Cheaper(self.ats[later], self.prices[place], self.prices[later], currency)

    def last_wait(self, now: float) -> float | None:
        """When the last wait that is over was over; None where there was none."""
        passed = bisect_right(self.ats, now)
        waits = (place for place in range(passed - 2, -1, -1) if self.better[place])
        place = next(waits, None)
        return None if place is None else self.ats[place + 1]


@dataclass(slots=True)
class Thrift:
    """`seconds`: what a task takes on the fastest device that the farm has now, endless where it
    has none for it."""

    tariff: Tariff | None
    seconds: Callable[[Waiting], float]
    _left: dict[str, dict[str, Waiting]] = field(default_factory=lambda: defaultdict(dict))
    """By job, of work with a deadline: what has not been started."""
    _job_of: dict[str, str] = field(default_factory=dict)
    _known: dict[float, Outlook] = field(default_factory=dict)
    _summed: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By job the seconds of all that is left, and when they were added up."""
    _turns_at: float = -inf

    def take_in(self, gone: Iterable[str], waits: Mapping[str, Waiting]) -> None:
        """Of these tasks some wait now, or are blocked; the others do not any more."""
        if not self._counts():
            return
        for task_id in gone:
            job = self._job_of.pop(task_id, None)
            if job is not None:
                self._left[job].pop(task_id, None)
                if not self._left[job]:
                    del self._left[job]
                    self._summed.pop(job, None)
        for task in waits.values():
            if task.deadline is not None:
                self._left[task.job_id][task.id] = task
                self._job_of[task.id] = task.job_id

    def cheaper(self, task: Waiting, now: float) -> Cheaper | None:
        """The hour that the task should wait for; None when it should not wait."""
        if self.tariff is None or not self._may_wait(task):
            return None
        found = self._outlook(self.tariff, task).cheaper(now, self.tariff.currency)
        if found is None or task.deadline is None:
            return found
        needs = SAFETY * self.seconds_left(task, now) + SPARE_SECONDS
        return found if found.at + needs <= task.deadline else None

    def look_again(self, task: Waiting, found: Cheaper, now: float) -> float:
        """When to ask again for a task that waits."""
        return found.at if task.deadline is None else min(found.at, now + LOOK_AGAIN_SECONDS)

    def since(self, task: Waiting, now: float) -> float:
        """From when on it has waited for a device: to wait for a price makes no work urgent."""
        if self.tariff is None or not self._may_wait(task):
            return task.queued_at
        waited = self._outlook(self.tariff, task).last_wait(now)
        return task.queued_at if waited is None else waited

    def has_turned(self, now: float) -> bool:
        """Whether the price may be another since this was last asked: what waits for a device may
        have to wait for a price again."""
        if self.tariff is None or not self._is_on() or now < self._turns_at:
            return False
        steps = self.tariff.steps(now, now + _FURTHEST_SECONDS)
        self._turns_at = steps[1][0] if len(steps) > 1 else now + _FURTHEST_SECONDS
        return True

    def seconds_left(self, task: Waiting, now: float) -> float:
        """Of its job, one task after another: shots may have to follow each other. Added up now and
        then, as it only grows less."""
        at, seconds = self._summed.get(task.job_id, (-inf, 0.0))
        if now - at >= LOOK_AGAIN_SECONDS:
            left = self._left.get(task.job_id) or {task.id: task}
            seconds = sum(self.seconds(one) for one in left.values())
            self._summed[task.job_id] = (now, seconds)
        return seconds

    def _counts(self) -> bool:
        """Whether anybody asks what is left of a job."""
        is_capped = self.tariff is not None and self.tariff.slack_power_cap is not None
        return is_capped or self._is_on()

    def _is_on(self) -> bool:
        return self.tariff is not None and self.tariff.patience_hours > 0

    def _may_wait(self, task: Waiting) -> bool:
        return self._is_on() and task.band is Band.BATCH

    def _outlook(self, tariff: Tariff, task: Waiting) -> Outlook:
        since = max(task.queued_at, task.start_after or 0.0)
        found = self._known.get(since)
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[since] = Outlook.of(tariff, since)
        return found


def _first_below(prices: Sequence[float], place: int) -> int:
    later = range(place + 1, len(prices))
    return next((other for other in later if prices[other] < prices[place]), 0)
