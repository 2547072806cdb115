"""Which models fit the devices that the farm has: alike devices as one column each. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from coordinator.core.foresight import device_type, host_of, wish_of
from coordinator.core.snapshot import Device
from reelyard.catalog import Catalog
from reelyard.predict import matrix as predicted
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.matrix import Column
from reelyard.predict.views import FitMatrix
from reelyard.states import WorkerState


def matrix(catalog: Catalog, devices: Sequence[Device], lessons: Lessons = NOTHING) -> FitMatrix:
    """Every model over the devices of workers that are here."""
    found = columns(catalog, devices)
    return with_residents(predicted.matrix(catalog, found, lessons), devices)


def columns(catalog: Catalog, devices: Sequence[Device]) -> tuple[Column, ...]:
    """Alike devices together, with the room of the one that has most; CPUs at the end."""
    groups: dict[tuple[object, ...], list[Device]] = defaultdict(list)
    for device in devices:
        if device.state is not WorkerState.OFFLINE:
            groups[_kind(device)].append(device)
    order = sorted(groups.values(), key=lambda g: (g[0].kind == "cpu", g[0].memory_gib, g[0].key))
    shared = Counter(_short_id(group[0]) for group in order)
    found: list[Column] = []
    for group in order:
        short = _short_id(group[0])
        taken = {column.id for column in found}
        found.append(_column(catalog, group, short if shared[short] == 1 else "", taken))
    return tuple(found)


def with_residents(found: FitMatrix, devices: Sequence[Device]) -> FitMatrix:
    """The matrix with where each model is in memory now."""
    where = residents(devices)
    rows = [
        row.model_copy(update={"resident_on": list(where.get(row.model, ()))}) for row in found.data
    ]
    return found.model_copy(update={"data": rows})


def residents(devices: Sequence[Device]) -> Mapping[str, Sequence[str]]:
    """Devices that hold a model now, by its id."""
    where: dict[str, list[str]] = defaultdict(list)
    for device in sorted(devices, key=lambda one: one.key):
        if device.state is not WorkerState.OFFLINE:
            for model in device.resident:
                where[model].append(device.title)
    return where


def _kind(device: Device) -> tuple[object, ...]:
    """What a prediction depends on, but for what is free at the moment."""
    described = (device.catalog_type or device.name, device.kind, device.unified)
    return (*described, round(device.memory_gib), host_of(device))


def _short_id(device: Device) -> str:
    return device.catalog_type or device.name


def _column(catalog: Catalog, group: Sequence[Device], id: str, taken: set[str]) -> Column:
    roomiest = max(group, key=lambda device: device.room_gib)
    kind, names = device_type(roomiest, catalog), {device.name for device in group}
    sized = f"{_short_id(roomiest)} {roomiest.memory_gib:.0f} GiB"
    several = (f"{sized} ({number})" for number in range(2, len(taken) + 3))
    return Column(
        device=kind,
        name=kind.name if kind and roomiest.kind != "cpu" else ", ".join(sorted(names)),
        memory_gib=round(max(0.0, roomiest.room_gib), 1),
        count=len(group),
        id=id or next(name for name in (sized, *several) if name not in taken),
        host=host_of(roomiest),
        wish=wish_of(roomiest),
    )
