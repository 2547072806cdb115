"""What the overview, the job list and the workers' page show. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.format import count
from dashboard.marks import JOB_ORDER, mark
from dashboard.present.bars import Segment, memory_bar, used_gib
from reelyard.resources import DeviceView, OverviewView, ThroughputPoint, WorkerView
from reelyard.states import WorkerState

_LEAST_POINTS = 16


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter of the job list: how many there are, and whether it is chosen."""

    state: str
    word: str
    number: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """The farm in one word, for the favicon, and one sentence, for those who listen."""

    state: str
    sentence: str
    running: int


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """A device with its memory bar."""

    device: DeviceView
    bar: tuple[Segment, ...]
    used_gib: float


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """A worker's machine and its devices."""

    worker: WorkerView
    cards: tuple[DeviceCard, ...]


def pulse(farm: OverviewView) -> Pulse:
    """Trouble before work, work before rest."""
    running, waiting = farm.tasks.get("running", 0), farm.tasks.get("waiting", 0)
    online = farm.workers.get("online", 0)
    state = "trouble" if farm.attention else "busy" if running else "idle"
    sentence = (
        f"{count(running, 'task')} running, {waiting} waiting, {count(online, 'worker')} online"
    )
    if farm.attention:
        sentence += f"; {count(len(farm.attention), 'thing')} to look at"
    return Pulse(state, sentence, running)


def chips(jobs: Mapping[str, int], chosen: str) -> tuple[Chip, ...]:
    """All first, then one per state; the numbers are of everything, not of what is shown."""
    total = Chip("", "all", sum(jobs.values()), not chosen)
    return (
        total,
        *(
            Chip(state, mark(state).word, jobs.get(state, 0), chosen == state)
            for state in JOB_ORDER
            if jobs.get(state, 0) or chosen == state or state in ("running", "done", "failed")
        ),
    )


def chart(farm: OverviewView) -> str:
    """[[seconds since 1970], [video seconds], [tasks]] as JSON for uPlot."""
    points = _since_anything(farm.throughput)
    return json.dumps(
        [
            [round(point.at.timestamp()) for point in points],
            [round(point.video_seconds, 2) for point in points],
            [point.tasks for point in points],
        ]
    )


def _since_anything(points: list[ThroughputPoint]) -> list[ThroughputPoint]:
    """Without the empty beginning of a young farm, but never only a moment."""
    busy = (place for place, point in enumerate(points) if point.tasks)
    return points[min(next(busy, 0), max(0, len(points) - _LEAST_POINTS)) :]


def waiting_reasons(farm: OverviewView) -> tuple[tuple[str, int], ...]:
    """Why tasks wait, the commonest reason first."""
    return tuple(sorted(farm.waiting_because.items(), key=lambda reason: (-reason[1], reason[0])))


def node_groups(workers: list[WorkerView]) -> tuple[NodeGroup, ...]:
    """Workers that can work first, then by the name of the machine."""
    order = list(WorkerState)
    ranked = sorted(workers, key=lambda worker: (order.index(worker.state), worker.node))
    return tuple(
        NodeGroup(worker, tuple(_card(device) for device in worker.devices)) for worker in ranked
    )


def _card(device: DeviceView) -> DeviceCard:
    return DeviceCard(device, memory_bar(device), used_gib(device))
