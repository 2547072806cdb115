"""Everything that ran, in columns: what results, schedules and pictures are made of. Only appended
to while a play runs.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum


class Outcome(IntEnum):
    """How a run ended."""

    DONE = 0
    FAILED = 1
    STOPPED = 2


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds of the play; `load_seconds` come first; `loads`: devices that loaded."""

    task: int
    type: int
    devices: tuple[int, ...]
    start: float
    load_seconds: float
    end: float
    loads: int
    outcome: Outcome


@dataclass(slots=True)
class Runs:
    """Columns, in the order in which runs ended. `first`: where a run's devices begin in
    `devices`; it has one entry more than there are runs."""

    task: array[int] = field(default_factory=lambda: array("q"))
    type: array[int] = field(default_factory=lambda: array("i"))
    start: array[float] = field(default_factory=lambda: array("d"))
    load_seconds: array[float] = field(default_factory=lambda: array("d"))
    end: array[float] = field(default_factory=lambda: array("d"))
    loads: array[int] = field(default_factory=lambda: array("i"))
    outcome: array[int] = field(default_factory=lambda: array("b"))
    devices: array[int] = field(default_factory=lambda: array("i"))
    first: array[int] = field(default_factory=lambda: array("q", [0]))

    def add(self, run: Run) -> None:
        """Note a run that is over."""
        self.task.append(run.task)
        self.type.append(run.type)
        self.start.append(run.start)
        self.load_seconds.append(run.load_seconds)
        self.end.append(run.end)
        self.loads.append(run.loads)
        self.outcome.append(run.outcome)
        self.devices.extend(run.devices)
        self.first.append(len(self.devices))

    def __len__(self) -> int:
        return len(self.task)

    def __iter__(self) -> Iterator[Run]:
        for n in range(len(self)):
            yield Run(
                self.task[n],
                self.type[n],
                tuple(self.devices[self.first[n] : self.first[n + 1]]),
                self.start[n],
                self.load_seconds[n],
                self.end[n],
                self.loads[n],
                Outcome(self.outcome[n]),
            )
