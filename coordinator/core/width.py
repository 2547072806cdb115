"""By which factor a play's times may be off: the ranges of the predictions that it rests on. Pure.

Errors of one kind of run go the same way, so many runs do not even them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log

from coordinator.core.foresight import Foresight
from coordinator.core.snapshot import Demand, Device, Waiting
from reelyard.predict.forecast import MEASURED_RANGE
from reelyard.task import VideoWork

_SMALL_WORK = 1.5
"""Lines and films: usual seconds, whatever their length."""
_UNKNOWN_TYPE = 3.0


@dataclass(slots=True)
class Widths:
    """Of the runs that were noted, each counting by its seconds."""

    foresight: Foresight
    known: dict[tuple[Demand, str], float] = field(default_factory=dict)
    _seconds: float = 0.0
    _logs: float = 0.0

    def note(self, task: Waiting, device: Device, seconds: float) -> None:
        """One more run."""
        key = (task.demand, device.catalog_type)
        if key not in self.known:
            self.known[key] = log(self._of(task, device))
        self._seconds += seconds
        self._logs += seconds * self.known[key]

    def all(self) -> float:
        """The factor, 1 or more: what is predicted may take so many times as long, or as short."""
        if self._seconds <= 0:
            return MEASURED_RANGE
        return round(exp(self._logs / self._seconds), 6)  # the same whatever the order of the sum

    def _of(self, task: Waiting, device: Device) -> float:
        if not isinstance(task.work, VideoWork):
            return _SMALL_WORK
        fit = self.foresight.fit(task, device)
        options = self.foresight.options(task, task.work, device)
        for way in options.ways:
            if fit is not None and way.plan == fit.plan and way.seconds and way.high:
                return max(1.0, way.high / way.seconds)
        return _UNKNOWN_TYPE
