"""One view of the farm, taken at one moment: what waits, and what could run it. Values only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reelyard.catalog import Catalog
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.rules.document import Rules, no_rules
from reelyard.states import Band, TaskKind, WorkerState
from reelyard.task import VideoWork, Work

Demand = tuple[str, bool, tuple[float, ...]]
KIND_ORDER: Mapping[TaskKind, int] = {TaskKind.VOICE: 0, TaskKind.VIDEO: 1, TaskKind.COMPOSE: 2}
BAND_ORDER: Mapping[Band, int] = {band: place for place, band in enumerate(Band)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits. `open_needs` are the labels of what it still waits for, `short_of` the
    predictions (GiB) of earlier tries that ran out of memory all the same; `continues`: it will
    start from the last picture of the shot before it. Of its job: `held_because` is None when
    nobody holds it; `rank` is moved by people, lower goes first; times are seconds since 1970."""

    id: str
    job_id: str
    kind: TaskKind
    scene: int | None
    label: str
    model: str
    shape: str
    work: Work
    priority: int
    queued_at: float
    not_before: float = 0.0
    paused: bool = False
    open_needs: tuple[str, ...] = ()
    attempt_count: int = 0
    short_of: tuple[float, ...] = ()
    because: str = ""
    continues: bool = False
    held_because: str | None = None
    start_after: float | None = None
    band: Band = Band.NORMAL
    rank: float = 0.0
    deadline: float | None = None
    owner: str = ""
    pools: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[object, ...]:
        """Who chooses first: band, what people moved, priority, deadline, age, then the film's own
        order. `coordinator.store.view_queue` asks the database for the same order of jobs."""
        scene = self.scene if self.scene is not None else 1_000_000
        due = math.inf if self.deadline is None else self.deadline
        job = (BAND_ORDER[self.band], self.rank, -self.priority, due, self.queued_at, self.job_id)
        return (*job, KIND_ORDER[self.kind], scene, self.id)

    @property
    def demand(self) -> Demand:
        """Tasks of one demand are refused by the same devices for the same reasons."""
        return (self.shape, self.continues, self.short_of)

    @property
    def video(self) -> VideoWork | None:
        """The work, when it is a shot whose length is known."""
        known = isinstance(self.work, VideoWork) and self.work.frames is not None
        return self.work if known and isinstance(self.work, VideoWork) else None


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the coordinator sees it. `busy` is what it is doing, for people; empty: idle.

    `type` is its type in the catalog, empty when it is of none; `ram_gib` and `read_gb_s` are its
    node's RAM and the measured speed of the disk that holds the models, None when not known.
    `checkpoints` are models that can stop at a step here and go on from it; `tags` are what its
    worker says of itself, `storage` names where its models come from, `resident_gib` is what each
    resident model takes.
    """

    worker_id: str
    id: str
    kind: str
    name: str
    node: str
    state: WorkerState
    memory_gib: float
    foreign_gib: float = 0.0
    resident: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    voices: frozenset[str] = frozenset()
    checkpoints: frozenset[str] = frozenset()
    busy: str = ""
    type: str = ""
    unified: bool = False
    ram_gib: float | None = None
    read_gb_s: float | None = None
    tags: frozenset[str] = frozenset()
    storage: str = ""
    resident_gib: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What names it."""
        return (self.worker_id, self.id)

    @property
    def title(self) -> str:
        """`cpu (node b)`"""
        return f"{self.name} (node {self.node})"

    @property
    def catalog_type(self) -> str:
        """Its type's id; a CPU that did not say is the catalog's CPU. Empty: of no known type."""
        return self.type or ("cpu" if self.kind == "cpu" else "")

    @property
    def room_gib(self) -> float:
        """What other programs leave of its memory, as it was last reported."""
        return self.memory_gib - self.foreign_gib


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A task that has an open try. `members`: worker and device of a gang's others; `since` and
    `ends_at` (predicted) in seconds since 1970."""

    task: Waiting
    attempt_id: str
    worker_id: str
    device_id: str
    since: float
    ends_at: float | None = None
    lane: Literal["main", "side"] = "main"
    members: tuple[tuple[str, str], ...] = ()
    gib: float = 0.0
    """What it never exceeds."""

    @property
    def task_id(self) -> str:
        """Of the task."""
        return self.task.id


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the scheduler may look at."""

    now: float
    waiting: tuple[Waiting, ...]
    devices: tuple[Device, ...]
    catalog: Catalog = field(repr=False)
    unreadable: tuple[tuple[str, str], ...] = ()
    """Waiting tasks whose stored work makes no sense to this version, and why."""
    lessons: Lessons = field(default=NOTHING, repr=False)
    """What finished runs have taught."""
    under_way: tuple[UnderWay, ...] = ()
    rules: Rules = field(default_factory=no_rules)
    ahead: Mapping[str, float] = field(default_factory=dict)
    """By owner: priced seconds beyond its fair part."""
