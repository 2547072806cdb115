"""What a lane and its engine process say to each other over their pipe. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reelyard.failure import Failure
from reelyard.messages import Lane, Measured
from reelyard.settings import Settings
from reelyard.task import Checkpoint, Result


@dataclass(frozen=True, slots=True)
class Bench:
    """What an engine process is given at birth. `steps` names the package of step modules;
    `memory_gib` is how much it may hold between attempts."""

    device_id: str
    memory_gib: float
    folder: Path
    settings: Settings
    steps: str = "worker.steps"
    lane: Lane = "main"

    @property
    def name(self) -> str:
        """`cuda:0`, `cuda:0 side`."""
        return self.device_id if self.lane == "main" else f"{self.device_id} {self.lane}"


@dataclass(frozen=True, slots=True)
class Stop:
    """The attempt is not wanted any more."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Leave the attempt after its present step; somebody more urgent waits."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the engine says of an attempt, or of itself: `ready`, `loading` (the model is the
    phase), `holds` (it has loaded or dropped one)."""

    what: Literal[
        "ready", "loading", "holds", "begun", "progress", "finished", "failed", "preempted"
    ]
    attempt_id: str = ""
    phase: str = ""
    step: int = 0
    steps: int = 0
    result: Result | None = None
    failure: Failure | None = None
    checkpoint: Checkpoint | None = None
    measured: Measured = field(default_factory=Measured)
    resident: dict[str, float] = field(default_factory=dict)
