"""The farm at one moment as the fleet that a quote counts on. Pure.

What waits already comes before: its seconds are spread over the devices that are soonest done with
it. What runs now is not: nobody reports how long it still takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from coordinator.core.foresight import Foresight, device_type, foresight_of, host_of, is_one_pool
from coordinator.core.snapshot import Demand, Device, Snapshot, Waiting
from reelyard.predict.fleet import Fleet, Group, Stand
from reelyard.states import WorkerState


def fleet_of(farm: Snapshot, away_too: bool = False) -> Fleet:
    """The devices that take work now; `away_too`: and those that are drained or offline."""
    devices = [d for d in farm.devices if away_too or d.state is WorkerState.ONLINE]
    if not devices:
        return Fleet(())
    groups = {device.key: group_of(device, farm) for device in devices}
    before = ahead(farm, devices, groups, foresight_of(farm))
    stands = Counter(
        Stand(group, 1, device.resident, before.get(group, 0.0))
        for device in devices
        for group in [groups[device.key]]
    )
    found = tuple(Stand(s.group, n, s.resident, s.busy_seconds) for s, n in stands.items())
    return Fleet(found, tuple(_notes(farm, devices, before)))


def group_of(device: Device, farm: Snapshot) -> Group:
    """What it answers like."""
    kind = device_type(device, farm.catalog)
    return Group(
        name=kind.id if kind else device.name,
        type=kind.id if kind else "",
        room_gib=round(device.room_gib, 3),
        host=host_of(device),
        one_pool=is_one_pool(device),
        models=device.models,
        speaks=device.kind == "cpu",
        device=kind,
    )


def ahead(
    farm: Snapshot,
    devices: Sequence[Device],
    groups: Mapping[tuple[str, str], Group],
    foresight: Foresight,
) -> dict[Group, float]:
    """Seconds per device that waiting pictures take before a new film's: each kind of them goes
    where that kind is soonest done."""
    one_of = {group: device for device in devices for group in [groups[device.key]]}
    counts, loads = Counter(groups.values()), dict.fromkeys(one_of, 0.0)
    for task, number in _kinds(farm):
        shares = {
            group: number * seconds / counts[group]
            for group, device in one_of.items()
            if (seconds := _seconds(task, device, foresight)) is not None
        }
        if shares:
            soonest = min(shares, key=lambda group: loads[group] + shares[group])
            loads[soonest] += shares[soonest]
    return {group: round(seconds, 1) for group, seconds in loads.items() if seconds}


def _kinds(farm: Snapshot) -> list[tuple[Waiting, int]]:
    """One waiting picture of every kind, and how many there are."""
    found: dict[Demand, tuple[Waiting, int]] = {}
    for task in farm.waiting:
        if task.video is not None and not task.paused:
            first, number = found.get(task.demand, (task, 0))
            found[task.demand] = (first, number + 1)
    return list(found.values())


def _seconds(task: Waiting, device: Device, foresight: Foresight) -> float | None:
    if task.model not in device.models or task.model not in foresight.catalog.models:
        return None
    found = foresight.fit(task, device)
    return found.seconds if found else None


def _notes(
    farm: Snapshot, devices: Sequence[Device], before: Mapping[Group, float]
) -> Sequence[str]:
    notes = []
    if before:
        waiting = sum(number for _, number in _kinds(farm))
        pictures = "1 picture that waits" if waiting == 1 else f"{waiting} pictures that wait"
        notes.append(f"{pictures} already come first")
    if busy := sum(1 for device in devices if device.busy):
        many = "1 device is" if busy == 1 else f"{busy} devices are"
        notes.append(f"{many} busy now: what is left of that is not counted")
    if away := sum(1 for device in devices if device.state is not WorkerState.ONLINE):
        notes.append(f"counted as if they were back: {away} devices that are away")
    return notes
