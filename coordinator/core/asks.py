"""A living farm in the yard's words: what makes tasks and devices alike, what each costs, and the
house rules as far as the yard asks for them. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Literal

from coordinator.core.filters import LASTING, refusal
from coordinator.core.foresight import Fit, Foresight
from coordinator.core.snapshot import Device, Waiting
from coordinator.core.split import shape_of
from coordinator.core.yard.prices import Price
from reelyard.catalog import VideoModel
from reelyard.rules.document import Rules, admitted, power_cap
from reelyard.rules.hours import Hours
from reelyard.states import TaskKind, WorkerState
from reelyard.task import VideoWork

Lane = Literal["main", "side"]

_UNKNOWN_SECONDS = {TaskKind.VOICE: 5.0, TaskKind.VIDEO: 60.0, TaskKind.COMPOSE: 15.0}
"""Where nothing is predicted: only their order of size matters."""
_ROOM_STEP_GIB = 0.25
_ANY_ROOM_GIB = 1e4
_GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Ask:
    """What alike tasks ask of a device. `owner`: only where some pool is reserved."""

    kind: TaskKind
    model: str
    shape: str
    continues: bool
    short_of: tuple[float, ...]
    pools: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What alike devices have in common. `device` is one of them without its name; `lane`: heavy
    work runs in one at a time, small work beside it."""

    device: Device
    lane: Lane
    pools: tuple[str, ...]
    tags: frozenset[str]
    serves: frozenset[TaskKind]
    hours: Hours
    pinned: frozenset[str] = frozenset()
    """Models that people want kept in its memory."""


def lane_of(kind: TaskKind) -> Lane:
    """Pictures are heavy; voices and films are made beside them."""
    return "main" if kind is TaskKind.VIDEO else "side"


def ask_of(task: Waiting, rules: Rules) -> Ask:
    """What it asks for."""
    is_reserved = any(pool.owners for pool in rules.pools)
    return Ask(
        kind=task.kind,
        model=task.model,
        shape=task.shape,
        continues=task.continues,
        short_of=task.short_of,
        pools=tuple(sorted(task.pools)),
        tags=tuple(sorted(task.tags)),
        owner=task.owner if is_reserved else "",
    )


def kind_of(device: Device, lane: Lane, rules: Rules) -> Kind:
    """What it offers in this lane. What other programs hold is rounded up, so that a few MiB make
    no new kind."""
    where = (device.node, device.worker_id)
    tags = rules.tags_of(*where, device.id, device.tags)
    pools = rules.pools_of(*where, device.catalog_type, tags)
    foreign = ceil(device.foreign_gib / _ROOM_STEP_GIB - 1e-6) * _ROOM_STEP_GIB
    nameless = replace(
        replace(device, worker_id="", id="", name="", node="", busy=""),
        state=WorkerState.ONLINE,
        resident=frozenset(),
        resident_gib=(),
        foreign_gib=max(foreign, 0.0),
        tags=frozenset(),
    )
    return Kind(
        device=nameless,
        lane=lane,
        pools=tuple(pool.id for pool in pools),
        tags=tags,
        serves=rules.serves(*where, device.id),
        hours=rules.hours_of(*where, device.id, device.catalog_type, tags),
        pinned=pinned_on(device, rules) if lane == "main" else frozenset(),
    )


def usual_shot(model: VideoModel) -> Waiting:
    """A clip of the model as it comes when nothing else is asked for."""
    work = VideoWork(
        model=model.id,
        prompt="",
        width=model.width,
        height=model.height,
        fps=model.fps,
        frames=model.frames_for(1),
        steps=model.steps,
        guidance=model.guidance,
        seed=0,
    )
    return Waiting(
        id="usual",
        job_id="usual",
        kind=TaskKind.VIDEO,
        scene=None,
        label=model.id,
        model=model.id,
        shape=shape_of(work),
        work=work,
        priority=50,
        queued_at=0.0,
    )


def pinned_on(device: Device, rules: Rules) -> frozenset[str]:
    """Models of its worker that people want kept on just such devices, or wherever they are."""
    where = (device.node, device.worker_id, device.catalog_type)
    here = device.resident
    found = (p for p in rules.pins if p.nodes or p.types or p.model in here)
    return frozenset(pin.model for pin in found if pin.wants(*where)) & device.models


@dataclass(slots=True)
class FarmEstimates:
    """Asks the predictor, with one task of each ask as the example."""

    foresight: Foresight
    rules: Rules
    examples: dict[Ask, Waiting] = field(default_factory=dict)

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        """See `Estimates.price`."""
        assert isinstance(shape, Ask) and isinstance(kind, Kind)
        task = self.examples[shape]
        if self.refusal(task, kind) is not None:
            return Price(inf)
        there = self.beside_pins(task, kind.device, kind.pinned)
        found = self.foresight.fit(task, there, self.power_cap(kind))
        if found is None:
            return Price(inf)
        seconds = self._unknown(task, kind) if found.seconds is None else found.seconds
        can_checkpoint = shape.model in kind.device.checkpoints
        return Price(seconds, found.load_seconds or 0.0, found.gib, can_checkpoint)

    def _unknown(self, task: Waiting, kind: Kind) -> float:
        """A device of no known type: a GPU counts as twice as fast as a processor."""
        if task.kind is TaskKind.VIDEO and kind.device.kind != "cpu":
            processor = replace(kind.device, kind="cpu", type="cpu", memory_gib=_ANY_ROOM_GIB)
            found = self.foresight.fit(task, replace(processor, foreign_gib=0.0))
            if found is not None and found.seconds is not None:
                return found.seconds / 2
        return _UNKNOWN_SECONDS[task.kind]

    def model(self, shape: Hashable) -> str:
        """See `Estimates.model`. Voices are small: a load is not worth a thought."""
        assert isinstance(shape, Ask)
        return shape.model if shape.kind is TaskKind.VIDEO else ""

    def power_cap(self, kind: Kind) -> float | None:
        """The share of their power limit that its devices may draw; None: all of it."""
        if kind.device.kind != "cuda":
            return None
        return power_cap(pool for pool in self.rules.pools if pool.id in kind.pools)

    def refusal(self, task: Waiting, kind: Kind) -> str | None:
        """Why devices of the kind never take the task, as far as lasts."""
        if lane_of(task.kind) != kind.lane:
            return f"a {task.kind.value} task runs in the {lane_of(task.kind)} lane"
        return self.house_refusal(task, kind) or refusal(task, kind.device, self.foresight, LASTING)

    def house_refusal(self, task: Waiting, kind: Kind) -> str | None:
        """Why the farm's people do not want it there."""
        if task.kind not in kind.serves:
            return f"its node takes no {task.kind.value} tasks"
        if task.pools and not set(task.pools) & set(kind.pools):
            return f"is in none of the pools {', '.join(sorted(task.pools))}"
        if missing := set(task.tags) - kind.tags:
            return f"has not the tag {', '.join(sorted(missing))}"
        pools = [pool for pool in self.rules.pools if pool.id in kind.pools]
        if not admitted(task.owner, pools):
            return f"its pool is not open to {task.owner}"
        return self._kept_refusal(task, kind)

    def beside_pins(self, task: Waiting, device: Device, pinned: frozenset[str]) -> Device:
        """The device, with what pinned models leave the task of its memory."""
        if not pinned or task.model in pinned or task.kind is not TaskKind.VIDEO:
            return device
        return replace(device, foreign_gib=device.foreign_gib + self.kept_gib(device, pinned))

    def kept_gib(self, device: Device, pinned: frozenset[str]) -> float:
        """What pinned models take of its memory."""
        found = (self.usual(model, device) for model in sorted(pinned))
        return sum(min(fit.weights_gib, fit.gib) for fit in found if fit is not None)

    def usual(self, model: str, device: Device) -> Fit | None:
        """How a usual clip of the model would run there; None where it would not, or is unknown."""
        entry = self.foresight.catalog.models.get(model)
        return None if entry is None else self.foresight.fit(usual_shot(entry), device)

    def _kept_refusal(self, task: Waiting, kind: Kind) -> str | None:
        """Why a task of another model would throw out one that is pinned."""
        there = self.beside_pins(task, kind.device, kind.pinned)
        if there is kind.device or self.foresight.fit(task, there) is not None:
            return None
        least = self.foresight.least_gib(task, kind.device)
        if least > kind.device.room_gib:  # it would not fit without pins either
            return None
        names, left = ", ".join(sorted(kind.pinned)), there.room_gib
        return f"is kept for {names}, which leaves {left:.1f} GiB; it needs {least:.1f}"


@dataclass(slots=True)
class FarmHouse:
    """The house rules. Remembers until when each door stays as it is."""

    rules: Rules
    known: dict[Hours, tuple[float, float, bool]] = field(default_factory=dict)

    def closes_in(self, kind: Hashable, now: float) -> float:
        """See `House.closes_in`."""
        until, is_open = self._door(kind, now)
        return until - now if is_open else 0.0

    def opens_in(self, kind: Hashable, now: float) -> float:
        """See `House.opens_in`."""
        until, is_open = self._door(kind, now)
        return 0.0 if is_open else until - now

    def share(self, owner: str) -> tuple[float, float]:
        """The owner's part of the weight of its group, and its own cap."""
        rule = self.rules.owner(owner)
        most = inf if rule.max_running is None else float(rule.max_running)
        if not rule.group:
            return rule.weight, most
        together = sum(r.weight for r in self.rules.owners.values() if r.group == rule.group)
        return self.rules.group(rule.group).weight * rule.weight / max(together, rule.weight), most

    def most_at_once(self, limit: str) -> float:
        """See `House.most_at_once`; a group's cap is a limit of its own."""
        if limit.startswith(_GROUP):
            most = self.rules.group(limit.removeprefix(_GROUP)).max_running
        else:
            most = next((one.farm for one in self.rules.limits if one.id == limit), None)
        return inf if most is None else float(most)

    def most_on_node(self, limit: str) -> float:
        """See `House.most_on_node`."""
        most = next((one.per_node for one in self.rules.limits if one.id == limit), None)
        return inf if most is None else float(most)

    def storage(self, kind: Hashable) -> tuple[str, float]:
        """See `House.storage`."""
        assert isinstance(kind, Kind)
        return kind.device.storage, float(self.rules.loads_per_storage)

    def limits(self, task: Waiting) -> tuple[str, ...]:
        """Names of what the task holds while it runs."""
        found = [one.id for one in self.rules.limits_of(task.model, task.owner, task.kind)]
        group = self.rules.owner(task.owner).group
        if group and self.rules.group(group).max_running is not None:
            found.append(f"{_GROUP}{group}")
        return tuple(found)

    def _door(self, kind: Hashable, now: float) -> tuple[float, bool]:
        assert isinstance(kind, Kind)
        since, until, is_open = self.known.get(kind.hours, (inf, -inf, False))
        if not since <= now < until:
            is_open = kind.hours.is_open(now)
            until = kind.hours.closes(now) if is_open else kind.hours.opens(now)
            self.known[kind.hours] = (now, until, is_open)
        return until, is_open
