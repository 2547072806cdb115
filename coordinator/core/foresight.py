"""How a task would run on a device: asked of the predictor once, then remembered.

Options depend on the demand and on the kind of device, not on what is free there, so they outlive
a tick: a foresight is good for as long as the catalog and the lessons are. Decides nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from coordinator.core.snapshot import Demand, Device, Snapshot, Waiting
from reelyard.catalog import Catalog, DeviceType, VideoModel
from reelyard.plan import Offload, Plan
from reelyard.predict.energy import cap_watts
from reelyard.predict.forecast import Circumstances, Forecast, Host, key_of
from reelyard.predict.lessons import NOTHING, OUT_OF_MEMORY_MARGIN, Lessons
from reelyard.predict.plans import ANYTHING, Wish, best, fits, ways
from reelyard.predict.shape import Shape
from reelyard.predict.subject import Subject, subject
from reelyard.states import TaskKind
from reelyard.task import VideoWork

COMPOSE_GIB = 0.8
_ROUNDING_GIB = 0.001
_MOST_REMEMBERED = 20_000

Place = tuple[str, bool, float | None, float | None]
"""What of a device a prediction depends on: its type, whether its memory is the node's RAM, that
RAM, and the speed of its disk."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a task would run on a device. `gib`: what nothing should exceed; `metered_gib`: what the
    worker's own meter should show; seconds of one clip, and of a load before it. None: not known.
    `weights_gib`: of the model as the plan holds it. `power_cap`: the share of the device's power
    limit at which it runs, None: all of it.
    """

    plan: Plan
    gib: float
    metered_gib: float | None = None
    seconds: float | None = None
    load_seconds: float | None = None
    weights_gib: float = 0.0
    power_cap: float | None = None


def device_type(device: Device, catalog: Catalog) -> DeviceType | None:
    """Its type in the catalog, if it is of one."""
    return catalog.devices.get(device.catalog_type)


def is_one_pool(device: Device) -> bool:
    """Weights have nowhere else to wait: the device's memory is the node's RAM."""
    return device.unified or device.kind in ("cpu", "jetson")


def host_of(device: Device) -> Host:
    """What is known of the node around it."""
    return Host(None if is_one_pool(device) else device.ram_gib, device.read_gb_s)


def wish_of(device: Device) -> Wish:
    """Where memory is one, nothing is offloaded, of whatever type the device is."""
    return Wish(offload=Offload.NONE) if is_one_pool(device) else ANYTHING


def clip_of(work: VideoWork, model: VideoModel, continues: bool = False) -> Shape:
    """What the model is asked for. A shot whose length the narration will decide counts as the
    shortest: it needs at least that."""
    return Shape(
        width=work.width,
        height=work.height,
        frames=work.frames or model.frames_for(1),
        steps=work.steps,
        guided=work.guidance > 1,
        from_image=continues or work.start_image is not None or model.needs_image,
    )


@dataclass(slots=True)
class Options:
    """Every way to run one demand on one kind of device, the leanest first; `needs` beside them."""

    subject: Subject
    under: Circumstances
    ways: Sequence[Forecast]
    needs: Sequence[float]
    power_cap: float | None = None
    chosen: dict[int, Fit | None] = field(default_factory=dict)

    def within(self, room_gib: float) -> Fit | None:
        """The soonest done of those that fit; None when none does."""
        count = bisect_right(self.needs, room_gib)
        if count not in self.chosen:
            way = best(self.subject, self.ways[:count], inf, self.under)
            self.chosen[count] = None if way is None else self._fit(way)
        return self.chosen[count]

    def least_gib(self) -> float:
        """What the leanest way needs that the node's RAM allows; of all, when it allows none."""
        allowed = (n for n, way in zip(self.needs, self.ways, strict=True) if self._in_ram(way))
        return next(allowed, self.needs[0])

    def shortfall(self, room_gib: float) -> str:
        """Why nothing fits: what is needed of the device, or of the node's RAM."""
        blocked = self.ways[: bisect_right(self.needs, room_gib)]
        least = f"needs {self.least_gib():.1f} GiB, has {room_gib:.1f}"
        if not blocked:
            return least
        spared = min(blocked, key=lambda way: way.footprint.host_gib)
        ram = f"{spared.footprint.host_gib:.1f} GiB of RAM, its node has {self.ram_gib:.1f}"
        said = f"with {spared.plan.sentence()} it needs {ram}"
        return said if self.least_gib() <= room_gib else f"{least}; {said}"

    @property
    def ram_gib(self) -> float:
        """Of the node; endless when not known."""
        return inf if self.under.host.ram_gib is None else self.under.host.ram_gib

    def _in_ram(self, way: Forecast) -> bool:
        return fits(way, inf, self.under.host)

    def _fit(self, way: Forecast) -> Fit:
        ratio = self.under.lessons.memory_ratio(key_of(self.subject, way.plan))
        return Fit(
            plan=way.plan,
            gib=way.bound_gib,
            metered_gib=way.footprint.metered_gib * ratio,
            seconds=way.seconds,
            load_seconds=way.load_seconds,
            weights_gib=way.footprint.weights_gib,
            power_cap=self.power_cap,
        )


@dataclass(slots=True)
class Foresight:
    """What the predictor says of this catalog's models, with what was learned so far."""

    catalog: Catalog
    lessons: Lessons = NOTHING
    known: dict[tuple[Demand, Place, float | None], Options] = field(default_factory=dict)

    def fit(self, task: Waiting, device: Device, power_cap: float | None = None) -> Fit | None:
        """How the task would run there, at a share of the power limit; None when it would not
        fit."""
        if isinstance(task.work, VideoWork):
            return self.options(task, task.work, device, power_cap).within(device.room_gib)
        gib = self._small_gib(task)
        return Fit(Plan(), gib) if gib <= device.room_gib else None

    def least_gib(self, task: Waiting, device: Device) -> float:
        """What the leanest plan needs, as far as earlier tries have shown."""
        if isinstance(task.work, VideoWork):
            return self.options(task, task.work, device).least_gib()
        return self._small_gib(task)

    def shortfall(self, task: Waiting, device: Device) -> str:
        """Why it does not fit, with the numbers."""
        if isinstance(task.work, VideoWork):
            return self.options(task, task.work, device).shortfall(device.room_gib)
        return f"needs {self._small_gib(task):.1f} GiB, has {device.room_gib:.1f}"

    def taught(self, lessons: Lessons) -> Foresight:
        """The foresight with these lessons: what is known of types that they leave alone stays."""
        before, after = self.lessons.by_key, lessons.by_key
        changed = {
            key.device for key in before.keys() | after.keys() if before.get(key) != after.get(key)
        }
        kept = {key: found for key, found in self.known.items() if key[1][0] not in changed}
        return Foresight(self.catalog, lessons, kept)

    def options(
        self, task: Waiting, work: VideoWork, device: Device, power_cap: float | None = None
    ) -> Options:
        """Every way to run this task on such a device."""
        key = (task.demand, place_of(device), power_cap)
        if key not in self.known:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[key] = self._options(task, work, device, power_cap)
        return self.known[key]

    def _options(
        self, task: Waiting, work: VideoWork, device: Device, power_cap: float | None
    ) -> Options:
        model, kind = self.catalog.models[work.model], device_type(device, self.catalog)
        asked = subject(model, self.catalog, clip_of(work, model, task.continues), kind)
        cap_w = cap_watts(kind, power_cap) if kind else None
        under = Circumstances(host_of(device), self.lessons, cap_w)
        needs = [(needed_gib(way, task), way) for way in ways(asked, wish_of(device), under)]
        needs.sort(key=lambda pair: (pair[0], pair[1].footprint.host_gib))
        found = [way for _, way in needs]
        return Options(asked, under, found, [gib for gib, _ in needs], power_cap)

    def _small_gib(self, task: Waiting) -> float:
        if task.kind is TaskKind.VOICE:
            return self.catalog.voices[task.model].memory_gib
        return COMPOSE_GIB


def foresight_of(farm: Snapshot) -> Foresight:
    """A fresh one for this farm."""
    return Foresight(farm.catalog, farm.lessons)


def place_of(device: Device) -> Place:
    """See `Place`."""
    ram = None if is_one_pool(device) else device.ram_gib
    return (device.catalog_type, is_one_pool(device), ram, device.read_gb_s)


def needed_gib(way: Forecast, task: Waiting) -> float:
    """The bound, and more than the law's for each try that ran out with a plan as lean as this one:
    so the next try gets more room, and where there is none, a leaner plan. Lessons have raised the
    bound of the plan that ran out already; that is not done twice."""
    law = way.footprint.bound_gib
    ran_out = sum(1 for gib in task.short_of if gib <= law + _ROUNDING_GIB)
    return max(way.bound_gib, law * OUT_OF_MEMORY_MARGIN**ran_out)
