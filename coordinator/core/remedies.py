"""What could be changed about a farm so that a job ends sooner: other snapshots of it. Pure, and
nothing is changed: whoever asks plays them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from coordinator.core.able import Able
from coordinator.core.snapshot import Device, Waiting
from coordinator.core.unfolded import Course
from reelyard.states import WorkerState


@dataclass(frozen=True, slots=True)
class Wants:
    """Devices that would help a job: one of the smallest type that can run what is late."""

    device: Device

    @property
    def type(self) -> str:
        """As the catalog calls it, else by its name."""
        return self.device.catalog_type or self.device.name

    def sentence(self, count: int) -> str:
        """`one more 24 GiB card (rtx-4090)`"""
        many = {1: "one", 2: "two"}.get(count, str(count))
        noun = "processor" if self.device.kind == "cpu" else "card"
        nouns = noun if count == 1 else f"{noun}s"
        return f"{many} more {self.device.memory_gib:.0f} GiB {nouns} ({self.type})"


def jumped(course: Course, job_id: str) -> Course:
    """The job is in front of its band, as `reelyard jump` puts it."""
    mine = course.of_job(job_id)
    all_tasks = (*course.farm.waiting, *(run.task for run in course.farm.under_way))
    band = mine[0].band if mine else None
    others = [t.rank for t in all_tasks if t.band is band and t.job_id != job_id]
    rank = min([*others, 0.0]) - 1.0
    return _each(course, job_id, lambda task: replace(task, rank=rank))


def let_go(course: Course, job_id: str) -> Course:
    """Nobody holds it, and it is not paused."""
    return _each(course, job_id, lambda task: replace(task, held_because=None, paused=False))


def with_more(course: Course, device: Device, count: int) -> Course:
    """So many devices more, empty, in the same room, with the same hours."""
    more = (
        replace(device, worker_id=f"{device.worker_id}+{n}", resident=frozenset(), busy="")
        for n in range(1, count + 1)
    )
    farm = replace(course.farm, devices=(*course.farm.devices, *more))
    return replace(course, farm=farm)


def alone(course: Course, job_id: str) -> Course:
    """Nothing else is to be done, and nothing else runs."""
    farm = course.farm
    going = tuple(run for run in farm.under_way if run.task.job_id == job_id)
    return replace(course, farm=replace(farm, waiting=course.waiting_of(job_id), under_way=going))


def smallest_that_can(tasks: Iterable[Waiting], able: Able) -> Wants | None:
    """One of the smallest of the farm's devices that can run all of these, a card where one can;
    None where none can. Those that are away count: it is the type that is asked for."""
    kinds = [able.of(task) for task in {task.demand: task for task in tasks}.values()]
    common = set(kinds[0]).intersection(*kinds[1:]) if kinds else set()
    found = [device for kind in common for device in kinds[0][kind]]
    least = min(found, key=lambda d: (d.kind == "cpu", d.memory_gib, d.key), default=None)
    if least is None:
        return None
    return Wants(replace(least, foreign_gib=0.0, state=WorkerState.ONLINE))


def _each(course: Course, job_id: str, change: Callable[[Waiting], Waiting]) -> Course:
    farm = course.farm
    waiting = tuple(change(t) if t.job_id == job_id else t for t in farm.waiting)
    going = tuple(
        replace(run, task=change(run.task)) if run.task.job_id == job_id else run
        for run in farm.under_way
    )
    return replace(course, farm=replace(farm, waiting=waiting, under_way=going))
