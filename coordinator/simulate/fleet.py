"""The machines of a play, read from TOML.

    starts = 2026-01-05T00:00:00Z     # simulated second 0; left out: that Monday
    timezone = "Europe/Berlin"        # of opening hours; left out: UTC

    [[devices]]
    type = "rtx-4090"                 # of the catalog, or any name with memory_gib
    count = 4
    node = "rack"                     # left out: every device is a node of its own
    hours = "Mon-Fri 19:00-07:00"

    [owners.anna]
    weight = 2

Devices that answer every question alike are one type: same kind, memory and disk. Reads the file
and nothing else; further tables are kept as written, for policies that know them.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from coordinator.simulate.policy import Machine
from reelyard.catalog import Catalog, DeviceType
from reelyard.catalog.identify import find_device
from reelyard.errors import InvalidInput, Problem
from reelyard.rules.opening import read_hours
from reelyard.rules.zone import zone_of

MOST_BYTES = 1 << 20
MOST_DEVICES = 100_000
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
"""When a play begins that says nothing of it."""
_REMEDY = "Correct the file; examples/simulate/fleet.toml shows every field."
_LINKS = ("nvlink", "pcie", "ethernet")


@dataclass(frozen=True, slots=True)
class Kind:
    """Devices that are priced alike. `name`: unlike any other of the fleet; `type`: as written;
    `device`: what the catalog says of it, if anything. Given seconds may use any of these names."""

    name: str
    type: str
    memory_gib: float
    read_gb_s: float | None = None
    device: DeviceType | None = field(default=None, compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """What it answers to, the most exact first."""
        return (self.name, self.type, *((self.device.id,) if self.device else ()))


@dataclass(frozen=True, slots=True)
class Fleet:
    """All of it. `starts`: unix seconds."""

    kinds: tuple[Kind, ...]
    machines: tuple[Machine, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    starts: float = MONDAY.timestamp()
    rules: Mapping[str, Any] = field(default_factory=dict)


class _Devices(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: str = Field(min_length=1, max_length=100)
    count: int = Field(default=1, ge=1, le=MOST_DEVICES, strict=True)
    memory_gib: float | None = Field(default=None, gt=0, le=65_536, allow_inf_nan=False)
    read_gb_s: float | None = Field(default=None, gt=0, le=1_000, allow_inf_nan=False)
    node: str | None = Field(default=None, min_length=1, max_length=100)
    link: Literal["nvlink", "pcie", "ethernet"] | None = None
    hours: str | None = Field(default=None, max_length=500)
    pools: list[Annotated[str, Field(min_length=1, max_length=100)]] = []
    tags: list[Annotated[str, Field(min_length=1, max_length=100)]] = []


class _Owner(BaseModel):
    weight: float = Field(default=1.0, gt=0, le=1_000_000, allow_inf_nan=False)


class _File(BaseModel):
    model_config = ConfigDict(extra="allow")

    devices: list[_Devices] = Field(min_length=1, max_length=10_000)
    owners: dict[str, _Owner] = {}
    starts: AwareDatetime = MONDAY
    timezone: str = Field(default="", max_length=100)


def read_fleet(file: Path, catalog: Catalog) -> Fleet:
    """The fleet in a file. Raises InvalidInput with every problem."""
    try:
        content = file.read_bytes()
    except OSError as wrong:
        said = f"cannot be read: {wrong.strerror}"
        raise InvalidInput(
            [Problem(str(file), said, remedy="Give the fleet's TOML file.")]
        ) from None
    return parse_fleet(content, catalog, str(file))


def parse_fleet(content: bytes, catalog: Catalog, name: str = "fleet") -> Fleet:
    """The fleet in a TOML text. Raises InvalidInput with every problem."""
    if len(content) > MOST_BYTES:
        limit = f"{MOST_BYTES} bytes"
        raise InvalidInput([Problem(name, "is too long", f"{len(content)} bytes", limit, _REMEDY)])
    try:
        table = tomllib.loads(content.decode("utf-8"))
        asked = _File.model_validate(table)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        said = f"cannot be read as TOML: {wrong}"
        raise InvalidInput([Problem(name, said, remedy=_REMEDY)]) from None
    except ValidationError as wrong:
        raise InvalidInput([_problem(error) for error in wrong.errors()]) from None
    if problems := list(_wrong(asked, catalog)):
        raise InvalidInput(problems)
    kinds = tuple(_kinds(asked.devices, catalog))
    return Fleet(
        kinds,
        tuple(_machines(asked, kinds, catalog)),
        {owner: one.weight for owner, one in asked.owners.items()},
        asked.starts.timestamp(),
        {key: table[key] for key in table if key not in ("devices", "starts")},
    )


def with_more(fleet: Fleet, asked: str, count: int, catalog: Catalog) -> Fleet:
    """The fleet and `count` devices more of a type: like its first of that type, each a node of its
    own; of a type that it lacks, as the catalog describes it. Raises InvalidInput."""
    device = find_device(asked, catalog.devices)
    names = {asked, device.id if device else asked}
    number = next((n for n, k in enumerate(fleet.kinds) if set(k.names) & names), None)
    kinds = fleet.kinds
    if number is None:
        table = _Devices(type=asked)
        if problem := _untyped(0, table, device, catalog):
            raise InvalidInput([replace(problem, field="--add")])
        number, kinds = len(kinds), (*kinds, _kind(table, device))
        like = Machine(0, number, "", kinds[number].memory_gib, link=_link(table, device))
    else:
        like = next(one for one in fleet.machines if one.type == number)
    first = len(fleet.machines)
    if first + count > MOST_DEVICES:
        limit = str(MOST_DEVICES)
        raise InvalidInput([Problem("--add", "makes too many devices", limit=limit)])
    more = (replace(like, index=first + n, node=f"added-{first + n}") for n in range(count))
    return replace(fleet, kinds=kinds, machines=(*fleet.machines, *more))


def _kinds(tables: Sequence[_Devices], catalog: Catalog) -> Iterator[Kind]:
    """Each once, in the order written; alike names get their memory, then a number."""
    found = list(
        dict.fromkeys(_kind(table, find_device(table.type, catalog.devices)) for table in tables)
    )
    for n, kind in enumerate(found):
        same = [other for other in found if other.type == kind.type]
        if len(same) == 1:
            yield kind
            continue
        label = f"{kind.type} ({kind.memory_gib:g} GiB)"
        alike = [other for other in found[:n] if other.type == kind.type]
        twice = sum(1 for other in alike if other.memory_gib == kind.memory_gib)
        yield replace(kind, name=f"{label} #{twice + 1}" if twice else label)


def _kind(table: _Devices, device: DeviceType | None) -> Kind:
    usable = device.usable_gib.value if device else 0.0
    return Kind(table.type, table.type, table.memory_gib or usable, table.read_gb_s, device)


def _machines(asked: _File, kinds: Sequence[Kind], catalog: Catalog) -> Iterator[Machine]:
    number, zone = 0, zone_of(asked.timezone)
    for table in asked.devices:
        hours = read_hours(table.hours, zone) if table.hours else None
        device = find_device(table.type, catalog.devices)
        kind = _kind(table, device)
        column = next(n for n, one in enumerate(kinds) if replace(one, name=kind.name) == kind)
        for _ in range(table.count):
            yield Machine(
                index=number,
                type=column,
                node=table.node or f"node-{number}",
                memory_gib=kind.memory_gib,
                read_gb_s=table.read_gb_s,
                link=_link(table, device),
                pools=tuple(table.pools),
                tags=frozenset(table.tags),
                hours=hours,
            )
            number += 1


def _link(table: _Devices, device: DeviceType | None) -> str:
    said = device.link.kind if device and device.link else ""
    return table.link or next((link for link in _LINKS if said.startswith(link)), "pcie")


def _wrong(asked: _File, catalog: Catalog) -> Iterator[Problem]:
    """What only the whole file or the catalog shows."""
    count = sum(table.count for table in asked.devices)
    if count > MOST_DEVICES:
        yield Problem("devices", "are too many", str(count), str(MOST_DEVICES), _REMEDY)
    try:
        zone_of(asked.timezone)
    except InvalidInput as wrong:
        yield from wrong.problems
    for number, table in enumerate(asked.devices):
        device = find_device(table.type, catalog.devices)
        if problem := _untyped(number, table, device, catalog):
            yield problem
        try:
            read_hours(table.hours or "always", field=f"devices[{number}].hours")
        except InvalidInput as wrong:
            yield from wrong.problems


def _untyped(
    number: int, table: _Devices, device: DeviceType | None, catalog: Catalog
) -> Problem | None:
    if device is not None or table.memory_gib is not None:
        return None
    near = difflib.get_close_matches(table.type, list(catalog.devices), n=1)
    guess = f"Did you mean `{near[0]}`? " if near else ""
    return Problem(
        field=f"devices[{number}].type",
        message="is not a device of the catalog",
        value=table.type,
        limit="a device that `reelyard models --fit --all` lists, or a name with memory_gib",
        remedy=f"{guess}Correct it, or give memory_gib.",
    )


def _problem(error: Any) -> Problem:
    where = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]
    ).lstrip(".")
    limits = {k: v for k, v in (error.get("ctx") or {}).items() if k != "error"}
    return Problem(
        field=where,
        message=error["msg"],
        value=str(error.get("input", ""))[:80] if error["type"] != "missing" else "",
        limit=", ".join(f"{name} {value}" for name, value in limits.items())[:120],
        remedy=_REMEDY,
    )
