"""What the yard wants to happen: values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from coordinator.core.yard.lines import LineKey


class Step(StrEnum):
    """Of the rule: by which of them a task was chosen."""

    STAY = "stay"
    SWAP = "swap"
    HURRY = "hurry"
    STARVED = "starved"
    OFF_PLAN = "off plan"
    BATCH = "batch"
    LARGE = "large"
    AHEAD = "ahead"
    BACKFILL = "backfill"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Start:
    """Start the task on these devices, all at once."""

    task: str
    line: LineKey
    seats: tuple[Hashable, ...]
    seconds: float
    load_seconds: float
    step: Step
    begins_in: float = 0.0
    """Seconds until what it is queued behind has ended, as predicted; 0: it begins now."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Let the task's run end at its next step boundary: another needs the device more."""

    task: str
    because: str


Decision = Start | Stop
