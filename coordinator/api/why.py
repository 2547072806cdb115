"""Why a task waits: the scheduler's own filters, asked again for every device. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.core.filters import FILTERS, LASTING, refusal
from coordinator.core.foresight import Foresight, foresight_of
from coordinator.core.reasons import numbers, own_reason
from coordinator.core.snapshot import Device, Snapshot, Waiting
from coordinator.store.database import Database
from coordinator.store.farm import read_snapshot
from reelyard.catalog import Catalog
from reelyard.resources import TaskView, WhyDevice, WhyView


def why(database: Database, catalog: Catalog, now: float, task: TaskView) -> WhyView:
    """Every device's answer to the task. A task that does not wait has its reason in `because`."""
    return why_each(database, catalog, now, [task])[0]


def why_each(
    database: Database, catalog: Catalog, now: float, tasks: Sequence[TaskView]
) -> list[WhyView]:
    """The same for several, from one look at the farm."""
    with database.read() as connection:
        farm = read_snapshot(connection, now, catalog)
    waiting, foresight = {item.id: item for item in farm.waiting}, foresight_of(farm)
    return [_explained(task, waiting.get(task.id), farm, foresight) for task in tasks]


def _explained(
    task: TaskView, waiting: Waiting | None, farm: Snapshot, foresight: Foresight
) -> WhyView:
    if waiting is None:
        return WhyView(task_id=task.id, state=task.state, because=task.because, can_ever_run=True)
    return WhyView(
        task_id=task.id,
        state=task.state,
        because=task.because or "the scheduler has not looked at it yet",
        can_ever_run=can_ever_run(waiting, farm, foresight),
        queue_position=position(waiting, farm),
        devices=[_answer(waiting, device, foresight) for device in farm.devices],
    )


def can_ever_run(task: Waiting, farm: Snapshot, foresight: Foresight | None = None) -> bool:
    """False when every device that is known refuses it for a lasting reason."""
    known = foresight or foresight_of(farm)
    verdicts = [refusal(task, device, known, LASTING) for device in farm.devices]
    return not verdicts or None in verdicts


def position(task: Waiting, farm: Snapshot) -> int | None:
    """Its place, from 1, among the tasks that only wait for a device; None when it is not one."""
    if own_reason(task, farm.now):
        return None
    before = (t for t in farm.waiting if t.order < task.order and not own_reason(t, farm.now))
    return 1 + sum(1 for _ in before)


def _answer(task: Waiting, device: Device, foresight: Foresight) -> WhyDevice:
    refused = refusal(task, device, foresight, FILTERS)
    return WhyDevice(
        worker_id=device.worker_id,
        device_id=device.id,
        name=device.name,
        can=refused is None,
        because=refused or _yes(task, device, foresight),
    )


def _yes(task: Waiting, device: Device, foresight: Foresight) -> str:
    found = foresight.fit(task, device)
    said = ", ".join(numbers(task, device, found)) if found else ""
    how = f"can run it ({said})" if said else "can run it"
    return f"{how}, but is busy with {device.busy}" if device.busy else how
