"""All lanes of a node: which lane an order is for, and which attempts were seen before. It passes
on; it decides nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from reelyard.failure import Failure
from reelyard.messages import Preload, RunTask, Unload
from worker.lane import Lane
from worker.teller import Ahead

log = logging.getLogger(__name__)


class Supervisor:
    """All lanes of a node: `lanes` are the main ones by device, `sides` those beside them. An
    attempt is taken once, however often its message comes."""

    def __init__(self, lanes: Callable[[], list[Lane]], ahead: Ahead | None = None) -> None:
        made = lanes()
        self.lanes = {lane.bench.device_id: lane for lane in made if lane.bench.lane == "main"}
        self.sides = {lane.bench.device_id: lane for lane in made if lane.bench.lane == "side"}
        self._ahead = ahead
        self._seen: set[str] = set()
        self._must_yield: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def take(self, order: RunTask) -> bool:
        """False for an attempt that was seen before. Raises KeyError for an unknown device."""
        lane = self.lanes[order.device_id]
        if order.lane == "side":
            lane = self.sides.get(order.device_id, lane)
        with self._one_at_a_time:
            if order.attempt_id in self._seen:
                return False
            self._seen.add(order.attempt_id)
            if order.attempt_id in self._must_yield:
                self._must_yield.remove(order.attempt_id)
                lane.turn_away(order)
            else:
                lane.take(order)
        return True

    def cancel(self, attempt_id: str, grace_seconds: float, reason: Failure) -> bool:
        """False when no lane has it: then it will not be taken either, should the cancel have
        overtaken the task on its way."""
        with self._one_at_a_time:
            self._seen.add(attempt_id)
            return any(lane.cancel(attempt_id, grace_seconds, reason) for lane in self.all())

    def preempt(self, attempt_id: str, grace_seconds: float) -> bool:
        """False when no lane has it: one that was never here is turned away when it comes, should
        the order have overtaken it on its way."""
        with self._one_at_a_time:
            if attempt_id not in self._seen:
                self._must_yield.add(attempt_id)
            return any(lane.preempt(attempt_id, grace_seconds) for lane in self.all())

    def preload(self, order: Preload) -> None:
        """Into a device that has nothing to do. Refused in words otherwise."""
        lane = self.lanes.get(order.device_id)
        if lane is None:
            log.warning("there is no device %s to load %s on", order.device_id, order.model)
        elif not lane.preload(order):
            log.info("%s is busy: %s is not loaded ahead", order.device_id, order.model)

    def unload(self, order: Unload) -> None:
        """Out of a device that does not need it now. Refused in words otherwise."""
        for lane in self.all():
            if lane.bench.device_id == order.device_id and not lane.unload(order):
                log.info("%s does not drop %s now", lane.bench.name, order.model)

    def fetch(self, model: str) -> None:
        """Have its weights read."""
        if self._ahead is not None:
            self._ahead.fetch(model)

    def attempts(self) -> tuple[str, ...]:
        """Everything that is here."""
        return tuple(name for lane in self.all() for name in lane.attempts())

    def all(self) -> Iterator[Lane]:
        """Main and side."""
        yield from self.lanes.values()
        yield from self.sides.values()

    def stop(self, reason: Failure, grace_seconds: float) -> None:
        """All lanes at once."""
        enders = [
            threading.Thread(target=lane.stop, args=(reason, grace_seconds)) for lane in self.all()
        ]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
