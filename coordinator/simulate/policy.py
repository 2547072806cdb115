"""The contract between the engine and whoever decides: what a policy is told and may answer.

Times are simulated seconds from the beginning of the play; `World.starts` is the unix second of
that beginning, which opening hours are asked with. Values only; nothing here decides or runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class OpeningHours(Protocol):
    """When a device may start work. Unix seconds; `reelyard.rules.hours.Hours` is one."""

    def is_open(self, at: float) -> bool:
        """May work start at this moment?"""
        ...

    def closes(self, at: float) -> float:
        """The end of the opening that `at` is in; endless when it never closes."""
        ...

    def opens(self, at: float) -> float:
        """The next moment at or after `at` when it is open; endless when there is none."""
        ...


class Task(NamedTuple):
    """One unit of work. A tuple, for a play may hold a million of them. `index`: its place in
    `World.tasks`, in order of arrival; `at`: when it may first run; `shape`: a row of the prices;
    `priority`: 0 to 100; `deadline`: simulated seconds; `gang`: devices that it needs at once, the
    same for all of a shape."""

    index: int  # type: ignore[assignment]  # a place, not tuple's method, which nobody needs here
    id: str
    at: float
    owner: str
    kind: str
    model: str
    shape: int
    priority: int
    deadline: float | None
    gang: int
    band: str
    job: str
    can_checkpoint: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """A device. `type`: a column of the prices; `link`: what joins it to others: nvlink, pcie (on
    its node), ethernet (with other nodes too); `hours`: None means always open."""

    index: int
    type: int
    node: str
    memory_gib: float
    read_gb_s: float | None = None
    link: str = "pcie"
    pools: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    hours: OpeningHours | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What work is predicted to take, rows by shape, columns by type. `seconds`
    with the model in memory, of all of a gang's devices together; `load_seconds` before it where
    the model is not; both endless where it cannot run. `gib` per device; `model` by shape, empty
    for none."""

    seconds: Floats
    load_seconds: Floats
    gib: Floats
    model: tuple[str, ...]
    steps: tuple[int, ...]
    """By shape: the steps after each of which a run can be stopped; 0 where any moment will do."""


@dataclass(frozen=True, slots=True)
class World:
    """All that a policy may know before the play. `types`: names of the prices' columns;
    `weights`: of owners that have one, others weigh 1; `rules`: further tables of the fleet's file,
    as written."""

    tasks: Sequence[Task]
    machines: tuple[Machine, ...]
    types: tuple[str, ...]
    prices: Prices
    weights: Mapping[str, float] = field(default_factory=dict)
    starts: float = 0.0
    rules: Mapping[str, Any] = field(default_factory=dict)

    def weight(self, owner: str) -> float:
        """The owner's part against others'."""
        return self.weights.get(owner, 1.0)


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a task now, on so many devices as its gang wants. `load_seconds` as predicted, 0 when
    the model is in memory; the engine charges what is true."""

    task: int
    devices: tuple[int, ...]
    load_seconds: float = 0.0
    because: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """End a run after the step that it is in. A task that can checkpoint keeps the work done, any
    other loses it. Its devices come back with `Policy.end(..., ok=False)`."""

    task: int
    because: str = ""


class Policy(Protocol):
    """Whoever decides. The engine tells all that happened at one instant, then asks once."""

    def arrive(self, tasks: Sequence[int], now: float) -> None:
        """These tasks wait from now on."""
        ...

    def end(self, task: int, devices: tuple[int, ...], now: float, ok: bool) -> None:
        """The devices are idle again, with the task's model in memory. Not `ok`: it failed or was
        stopped, and the task waits again."""
        ...

    def decide(self, now: float) -> Sequence[Start | Stop]:
        """What to do at this instant, in this order."""
        ...

    def wake(self, now: float) -> float | None:
        """When to be asked again though nothing happens; None: not before something does."""
        ...

    def why(self, task: int) -> str:
        """What a task that never ran was waiting for."""
        ...
