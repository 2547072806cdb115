"""Can this farm ever do what is asked, and what is known of it before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.core.filters import LASTING, refusal
from coordinator.core.fleet import fleet_of
from coordinator.core.foresight import Foresight, foresight_of
from coordinator.core.reasons import alike, impossible_sentence
from coordinator.core.snapshot import Demand, Device, Snapshot, Waiting
from coordinator.core.split import NewTask
from reelyard.predict.prices import Prices
from reelyard.predict.quote import quote
from reelyard.predict.views import Quote
from reelyard.storyboard import Storyboard


@dataclass(frozen=True, slots=True)
class Answer:
    """`possible` is None while no worker has joined: then it is not known."""

    possible: bool | None
    because: str
    needs_gib: float | None
    tasks: int


def admit(tasks: Sequence[NewTask], farm: Snapshot) -> Answer:
    """The answer to a submission, with numbers."""
    asked = [as_waiting(task) for task in tasks]
    foresight, unlike = foresight_of(farm), _unlike(farm)
    needs = _largest_need(asked, unlike, foresight)
    if not farm.devices:
        return Answer(None, "no worker has joined the farm yet; it will wait", needs, len(asked))
    for task in _unlike_tasks(asked):
        if all(refusal(task, d, foresight, LASTING) for d in unlike):
            said = impossible_sentence(task, farm.devices, foresight)
            return Answer(False, f"{task.label}: {said}", needs, len(asked))
    devices = len(farm.devices)
    fits = f"every task fits one of {devices} devices" if devices > 1 else "every task fits"
    return Answer(True, fits, needs, len(asked))


def quoted(
    storyboard: Storyboard, answer: Answer, farm: Snapshot, prices: Prices, at: datetime
) -> Quote:
    """The quote that goes with the answer: on the devices that take work now, or with those that
    are away where it cannot be made without them. What the farm refuses no quote promises."""
    found = quote(storyboard, farm.catalog, fleet_of(farm), farm.lessons, prices, at=at)
    if found.is_possible is not True and answer.possible:
        everything = fleet_of(farm, away_too=True)
        found = quote(storyboard, farm.catalog, everything, farm.lessons, prices, at=at)
    if answer.possible is False:
        nothing = {"done_in_seconds": None, "done_in_range": None, "money": None, "rent": None}
        verdict = {"is_possible": False, "because": answer.because}
        return found.model_copy(update={**verdict, **nothing})
    return found


def as_waiting(task: NewTask) -> Waiting:
    """The task as the filters see it."""
    return Waiting(
        id=task.id,
        job_id="",
        kind=task.kind,
        scene=task.scene,
        label=task.label,
        model=task.model,
        shape=task.shape,
        work=task.work,
        priority=0,
        queued_at=0.0,
        continues=task.continues,
    )


def _unlike_tasks(tasks: Sequence[Waiting]) -> list[Waiting]:
    """The first of each kind, in film order."""
    first: dict[Demand, Waiting] = {}
    for task in tasks:
        first.setdefault(task.demand, task)
    return list(first.values())


def _unlike(farm: Snapshot) -> list[Device]:
    """One device of each kind: alike ones answer alike."""
    return list({alike(device): device for device in farm.devices}.values())


def _largest_need(
    tasks: Sequence[Waiting], devices: Sequence[Device], foresight: Foresight
) -> float | None:
    """Of the shots, on the device that can make each with the least memory."""
    needs = [
        min(foresight.least_gib(task, device) for device in devices)
        for task in _unlike_tasks(tasks)
        if task.video is not None and devices
    ]
    return round(max(needs), 2) if needs else None
