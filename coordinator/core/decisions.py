"""What the scheduler wants, and why."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.core.snapshot import Device, Waiting
from reelyard.plan import Plan


@dataclass(frozen=True, slots=True)
class Assign:
    """Try this task on that device, in this way."""

    task: Waiting
    device: Device
    plan: Plan
    predicted_gib: float
    because: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now. `for_ever`: nobody on this farm can ever run it as it is."""

    task: Waiting
    because: str
    for_ever: bool = False


Decision = Assign | Hold
