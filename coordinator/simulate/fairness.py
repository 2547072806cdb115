"""Who got what, and who had to wait too long for their part.

At every moment the devices that work are shared out in thought among the owners that have waiting
or running work, by weight. An owner's *fair part* is the integral of that over the time since its
backlog began, which is since it last had no waiting task; its *lag* is that less the device-seconds
that it really got in the same time, loading included. The worst lag is the largest that it reached
while it had waiting work. What only some devices can run counts against all of them: such an owner
may lag though nobody did anything wrong.

Jain's index of an hour is (sum x)^2 / (n sum x^2) over the owners that were entitled to a device
minute or more in it, x being what they got over what they were entitled to while they had waiting
work: 1 is even, 1/n is all to one (Jain, Chiu, Hawe 1984).

Everything is exact: all quantities are linear between two events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coordinator.simulate.engine import Played
from coordinator.simulate.policy import Floats, Ints
from coordinator.simulate.result import Fairness, OwnerShare
from coordinator.simulate.runs import Outcome
from coordinator.simulate.spans import Spans, spans_of, union

_HOUR = 3600.0
_OWED = 60.0


@dataclass(frozen=True, slots=True)
class _Curve:
    """A quantity that is linear between its points."""

    at: Floats
    value: Floats

    def __call__(self, at: Floats) -> Floats:
        return np.interp(at, self.at, self.value)


@dataclass(frozen=True, slots=True)
class _Owner:
    """One owner's backlogs [n, 2], and what it got and was owed up to each hour's end."""

    entitled: float
    received: float
    worst_lag: float
    by_hour: Floats


def fairness(played: Played) -> Fairness:
    """Of all owners, those with most device-seconds first."""
    names = list(dict.fromkeys(task.owner for task in played.world.tasks))
    weights = np.array([played.world.weight(name) for name in names], dtype=np.float64)
    running, waiting = spans_of(played, names)
    virtual = _virtual(running, waiting, weights)
    hours = np.arange(virtual.at[0], virtual.at[-1] + _HOUR, _HOUR)
    owners = [
        _owner(number, float(weights[number]), running, waiting, virtual, hours)
        for number in range(len(names))
    ]
    shares = _shares(played, names, weights, running, owners)
    jain = _jain(np.array([one.by_hour for one in owners]))
    known = [value for value in jain if value is not None]
    worst = max(range(len(names)), key=lambda n: owners[n].worst_lag)
    return Fairness(
        owners=sorted(shares, key=lambda share: -share.device_seconds),
        worst_lag_device_seconds=round(owners[worst].worst_lag, 3),
        worst_lag_owner=names[worst],
        jain_mean=round(float(np.mean(known)), 4) if known else None,
        jain_worst=min(known, default=None),
        jain_by_hour=jain,
    )


def lateness(played: Played) -> dict[str, float]:
    """By owner: how many seconds after it was owed something the owner got as much, at worst, while
    it had waiting work. It is to lag what a delay is to a length of queue: lag grows with the
    devices that an owner is entitled to, lateness does not."""
    names = list(dict.fromkeys(task.owner for task in played.world.tasks))
    weights = np.array([played.world.weight(name) for name in names], dtype=np.float64)
    running, waiting = spans_of(played, names)
    virtual = _virtual(running, waiting, weights)
    return {name: _latest(n, running, waiting, virtual, weights) for n, name in enumerate(names)}


def _latest(number: int, running: Spans, waiting: Spans, virtual: _Curve, weights: Floats) -> float:
    mine = waiting.owner == number
    begin, end = union(waiting.begin[mine], waiting.end[mine])
    got, worst = _got(running, running.owner == number), 0.0
    for first, last in zip(begin.tolist(), end.tolist(), strict=True):
        low, high = np.searchsorted(virtual.at, [first, last])
        at = virtual.at[low : high + 1]
        owed = weights[number] * (virtual.value[low : high + 1] - virtual.value[low])
        received = got(at) - got(at[:1])
        due = np.interp(received, owed, at)
        worst = max(worst, float(np.where(received < owed, at - due, 0.0).max()))
    return worst


def _virtual(running: Spans, waiting: Spans, weights: Floats) -> _Curve:
    """Device-seconds handed out per unit of the weight that was there to take them, up to each
    event."""
    begin = np.concatenate([running.begin, waiting.begin])
    end = np.concatenate([running.end, waiting.end])
    owner = np.concatenate([running.owner, waiting.owner])
    at = np.unique(np.concatenate([begin, end]))
    devices = np.zeros(len(at))
    np.add.at(devices, np.searchsorted(at, running.begin), running.devices)
    np.add.at(devices, np.searchsorted(at, running.end), -running.devices)
    weight = np.zeros(len(at))
    for number, (first, last) in _unions(begin, end, owner, len(weights)):
        np.add.at(weight, np.searchsorted(at, first), weights[number])
        np.add.at(weight, np.searchsorted(at, last), -weights[number])
    busy, shared = np.cumsum(devices)[:-1], np.cumsum(weight)[:-1]
    rate = np.divide(busy, shared, out=np.zeros_like(busy), where=shared > 1e-9)
    return _Curve(at, np.concatenate([[0.0], np.cumsum(rate * np.diff(at))]))


def _unions(
    begin: Floats, end: Floats, owner: Ints, owners: int
) -> list[tuple[int, tuple[Floats, Floats]]]:
    """The times covered by each owner's intervals: where the number of open ones leaves 0 and where
    it returns to it. Intervals that touch are one."""
    found = []
    order = np.argsort(owner, kind="stable")
    edges = np.searchsorted(owner[order], np.arange(owners + 1))
    for number in range(owners):
        own = order[edges[number] : edges[number + 1]]
        found.append((number, union(begin[own], end[own])))
    return found


def _owner(
    number: int, weight: float, running: Spans, waiting: Spans, virtual: _Curve, hours: Floats
) -> _Owner:
    mine = waiting.owner == number
    begin, end = union(waiting.begin[mine], waiting.end[mine])
    got = _got(running, running.owner == number)
    worst = 0.0
    for first, last in zip(begin.tolist(), end.tolist(), strict=True):
        low, high = np.searchsorted(virtual.at, [first, last])
        at = virtual.at[low : high + 1]
        owed = weight * (virtual.value[low : high + 1] - virtual.value[low])
        worst = max(worst, float((owed - (got(at) - got(at[:1]))).max()))
    owed_at = _within(virtual, begin, end, hours) * weight
    got_at = _within(got, begin, end, hours)
    by_hour = np.stack([np.diff(owed_at), np.diff(got_at)])
    return _Owner(float(owed_at[-1]), float(got_at[-1]), worst, by_hour)


def _got(running: Spans, mine: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> _Curve:
    """Device-seconds that the owner has had up to each start and end of its runs."""
    at = np.concatenate([running.begin[mine], running.end[mine]])
    change = np.concatenate([running.devices[mine], -running.devices[mine]])
    order = np.argsort(at, kind="stable")
    at, busy = at[order], np.cumsum(change[order])
    if not len(at):
        return _Curve(np.zeros(1), np.zeros(1))
    return _Curve(at, np.concatenate([[0.0], np.cumsum(busy[:-1] * np.diff(at))]))


def _within(curve: _Curve, begin: Floats, end: Floats, at: Floats) -> Floats:
    """How much the curve rose inside the intervals, up to each of these moments."""
    if not len(begin):
        return np.zeros(len(at))
    at_begin = curve(begin)
    before = np.concatenate([[0.0], np.cumsum(curve(end) - at_begin)])
    place = np.searchsorted(begin, at, side="right") - 1
    inside = curve(np.minimum(at, end[place])) - at_begin[place]
    return np.where(place < 0, 0.0, before[np.maximum(place, 0)] + inside)


def _jain(by_hour: Floats) -> list[float | None]:
    """`by_hour`: [owners, (owed, got), hours]."""
    found: list[float | None] = []
    for hour in range(by_hour.shape[2]):
        owed, got = by_hour[:, 0, hour], by_hour[:, 1, hour]
        x = got[owed >= _OWED] / owed[owed >= _OWED]
        squares = float((x * x).sum())
        enough = len(x) > 1 and squares > 0
        found.append(round(float(x.sum() ** 2 / (len(x) * squares)), 4) if enough else None)
    return found


def _shares(
    played: Played, names: list[str], weights: Floats, running: Spans, owners: list[_Owner]
) -> list[OwnerShare]:
    world, runs, count = played.world, played.runs, len(names)
    took = (running.end - running.begin) * running.devices
    seconds = np.bincount(running.owner, weights=took, minlength=count)
    done = np.array(runs.outcome) == Outcome.DONE
    task = np.array(runs.task)[done]
    shapes = np.array([one.shape for one in world.tasks], dtype=np.int64)
    best = world.prices.seconds[:, sorted({m.type for m in world.machines})].min(1)
    fast = best[shapes[task]] * running.devices[done]
    fastest = np.bincount(running.owner[done], weights=fast, minlength=count)
    at = np.array([one.at for one in world.tasks])[task]
    flow = np.bincount(running.owner[done], weights=running.end[done] - at, minlength=count)
    many = np.bincount(running.owner[done], minlength=count)
    whole = float(seconds.sum()) or 1.0
    return [
        OwnerShare(
            owner=names[n],
            weight=float(weights[n]),
            tasks=int(many[n]),
            device_seconds=round(float(seconds[n]), 3),
            share=round(float(seconds[n]) / whole, 6),
            fastest_seconds=round(float(fastest[n]), 3),
            entitled_device_seconds=round(one.entitled, 3),
            received_device_seconds=round(one.received, 3),
            worst_lag_device_seconds=round(one.worst_lag, 3),
            mean_flow_seconds=round(float(flow[n] / many[n]), 3) if many[n] else None,
        )
        for n, one in enumerate(owners)
    ]
