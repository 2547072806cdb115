"""Why a task waits: the scheduler's own filters, asked again for every device. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from coordinator.core.asks import FarmEstimates, FarmHouse, kind_of, lane_of
from coordinator.core.eta import cheaper_hour, starts_in
from coordinator.core.filters import FILTERS, LASTING, refusal
from coordinator.core.foresight import foresight_of
from coordinator.core.reasons import numbers, own_reason
from coordinator.core.snapshot import Device, Snapshot, Waiting
from coordinator.store.database import Database
from coordinator.store.farm import read_snapshot
from reelyard.catalog import Catalog
from reelyard.resources import TaskView, WhyDevice, WhyView
from reelyard.stamps import stamp_near


def why(database: Database, catalog: Catalog, now: float, task: TaskView) -> WhyView:
    """Every device's answer to the task. A task that does not wait has its reason in `because`."""
    return why_each(database, catalog, now, [task])[0]


def why_each(
    database: Database, catalog: Catalog, now: float, tasks: Sequence[TaskView]
) -> list[WhyView]:
    """The same for several, from one look at the farm."""
    with database.read() as connection:
        farm = read_snapshot(connection, now, catalog)
    waiting = {item.id: item for item in farm.waiting}
    estimates, house = FarmEstimates(foresight_of(farm), farm.rules), FarmHouse(farm.rules)
    return [_explained(task, waiting.get(task.id), farm, estimates, house) for task in tasks]


def _explained(
    task: TaskView,
    waiting: Waiting | None,
    farm: Snapshot,
    estimates: FarmEstimates,
    house: FarmHouse,
) -> WhyView:
    if waiting is None:
        return WhyView(task_id=task.id, state=task.state, because=task.because, can_ever_run=True)
    is_next = cheaper_hour(waiting, farm, estimates) is None
    return WhyView(
        task_id=task.id,
        state=task.state,
        because=task.because or "the scheduler has not looked at it yet",
        can_ever_run=can_ever_run(waiting, farm, estimates),
        queue_position=position(waiting, farm) if is_next else None,
        starts_in_seconds=starts_in(waiting, farm, estimates, house),
        devices=[_answer(waiting, device, farm, estimates, house) for device in farm.devices],
    )


def can_ever_run(task: Waiting, farm: Snapshot, estimates: FarmEstimates | None = None) -> bool:
    """False when every device that is known refuses it for a lasting reason."""
    known = estimates or FarmEstimates(foresight_of(farm), farm.rules)
    verdicts = [_lasting(task, device, known) for device in farm.devices]
    return not verdicts or None in verdicts


def _lasting(task: Waiting, device: Device, estimates: FarmEstimates) -> str | None:
    kind = kind_of(device, lane_of(task.kind), estimates.rules)
    said = refusal(task, device, estimates.foresight, LASTING)
    return said or estimates.house_refusal(task, kind)


def position(task: Waiting, farm: Snapshot) -> int | None:
    """Its place, from 1, among the tasks that only wait for a device; None when it is not one."""
    if own_reason(task, farm.now):
        return None
    before = (t for t in farm.waiting if t.order < task.order and not own_reason(t, farm.now))
    return 1 + sum(1 for _ in before)


def _answer(
    task: Waiting, device: Device, farm: Snapshot, estimates: FarmEstimates, house: FarmHouse
) -> WhyDevice:
    refused = refusal(task, device, estimates.foresight, FILTERS)
    refused = refused or _lasting(task, device, estimates) or _closed(task, device, farm, house)
    return WhyDevice(
        worker_id=device.worker_id,
        device_id=device.id,
        name=device.name,
        can=refused is None,
        because=refused or _yes(task, device, estimates),
    )


def _closed(task: Waiting, device: Device, farm: Snapshot, house: FarmHouse) -> str | None:
    """Why it takes nothing at this hour."""
    opens = house.opens_in(kind_of(device, lane_of(task.kind), house.rules), farm.now)
    if opens <= 0:
        return None
    return (
        f"is closed until {stamp_near(farm.now + opens, farm.now)}"
        if opens < inf
        else "is never open"
    )


def _yes(task: Waiting, device: Device, estimates: FarmEstimates) -> str:
    kind = kind_of(device, lane_of(task.kind), estimates.rules)
    found = estimates.foresight.fit(task, device, estimates.power_cap(kind))
    said = ", ".join(numbers(task, device, found)) if found else ""
    how = f"can run it ({said})" if said else "can run it"
    return f"{how}, but is busy with {device.busy}" if device.busy else how
