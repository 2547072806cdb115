"""Farms whose jobs have a deadline: films of a few shots, with the edges between their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from coordinator.core.asks import FarmEstimates, ask_of, kind_of, lane_of
from coordinator.core.risk import Due, Outlook, Risk, outlook
from coordinator.core.snapshot import Device, Snapshot, UnderWay, Waiting
from reelyard.rules.parse import parse
from tests.support.core_values import FORESIGHT, SMALL, farm, film, shot, waiting

NOW = 100.0


@dataclass(frozen=True)
class Film:
    """A job's tasks, and which need which."""

    tasks: tuple[Waiting, ...]
    needs: dict[str, tuple[str, ...]]

    @property
    def id(self) -> str:
        return self.tasks[0].job_id


def a_film(job: str, shots: int = 3, frames: int = 33, model: str = SMALL, **more: Any) -> Film:
    """Shots that need nothing, and the film that needs all of them."""
    made = [
        waiting(
            shot(model, frames),
            f"{job}.s{n + 1:02d}.video1",
            scene=n,
            label=f"Scene {n + 1} · picture",
            **more,
        )
        for n in range(shots)
    ]
    last = waiting(film(), f"{job}.film", scene=None, label="Film", **more)
    return Film((*made, last), {last.id: tuple(task.id for task in made)})


def seconds(task: Waiting, device: Device, rules: str = "") -> tuple[float, float]:
    """Of its run there, and of a load before it, as predicted."""
    estimates = FarmEstimates(FORESIGHT, parse(rules))
    ask = ask_of(task, estimates.rules)
    estimates.examples[ask] = task
    price = estimates.price(ask, kind_of(device, lane_of(task.kind), estimates.rules))
    return price.seconds, price.load_seconds


def snapshot(
    films: Sequence[Film],
    devices: Sequence[Device],
    rules: str = "",
    under_way: Sequence[UnderWay] = (),
    now: float = NOW,
) -> Snapshot:
    going = {run.task_id for run in under_way}
    waits = [task for one in films for task in one.tasks if task.id not in going]
    found = farm(*waits, *devices, now=now)
    return replace(found, rules=parse(rules), under_way=tuple(under_way))


def look(
    films: Sequence[Film],
    devices: Sequence[Device],
    due: dict[str, float],
    rules: str = "",
    under_way: Sequence[UnderWay] = (),
    **most: int,
) -> Outlook:
    """What will become of these deadlines, in seconds from now."""
    needs = {id: before for one in films for id, before in one.needs.items()}
    dues = [Due(job, job, "anna", NOW + at) for job, at in due.items()]
    return outlook(snapshot(films, devices, rules, under_way), needs, dues, FORESIGHT, **most)


def risk(*args: Any, **more: Any) -> Risk:
    """The only one."""
    (found,) = look(*args, **more).risks
    return found
