"""May this device take this task? Each filter answers None or a sentence with numbers.

`lasting` filters speak of what does not pass by itself (kind, model, memory); the others of the
moment (drained, offline). Which plan fits is decided here too, because memory depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.core.recover import OUT_OF_MEMORY_MARGIN
from coordinator.core.snapshot import Device, Waiting
from reelyard.catalog import Catalog
from reelyard.plan import Plan
from reelyard.predict.memory import peak_gib, plans
from reelyard.states import TaskKind, WorkerState
from reelyard.task import VideoWork

COMPOSE_GIB = 0.8
_ROUNDING_GIB = 0.001


@dataclass(frozen=True, slots=True)
class Fit:
    """How a task would run on a device, and the most memory it would take."""

    plan: Plan
    gib: float


Filter = Callable[[Waiting, Device, Catalog], str | None]


def is_reachable(task: Waiting, device: Device, catalog: Catalog) -> str | None:
    """Online, and taking work."""
    if device.state is WorkerState.ONLINE:
        return None
    return f"its worker is {device.state.value}"


def is_its_kind(task: Waiting, device: Device, catalog: Catalog) -> str | None:
    """Voices and films are made on the CPU, where they do not push a model out of a GPU."""
    if task.kind is TaskKind.VIDEO or device.kind == "cpu":
        return None
    return f"a {task.kind.value} task runs on a CPU"


def is_in_the_catalog(task: Waiting, device: Device, catalog: Catalog) -> str | None:
    """A farm's own catalog file may have changed since the job came in."""
    known = {TaskKind.VIDEO: catalog.models, TaskKind.VOICE: catalog.voices}.get(task.kind)
    if known is None or task.model in known:
        return None
    return f"the farm's catalog has no {task.model} any more"


def has_the_model(task: Waiting, device: Device, catalog: Catalog) -> str | None:
    """The weights can be had there."""
    if task.kind is TaskKind.VIDEO and task.model not in device.models:
        return f"its node does not have the model {task.model}"
    if task.kind is TaskKind.VOICE and task.model not in device.voices:
        return f"its node does not have the voice {task.model}"
    return None


def has_the_memory(task: Waiting, device: Device, catalog: Catalog) -> str | None:
    """Some plan fits what other programs leave."""
    if fit(task, device, catalog) is not None:
        return None
    free = device.memory_gib - device.foreign_gib
    others = f", other programs hold {device.foreign_gib:.1f}" if device.foreign_gib > 0.1 else ""
    return f"needs {least_gib(task, device.kind, catalog):.1f} GiB, has {free:.1f}{others}"


LASTING: Sequence[Filter] = (is_its_kind, is_in_the_catalog, has_the_model, has_the_memory)
FILTERS: Sequence[Filter] = (is_reachable, *LASTING)


def refusal(
    task: Waiting, device: Device, catalog: Catalog, filters: Sequence[Filter] = FILTERS
) -> str | None:
    """The first filter's sentence, or None when the device may take the task."""
    return next((said for f in filters if (said := f(task, device, catalog))), None)


def fit(task: Waiting, device: Device, catalog: Catalog) -> Fit | None:
    """The fastest plan whose peak fits the device; None when none does."""
    free = device.memory_gib - device.foreign_gib
    ways = demands(task, device.kind, catalog)
    return next((way for way in ways if needed_gib(way, task) <= free), None)


def demands(task: Waiting, kind: str, catalog: Catalog) -> list[Fit]:
    """Every way to run the task on such a device, fastest first. A shot whose length the narration
    will decide counts as the shortest: it needs at least that."""
    work = task.work
    if not isinstance(work, VideoWork):
        return [Fit(Plan(), _small_gib(task, catalog))]
    model = catalog.models[work.model]
    frames = work.frames or model.frames_for(1)
    return [
        Fit(plan, peak_gib(model, work.width, work.height, frames, plan, kind))
        for plan in plans(model, kind)
    ]


def least_gib(task: Waiting, kind: str, catalog: Catalog) -> float:
    """What the leanest plan needs, as far as earlier tries have shown."""
    return min(needed_gib(way, task) for way in demands(task, kind, catalog))


def needed_gib(way: Fit, task: Waiting) -> float:
    """The prediction, and more of it for each try that ran out with a plan as lean as this one: so
    the next try gets more room, and where there is none, a leaner plan."""
    ran_out = sum(1 for gib in task.short_of if gib <= way.gib + _ROUNDING_GIB)
    return way.gib * OUT_OF_MEMORY_MARGIN**ran_out


def _small_gib(task: Waiting, catalog: Catalog) -> float:
    if task.kind is TaskKind.VOICE:
        return catalog.voices[task.model].memory_gib
    return COMPOSE_GIB
