"""What the command does: reads fleet and workload, plays them, writes what was asked for.

Plays every policy on every fleet that was named; schedules and pictures are of the last play.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coordinator.simulate.account import account
from coordinator.simulate.differences import differences
from coordinator.simulate.engine import Played, play
from coordinator.simulate.fleet import MOST_DEVICES, Fleet, read_fleet, with_more
from coordinator.simulate.policies import policy_named
from coordinator.simulate.policy import World
from coordinator.simulate.result import Result, Simulated
from coordinator.simulate.schedule import write_schedule
from coordinator.simulate.shapes import price_all
from coordinator.simulate.truth import Truth
from coordinator.simulate.workload import Workload, read_workload
from reelyard.catalog import Catalog
from reelyard.clock import Stopwatch
from reelyard.errors import InvalidInput, Problem


@dataclass(frozen=True, slots=True)
class Asked:
    """One command line. `noise`: coefficient of variation; `failures`: probability of each run."""

    fleet: Path
    workload: Path
    policies: tuple[str, ...] = ("reelyard",)
    add: tuple[str, ...] = ()
    noise: float = 0.0
    failures: float = 0.0
    seed: int = 0
    schedule: Path | None = None
    plot: Path | None = None


def simulate(asked: Asked, catalog: Catalog, stopwatch: Stopwatch) -> Simulated:
    """Every play that was asked for. Raises InvalidInput with every problem of the input."""
    problems = list(_wrong(asked))
    fleets, workload = _read(asked, catalog, problems)
    results: list[Result] = []
    with _nothing_is_garbage():
        for label, fleet in fleets:
            world = _world(fleet, workload, catalog)
            for name in asked.policies:
                truth = Truth(len(world.tasks), asked.noise, asked.failures, asked.seed)
                played = play(world, policy_named(name)(world), truth, stopwatch)
                results.append(account(played, name, label))
    _write(asked, played)
    return Simulated(results=results, differences=differences(results[0], results[-1]))


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """What was read stays to the end: looking through it again and again would be charged to the
    policy that happens to be asked just then."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _read(
    asked: Asked, catalog: Catalog, problems: list[Problem]
) -> tuple[list[tuple[str, Fleet]], Workload]:
    fleet = workload = None
    try:
        fleet = read_fleet(asked.fleet, catalog)
    except InvalidInput as wrong:
        problems.extend(wrong.problems)
    try:
        workload = read_workload(asked.workload, catalog)
    except InvalidInput as wrong:
        problems.extend(wrong.problems)
    fleets = [(asked.fleet.name, fleet)] if fleet else []
    if fleet and asked.add and not problems:
        more = fleet
        for text in asked.add:
            name, count = _addition(text)
            more = with_more(more, name, count, catalog)
        fleets.append((f"{asked.fleet.name} + {', '.join(asked.add)}", more))
    if problems or workload is None:
        raise InvalidInput(problems)
    return fleets, workload


def _world(fleet: Fleet, workload: Workload, catalog: Catalog) -> World:
    return World(
        workload.tasks,
        fleet.machines,
        tuple(kind.name for kind in fleet.kinds),
        price_all(workload.shapes, fleet.kinds, catalog),
        fleet.weights,
        fleet.starts,
        fleet.rules,
    )


def _write(asked: Asked, played: Played) -> None:
    if asked.schedule is not None:
        write_schedule(played, asked.schedule)
    if asked.plot is not None:
        from coordinator.simulate.picture import draw

        draw(played, asked.plot)


def _addition(text: str) -> tuple[str, int]:
    """`rtx-4090=2`. Raises InvalidInput."""
    name, _, count = text.rpartition("=")
    if name and count.isascii() and count.isdigit() and 1 <= int(count) <= MOST_DEVICES:
        return name, int(count)
    limit = f"TYPE=N, N from 1 to {MOST_DEVICES}"
    remedy = "Write it like --add rtx-4090=2."
    raise InvalidInput([Problem("--add", "cannot be read", text[:80], limit, remedy)])


def _wrong(asked: Asked) -> Iterator[Problem]:
    """What is wrong with the words of the command line, before anything is read."""
    for name in asked.policies:
        try:
            policy_named(name)
        except InvalidInput as wrong:
            yield from wrong.problems
    for text in asked.add:
        try:
            _addition(text)
        except InvalidInput as wrong:
            yield from wrong.problems
    if asked.plot is not None and asked.plot.suffix.lower() not in (".svg", ".png"):
        said = "is no kind of picture that can be drawn"
        remedy = "Name a file that ends so."
        yield Problem("--plot", said, asked.plot.name, ".svg or .png", remedy)
    for option, file in (("--schedule", asked.schedule), ("--plot", asked.plot)):
        if file is not None and not file.absolute().parent.is_dir():
            yield Problem(option, "names a folder that is not there", str(file), remedy="Make it.")
