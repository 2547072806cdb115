"""What the scheduler wants, and why."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.core.foresight import Fit
from coordinator.core.snapshot import Device, Waiting
from reelyard.plan import Plan


@dataclass(frozen=True, slots=True)
class Assign:
    """Try this task on that device, in this way."""

    task: Waiting
    device: Device
    fit: Fit
    because: str

    @property
    def plan(self) -> Plan:
        """How it is run."""
        return self.fit.plan

    @property
    def predicted_gib(self) -> float:
        """What it should never exceed."""
        return round(self.fit.gib, 3)


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now. `for_ever`: nobody on this farm can ever run it as it is."""

    task: Waiting
    because: str
    for_ever: bool = False


Decision = Assign | Hold
