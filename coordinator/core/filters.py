"""May this device take this task? Each filter answers None or a sentence with numbers.

`lasting` filters speak of what does not pass by itself (kind, model, memory); the others of the
moment (drained, offline). What a task needs is asked of the foresight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coordinator.core.foresight import Foresight
from coordinator.core.snapshot import Device, Waiting
from reelyard.predict.ask import unmeasured
from reelyard.states import TaskKind, WorkerState

Filter = Callable[[Waiting, Device, Foresight], str | None]


def is_reachable(task: Waiting, device: Device, foresight: Foresight) -> str | None:
    """Online, and taking work."""
    if device.state is WorkerState.ONLINE:
        return None
    return f"its worker is {device.state.value}"


def is_its_kind(task: Waiting, device: Device, foresight: Foresight) -> str | None:
    """Voices and films are made on the CPU, where they do not push a model out of a GPU."""
    if task.kind is TaskKind.VIDEO or device.kind == "cpu":
        return None
    return f"a {task.kind.value} task runs on a CPU"


def is_in_the_catalog(task: Waiting, device: Device, foresight: Foresight) -> str | None:
    """A farm's own catalog file may have changed since the job came in."""
    catalog = foresight.catalog
    known = {TaskKind.VIDEO: catalog.models, TaskKind.VOICE: catalog.voices}.get(task.kind)
    if known is None or task.model in known:
        return None
    return f"the farm's catalog has no {task.model} any more"


def is_measured(task: Waiting, device: Device, foresight: Foresight) -> str | None:
    """What a model needs is known: nothing is placed on a guess."""
    if task.kind is not TaskKind.VIDEO:
        return None
    missing = unmeasured(foresight.catalog.models[task.model], foresight.catalog)
    return f"nobody knows what {missing} needs: see `reelyard models add`" if missing else None


def has_the_model(task: Waiting, device: Device, foresight: Foresight) -> str | None:
    """The weights can be had there."""
    if task.kind is TaskKind.VIDEO and task.model not in device.models:
        return f"its node does not have the model {task.model}"
    if task.kind is TaskKind.VOICE and task.model not in device.voices:
        return f"its node does not have the voice {task.model}"
    return None


def has_the_memory(task: Waiting, device: Device, foresight: Foresight) -> str | None:
    """Some plan fits what other programs leave, and the node's RAM."""
    if foresight.fit(task, device) is not None:
        return None
    others = f", other programs hold {device.foreign_gib:.1f}" if device.foreign_gib > 0.1 else ""
    return foresight.shortfall(task, device) + others


LASTING: Sequence[Filter] = (
    is_its_kind,
    is_in_the_catalog,
    is_measured,
    has_the_model,
    has_the_memory,
)
FILTERS: Sequence[Filter] = (is_reachable, *LASTING)


def refusal(
    task: Waiting, device: Device, foresight: Foresight, filters: Sequence[Filter] = FILTERS
) -> str | None:
    """The first filter's sentence, or None when the device may take the task."""
    return next((said for f in filters if (said := f(task, device, foresight))), None)
