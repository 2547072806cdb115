"""When a waiting task may start: a range, from what runs, what comes first and what all of it is
predicted to take. A forecast for people; the scheduler does not use it.
"""

from __future__ import annotations

from math import inf

from coordinator.core.asks import FarmEstimates, FarmHouse, ask_of, kind_of, lane_of
from coordinator.core.reasons import own_reason
from coordinator.core.snapshot import Device, Snapshot, Waiting
from coordinator.core.thrift import Cheaper, Thrift
from reelyard.states import WorkerState

_MARGIN = 1.5
"""Of the later end: predictions are off by a third now and then, and others may come first."""


def starts_in(
    task: Waiting, farm: Snapshot, estimates: FarmEstimates, house: FarmHouse
) -> tuple[float, float] | None:
    """Seconds from now, the soonest and the latest; None where that is not known: no device takes
    it, or it waits for something that has no time."""
    if own_reason(task, farm.now) and not _only_waits_for_a_time(task):
        return None
    seconds = {device.key: _seconds(task, device, estimates) for device in farm.devices}
    able = [device for device in farm.devices if seconds[device.key] < inf]
    if not able:
        return None
    later = max(0.0, task.not_before - farm.now, (task.start_after or 0.0) - farm.now)
    if cheaper := cheaper_hour(task, farm, estimates):
        later = max(later, cheaper.at - farm.now)
    lane, rules = lane_of(task.kind), estimates.rules
    free = _free_in(farm, lane)
    opens = {d.key: house.opens_in(kind_of(d, lane, rules), farm.now) for d in able}
    first = [max(free.get(d.key, 0.0), opens[d.key], later) for d in able]
    queue = sum(_ahead(task, farm, able, estimates)) / len(able)
    soonest, latest = min(first), sum(first) / len(first) + queue
    return round(soonest, 1), round(max(soonest, latest * _MARGIN), 1)


def cheaper_hour(task: Waiting, farm: Snapshot, estimates: FarmEstimates) -> Cheaper | None:
    """The hour that the task waits for, as power costs less then; None when it does not."""

    def seconds(one: Waiting) -> float:
        return min((_seconds(one, device, estimates) for device in farm.devices), default=inf)

    thrift = Thrift(estimates.rules.tariff, seconds)
    if task.deadline is not None:
        thrift.take_in((), {one.id: one for one in farm.waiting if one.job_id == task.job_id})
    return thrift.cheaper(task, farm.now)


def _only_waits_for_a_time(task: Waiting) -> bool:
    return task.held_because is None and not task.paused and not task.open_needs


def _seconds(task: Waiting, device: Device, estimates: FarmEstimates) -> float:
    if device.state is not WorkerState.ONLINE:
        return inf
    ask = ask_of(task, estimates.rules)
    estimates.examples.setdefault(ask, task)
    return estimates.price(ask, kind_of(device, lane_of(task.kind), estimates.rules)).seconds


def _free_in(farm: Snapshot, lane: str) -> dict[tuple[str, str], float]:
    """Seconds until the lane of each busy device is free, as predicted."""
    return {
        (run.worker_id, run.device_id): max(0.0, (run.ends_at or farm.now) - farm.now)
        for run in farm.under_way
        if run.lane == lane
    }


def _ahead(
    task: Waiting, farm: Snapshot, able: list[Device], estimates: FarmEstimates
) -> list[float]:
    """Seconds of each task that comes first and could run on the same devices."""
    known: dict[object, float] = {}
    found = []
    for other in farm.waiting:
        if other.order < task.order and not own_reason(other, farm.now):
            ask = ask_of(other, estimates.rules)
            if ask not in known:
                known[ask] = min(_seconds(other, device, estimates) for device in able)
            found.append(known[ask])
    return [seconds for seconds in found if seconds < inf]
