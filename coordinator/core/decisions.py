"""What the scheduler wants, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    seconds: float = 0.0
    """Until it is done, with what it is queued behind and the load, as predicted."""
    lane: Literal["main", "side"] = "main"
    members: tuple[tuple[str, str], ...] = ()
    """Worker and device of a gang's others."""

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


@dataclass(frozen=True, slots=True)
class Preempt:
    """Let this try end at its next step, with a checkpoint where that can be: another needs the
    device more."""

    attempt_id: str
    worker_id: str
    because: str


@dataclass(frozen=True, slots=True)
class Preload:
    """Have this model in the memory of a device that has nothing to do, in this way."""

    device: Device
    model: str
    fit: Fit
    because: str


@dataclass(frozen=True, slots=True)
class Unload:
    """Have this model out of the device's memory: what starts there needs the room."""

    device: Device
    model: str
    because: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Have this model's weights in the node's RAM: a device there will load them soon."""

    device: Device
    model: str
    because: str


Decision = Assign | Hold | Preempt | Preload | Unload | Fetch
