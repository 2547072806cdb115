"""The rules by which a farm is shared, as values. Never reads, stores or decides anything.

An owner is the name on a token. Names of nodes, workers, devices, models, owners and types of
device are matched with `*`, `?` and `[ab]`, in the case in which they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from reelyard.rules.hours import ALWAYS, Hours
from reelyard.rules.tariff import Tariff
from reelyard.states import TaskKind

AGE_SECONDS_PER_BAND = 3_600.0
MINIMUM_RUN_SECONDS = 300.0
LOADS_PER_STORAGE = 2
HALF_LIFE_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """`weight`: twice as much, twice the share; `max_running`, `max_waiting`: tasks, None: any
    number. An empty `group` is a group of its own."""

    weight: float = 1.0
    group: str = ""
    max_running: int | None = None
    max_waiting: int | None = None


@dataclass(frozen=True, slots=True)
class GroupRule:
    """What the owners of a group share among them, and how many of their tasks may run at once."""

    weight: float = 1.0
    max_running: int | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Devices that have something in common: on one of `nodes`, of one of `types`, of a worker with
    all `tags`; what is empty asks nothing. Only `owners` may use them (empty: everybody), only in
    these `hours`. `power_cap`: the share of the power limit that they may draw, 0.3 to 1."""

    id: str
    nodes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    hours: Hours = ALWAYS
    power_cap: float | None = None

    def has(self, node: str, worker: str, type: str, tags: Iterable[str]) -> bool:
        """Is a device of this type, on this node and worker, in the pool?"""
        return (
            (not self.nodes or matches(self.nodes, node, worker))
            and (not self.types or matches(self.types, type))
            and (not self.tags or set(self.tags) <= set(tags))
        )

    def admits(self, owner: str) -> bool:
        """May this owner use its devices?"""
        return not self.owners or matches(self.owners, owner)


@dataclass(frozen=True, slots=True)
class NodeRule:
    """About a node, or a worker, or some of its devices. `tags` come to those that the worker has;
    `serves`: the only kinds of task that its devices take, all when empty."""

    match: str
    device: str = "*"
    hours: Hours = ALWAYS
    tags: tuple[str, ...] = ()
    serves: tuple[TaskKind, ...] = ()

    def covers(self, node: str, worker: str, device: str) -> bool:
        """Does it speak of this device?"""
        is_here = fnmatchcase(node, self.match) or fnmatchcase(worker, self.match)
        return is_here and (self.device == "*" or fnmatchcase(device, self.device))


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that there is only so much of: a licence, a storage, a line. A task of these
    models, owners and kinds (empty: all) holds one while it runs: at most `farm` in the farm, at
    most `per_node` on a node; None: any number."""

    id: str
    models: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    kinds: tuple[TaskKind, ...] = ()
    farm: int | None = None
    per_node: int | None = None

    def holds(self, model: str, owner: str, kind: TaskKind) -> bool:
        """Does such a task hold one?"""
        return (
            (not self.models or matches(self.models, model))
            and (not self.owners or matches(self.owners, owner))
            and (not self.kinds or kind in self.kinds)
        )


@dataclass(frozen=True, slots=True)
class Pin:
    """A model that people want kept in memory on these nodes and types; empty: on any."""

    model: str
    nodes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def wants(self, node: str, worker: str, type: str) -> bool:
        """On a device of this type, on this node and worker?"""
        return (not self.nodes or matches(self.nodes, node, worker)) and (
            not self.types or matches(self.types, type)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """All of them.

    `age_seconds_per_band`: waiting so long lifts a task by one band. `minimum_run_seconds`: so long
    a run is left alone before another may take its device. `loads_per_storage`: models that are
    read from one storage at once. `half_life_seconds`: what an owner has used counts half after it.
    `preempt`: may a run be stopped for a more urgent one?
    """

    owners: Mapping[str, OwnerRule] = field(default_factory=dict)
    default_owner: OwnerRule = OwnerRule()
    groups: Mapping[str, GroupRule] = field(default_factory=dict)
    pools: tuple[Pool, ...] = ()
    nodes: tuple[NodeRule, ...] = ()
    limits: tuple[Limit, ...] = ()
    pins: tuple[Pin, ...] = ()
    tariff: Tariff | None = None
    timezone: str = "UTC"
    age_seconds_per_band: float = AGE_SECONDS_PER_BAND
    minimum_run_seconds: float = MINIMUM_RUN_SECONDS
    loads_per_storage: int = LOADS_PER_STORAGE
    half_life_seconds: float = HALF_LIFE_SECONDS
    preempt: bool = True

    def owner(self, name: str) -> OwnerRule:
        """The owner's own rule, else that of everybody."""
        return self.owners.get(name, self.default_owner)

    def group(self, name: str) -> GroupRule:
        """The rule of a group; one of weight 1 for a group that has none."""
        return self.groups.get(name, GroupRule())

    def pools_of(self, node: str, worker: str, type: str, tags: Iterable[str]) -> tuple[Pool, ...]:
        """The pools that a device is in. `tags`: all that it has, see `tags_of`."""
        held = frozenset(tags)
        return tuple(pool for pool in self.pools if pool.has(node, worker, type, held))

    def tags_of(
        self, node: str, worker: str, device: str, tags: Iterable[str] = ()
    ) -> frozenset[str]:
        """What the worker says of itself, and what the rules add."""
        added = (tag for rule in self._about(node, worker, device) for tag in rule.tags)
        return frozenset(tags).union(added)

    def hours_of(
        self, node: str, worker: str, device: str, type: str, tags: Iterable[str]
    ) -> Hours:
        """When a device works: when all rules about it and all pools that it is in are open."""
        hours = ALWAYS
        for rule in self._about(node, worker, device):
            hours &= rule.hours
        for pool in self.pools_of(node, worker, type, tags):
            hours &= pool.hours
        return hours

    def serves(self, node: str, worker: str, device: str) -> frozenset[TaskKind]:
        """The kinds of task that a device takes: what every rule about it lets through."""
        kinds = frozenset(TaskKind)
        for rule in self._about(node, worker, device):
            kinds = kinds.intersection(rule.serves or kinds)
        return kinds

    def limits_of(self, model: str, owner: str, kind: TaskKind) -> tuple[Limit, ...]:
        """What such a task holds one of while it runs."""
        return tuple(limit for limit in self.limits if limit.holds(model, owner, kind))

    def _about(self, node: str, worker: str, device: str) -> Iterator[NodeRule]:
        return (rule for rule in self.nodes if rule.covers(node, worker, device))


def no_rules() -> Rules:
    """A farm without any: equal shares, always open, no limits."""
    return Rules()


def admitted(owner: str, pools: Iterable[Pool]) -> bool:
    """May this owner use a device that is in these pools? Everybody, where none of them is
    reserved; else whom one of the reserved ones admits."""
    reserved = [pool for pool in pools if pool.owners]
    return not reserved or any(pool.admits(owner) for pool in reserved)


def power_cap(pools: Iterable[Pool]) -> float | None:
    """The lowest of these pools, as a share of the device's power limit; None: none has one."""
    return min((pool.power_cap for pool in pools if pool.power_cap is not None), default=None)


def matches(patterns: Iterable[str], *names: str) -> bool:
    """Does one of the names match one of the patterns?"""
    for pattern in patterns:
        for name in names:
            if fnmatchcase(name, pattern):
                return True
    return False
