"""The devices that a quote may count on: of a farm as it is now, or of a file that describes one.

    [[nodes]]
    name = "atlas"
    devices = ["rtx-4090", { type = "h100-sxm", count = 2 }]
    ram_gib = 128
    read_gb_s = 3.5            # measured speed of the disk that holds the models
    models = ["wan2.1-t2v-14b"]  # left out: all
    count = 10                 # alike nodes

Every node has a CPU that speaks and puts films together; it makes pictures only where `devices`
names it. Pure but for reading the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reelyard.catalog import Catalog, DeviceType
from reelyard.catalog.identify import find_device
from reelyard.errors import InvalidInput, Problem
from reelyard.plan import Offload
from reelyard.predict.forecast import UNKNOWN_HOST, Host
from reelyard.predict.plans import ANYTHING, Wish
from reelyard.predict.toml_file import read_toml

CPU_MEMORY_SHARE = 0.75
"""Of a node's RAM, what its CPU may use for models when nothing else is said."""
_REMEDY = "Correct the file; examples/fleet.toml shows every field."
Gib = Annotated[float, Field(gt=0, le=65_536, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Group:
    """Devices that answer every question alike. `device`: its type, None: of no known type; `room`:
    GiB that a task may have; `models`: None: all; `speaks`: says lines and puts films together."""

    name: str
    type: str
    room_gib: float
    host: Host = UNKNOWN_HOST
    one_pool: bool = False
    models: frozenset[str] | None = None
    renders: bool = True
    speaks: bool = False
    device: DeviceType | None = field(default=None, compare=False, repr=False)

    @property
    def wish(self) -> Wish:
        """Where memory is one, nothing is offloaded, of whatever type the device is."""
        return Wish(offload=Offload.NONE) if self.one_pool else ANYTHING

    def has(self, model: str) -> bool:
        """Its nodes have the weights, or can have them."""
        return self.models is None or model in self.models


@dataclass(frozen=True, slots=True)
class Stand:
    """So many devices of a group with the same models in memory and the same work still ahead."""

    group: Group
    count: int = 1
    resident: frozenset[str] = frozenset()
    busy_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """All of them. `notes`: what is worth knowing about where this comes from."""

    stands: tuple[Stand, ...]
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> dict[Group, int]:
        """How many devices are in each group, in the order given."""
        found: dict[Group, int] = {}
        for stand in self.stands:
            found[stand.group] = found.get(stand.group, 0) + stand.count
        return found


def labels(groups: Sequence[Group]) -> dict[Group, str]:
    """A name for each, unlike all others: `rtx-4090`, or `rtx-4090 (20.0 GiB)` where there are
    several, with a number where even that is not enough."""
    made: dict[Group, str] = {}
    for group in groups:
        alike = [other for other in groups if other.name == group.name]
        name = group.name if len(alike) == 1 else f"{group.name} ({group.room_gib:.1f} GiB)"
        same = sum(1 for taken in made.values() if taken.partition(" #")[0] == name)
        made[group] = f"{name} #{same + 1}" if same else name
    return made


def read_fleet(file: Path, catalog: Catalog) -> Fleet:
    """The fleet in a file. Raises InvalidInput with every problem."""
    nodes = read_toml(file, _File, _REMEDY).nodes
    problems = [problem for n, node in enumerate(nodes) for problem in _wrong(n, node, catalog)]
    if problems:
        raise InvalidInput(problems)
    return Fleet(tuple(stand for node in nodes for stand in _stands(node, catalog)))


class _Device(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: str = ""
    name: str = Field(default="", max_length=100)
    memory_gib: Gib | None = None
    count: int = Field(default=1, ge=1, le=1_000)
    resident: list[str] = []
    busy_seconds: float = Field(default=0.0, ge=0, le=1e7, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _a_name_is_enough(cls, given: Any) -> Any:
        return {"type": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _says_what_it_is(self) -> _Device:
        if not self.type and not (self.name and self.memory_gib):
            raise ValueError("needs a type of the catalog, or a name and memory_gib")
        return self


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    devices: list[_Device] = Field(min_length=1, max_length=1_000)
    ram_gib: Gib | None = None
    read_gb_s: float | None = Field(default=None, gt=0, le=1_000, allow_inf_nan=False)
    models: list[str] | None = None
    count: int = Field(default=1, ge=1, le=10_000)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    nodes: list[_Node] = Field(min_length=1, max_length=10_000)


def _stands(node: _Node, catalog: Catalog) -> Iterator[Stand]:
    has_cpu = False
    for device in node.devices:
        group = _group(device, node, catalog)
        has_cpu = has_cpu or group.speaks
        count = device.count * node.count
        yield Stand(group, count, frozenset(device.resident), device.busy_seconds)
    if not has_cpu:
        yield Stand(Group("cpu", "cpu", 0.0, renders=False, speaks=True), node.count)


def _group(device: _Device, node: _Node, catalog: Catalog) -> Group:
    kind = find_device(device.type, catalog.devices) if device.type else None
    is_cpu = kind is not None and kind.is_cpu
    one_pool = kind is not None and kind.is_one_pool
    usable = kind.usable_gib.value if kind else 0.0
    if is_cpu and node.ram_gib:
        usable = node.ram_gib * CPU_MEMORY_SHARE
    return Group(
        name=device.name or (kind.id if kind else device.type),
        type=kind.id if kind else "",
        room_gib=device.memory_gib or usable,
        host=Host(None if one_pool else node.ram_gib, node.read_gb_s),
        one_pool=one_pool,
        models=None if node.models is None else frozenset(node.models),
        speaks=is_cpu,
        device=kind,
    )


def _wrong(number: int, node: _Node, catalog: Catalog) -> Iterator[Problem]:
    where = f"nodes[{number}]"
    for index, device in enumerate(node.devices):
        if device.type and find_device(device.type, catalog.devices) is None:
            yield _unknown(
                f"{where}.devices[{index}]", "device", device.type, list(catalog.devices)
            )
        for model in device.resident:
            if model not in catalog.models:
                field_name = f"{where}.devices[{index}].resident"
                yield _unknown(field_name, "model", model, list(catalog.models))
    for model in node.models or ():
        if model not in catalog.models:
            yield _unknown(f"{where}.models", "model", model, list(catalog.models))


def _unknown(field_name: str, kind: str, value: str, known: list[str]) -> Problem:
    near = difflib.get_close_matches(value, known, n=1)
    return Problem(
        field=field_name,
        message=f"is not a {kind} of the catalog",
        value=value[:80],
        limit=", ".join(known),
        remedy=f"Did you mean `{near[0]}`?" if near else _REMEDY,
    )
