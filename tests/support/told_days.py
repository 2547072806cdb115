"""Invented days for a yard: devices, tasks and what they take, drawn from a seed. Plays nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.terms import Terms, Urgency
from tests.support.told_yard import LIMITS, MODELS, Day, Estimates, Kind, Place, Told

MINIMUM_RUN_SECONDS = 60.0
_PLAIN_SPEED = 1.0
"""Of the twins: whatever wants a model can run there."""


def a_day(
    seed: int,
    told_every: float = 0.0,
    mixed: random.Random | None = None,
    terms: Mapping[str, Any] | None = None,
) -> Day:
    """Every second one has doors, every third gangs, every fourth queues short work ahead, every
    fifth deadlines; every seventh starts but a few tasks at a time."""
    dice = random.Random(seed)
    places = some_places(dice, with_doors=seed % 2 == 1)
    tasks = some_tasks(dice, places)
    tasks = with_gangs(tasks) if seed % 3 == 2 else tasks
    tasks = with_deadlines(tasks, dice) if seed % 5 == 1 else tasks
    estimates = some_estimates(dice, places)
    if mixed is not None:
        mixed.shuffle(places)
        places.sort(key=lambda place: place.kind.lane)  # who of two lanes is asked first is a rule
    own: dict[str, Any] = {
        "ahead_seconds": 10.0 if seed % 4 == 3 else 0.0,
        "minimum_run_seconds": MINIMUM_RUN_SECONDS,
        "most_per_tick": 3 if seed % 7 == 0 else 100,
    }
    return Day(places, tasks, estimates, Terms(**{**own, **(terms or {})}), told_every, mixed)


def some_places(dice: random.Random, with_doors: bool = False) -> list[Place]:
    """Two that are joined, and one to six on two nodes, some with a side lane in their memory."""
    gate = dice.choice(["", "500"]) if with_doors else ""
    found = [Place(f"twin{n}", Kind(_PLAIN_SPEED, door=gate), "n1", "nvlink") for n in range(2)]
    for n in range(dice.randint(1, 6)):
        door = dice.choice(["", "", "500"]) if with_doors else ""
        speed, node = dice.choice([1.0, 1.0, 2.0, 5.0]), dice.choice(["n1", "n2"])
        storage = dice.choice(["", "nas"])
        speed *= (1.03 if storage else 1.0) * (1.05 if door else 1.0)
        has_side = dice.random() < 0.4
        pool = f"p{n}" if has_side else ""
        found.append(Place(f"d{n}", Kind(speed, "main", storage, door), node, "", pool))
        if has_side:
            found.append(Place(f"d{n}s", Kind(speed, "side", "", door), node, "", pool))
    return found


def with_gangs(tasks: list[Told]) -> list[Told]:
    """The same, the big ones for two devices at once and without limits."""
    return [
        replace(task, line=replace(task.line, gang=2, limits=()))
        if task.line.shape == "big"
        else task
        for task in tasks
    ]


def some_tasks(dice: random.Random, places: list[Place], many: int = 30) -> list[Told]:
    """Of all shapes and owners, at moments that are all different."""
    shapes = [s for s in MODELS if MODELS[s] or any(p.kind.lane == "side" for p in places)]
    found = []
    for n in range(many):
        shape = dice.choice(shapes)
        key = LineKey(
            shape=shape,
            owner=dice.choice(["anna", "ben", "cleo"]),
            band=dice.choice([Urgency.NORMAL, Urgency.NORMAL, Urgency.INTERACTIVE, Urgency.BATCH]),
            priority=dice.choice([50, 50, 90]),
            can_checkpoint=dice.random() < 0.5,
            limits=tuple(sorted(name for name in LIMITS if dice.random() < 0.25)),
        )
        at = dice.choice([0.0, 0.0, 300.0]) + dice.random() * dice.choice([0.1, 200.0])
        found.append(Told(f"t{n:02}", key, at))
    return found


def with_deadlines(tasks: list[Told], dice: random.Random) -> list[Told]:
    """The same, every third or so with a deadline."""
    return [
        replace(task, line=replace(task.line, deadline=task.at + dice.choice([90.0, 400.0, 900.0])))
        if dice.random() < 0.3
        else task
        for task in tasks
    ]


def some_estimates(dice: random.Random, places: list[Place]) -> Estimates:
    """Seconds that are never alike; every fourth shape cannot be on some speed."""
    seconds = {shape: dice.choice([5, 40, 150]) * (1 + dice.random()) for shape in MODELS}
    speeds = sorted({place.kind.speed for place in places} - {_PLAIN_SPEED})
    barred = {(s, speed) for s in MODELS if MODELS[s] for speed in speeds if dice.random() < 0.25}
    return Estimates(seconds, barred=barred)
