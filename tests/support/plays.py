"""Small worlds for the simulator, and policies that do as they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coordinator.simulate.engine import Played, play
from coordinator.simulate.policy import Machine, Policy, Prices, Start, Stop, Task, World
from coordinator.simulate.truth import Truth

INF = float("inf")


class Frozen:
    """A stopwatch that stands still."""

    def wall(self) -> float:
        return 0.0

    def cpu(self) -> float:
        return 0.0


def a_task(index: int, at: float = 0.0, **given: Any) -> Task:
    """A task of shape 0 and model m."""
    asked: dict[str, Any] = {
        "id": str(index + 1),
        "owner": "anna",
        "kind": "video",
        "model": "m",
        "shape": 0,
        "priority": 50,
        "deadline": None,
        "gang": 1,
        "band": "normal",
        "job": "",
        "can_checkpoint": False,
    }
    return Task(index=index, at=at, **{**asked, **given})


def a_world(
    tasks: Sequence[Task],
    machines: Sequence[Machine] | int = 1,
    seconds: Sequence[Sequence[float]] = ((10.0,),),
    load: Sequence[Sequence[float]] = ((5.0,),),
    gib: Sequence[Sequence[float]] | None = None,
    steps: Sequence[int] | None = None,
    weights: Mapping[str, float] | None = None,
) -> World:
    """`machines`: so many of type 0, each on a node of its own."""
    if isinstance(machines, int):
        machines = [Machine(n, 0, f"n{n}", 24.0) for n in range(machines)]
    by_shape = {task.shape: task.model for task in tasks}
    prices = Prices(
        np.array(seconds, dtype=float),
        np.array(load, dtype=float),
        np.array(gib if gib is not None else [[1.0] * len(row) for row in seconds], dtype=float),
        tuple(by_shape.get(shape, "m") for shape in range(len(seconds))),
        tuple(steps or [0] * len(seconds)),
    )
    names = tuple(f"type-{n}" for n in range(len(seconds[0])))
    return World(tasks, tuple(machines), names, prices, weights or {})


def played(world: World, policy: Policy, truth: Truth | None = None) -> Played:
    """The play."""
    return play(world, policy, truth or Truth(len(world.tasks)), Frozen())


def runs_of(found: Played) -> list[tuple[int, tuple[int, ...], float, float]]:
    """(task, devices, start, end) in the order of their ends."""
    return [(run.task, run.devices, run.start, run.end) for run in found.runs]


class Scripted:
    """Says at each moment what the script has for it; notes what it was told."""

    def __init__(self, script: Mapping[float, Sequence[Start | Stop]]) -> None:
        self._script = dict(script)
        self.told: list[tuple[Any, ...]] = []

    def arrive(self, tasks: Sequence[int], now: float) -> None:
        self.told.append(("arrive", list(tasks), now))

    def end(self, task: int, devices: tuple[int, ...], now: float, ok: bool) -> None:
        self.told.append(("end", task, devices, now, ok))

    def decide(self, now: float) -> Sequence[Start | Stop]:
        self.told.append(("decide", now))
        return self._script.pop(now, ())

    def wake(self, now: float) -> float | None:
        return min((moment for moment in self._script if moment > now), default=None)

    def why(self, task: int) -> str:
        return "nobody said so"
