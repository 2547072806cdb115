"""Every model over every kind of device: can it run there, how, how long. Pure.

A farm gives the columns that it has; without one, the catalog's own device types are the columns.
Never asks a device: what is free now is the caller's `memory_gib`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reelyard.catalog import Catalog, DeviceType, VideoModel
from reelyard.predict.answer import Status
from reelyard.predict.ask import asked_shape, unmeasured
from reelyard.predict.forecast import UNKNOWN_HOST, Circumstances, Forecast, Host, basis, key_of
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.plans import ANYTHING, Wish, best, fits, ways
from reelyard.predict.request import Request
from reelyard.predict.shape import GIB, Shape
from reelyard.predict.subject import Subject, subject
from reelyard.predict.views import FitCell, FitDevice, FitMatrix, FitRow
from reelyard.predict.weights import held

_NOWHERE: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True, slots=True)
class Column:
    """Devices that are alike. `device` is None for one of no known type: then memory decides and
    time is not known. `memory_gib`: what a task may have there; `wish`: what must be kept to."""

    device: DeviceType | None
    name: str
    memory_gib: float
    count: int = 0
    id: str = ""
    host: Host = UNKNOWN_HOST
    wish: Wish = ANYTHING

    @property
    def key(self) -> str:
        """What names it among the columns."""
        return self.id or (self.device.id if self.device else self.name)


def catalog_columns(catalog: Catalog) -> tuple[Column, ...]:
    """Every type of device that the catalog knows, the smallest first, CPUs at the end."""
    order = sorted(
        catalog.devices.values(),
        key=lambda one: (one.is_cpu, one.usable_gib.value, one.id),
    )
    return tuple(Column(one, one.name, one.usable_gib.value) for one in order)


def matrix(
    catalog: Catalog,
    columns: Sequence[Column],
    lessons: Lessons = NOTHING,
    resident_on: Mapping[str, Sequence[str]] = _NOWHERE,
) -> FitMatrix:
    """The matrix at each model's own size and longest clip. `resident_on`: devices that hold a
    model now, by its id."""
    return FitMatrix(
        devices=[
            FitDevice(id=c.key, name=c.name, memory_gib=round(c.memory_gib, 2), count=c.count)
            for c in columns
        ],
        data=[
            _row(model, catalog, columns, lessons, resident_on.get(model.id, ()))
            for model in catalog.models.values()
        ],
    )


def weights_gib(model: VideoModel, catalog: Catalog) -> float:
    """All of the model's networks in its own number format, in GiB."""
    return sum(part.all for part in held(model, catalog, model.precision)) / GIB


def parameters(model: VideoModel, catalog: Catalog) -> int:
    """Of all its networks together."""
    return sum(catalog.components[part.component].parameters for part in model.parts)


def default_shape(model: VideoModel) -> Shape:
    """What a model is asked for when nothing is said: its size, its longest clip, its steps."""
    return asked_shape(Request(model=model.id, device="any"), model)


def _row(
    model: VideoModel,
    catalog: Catalog,
    columns: Sequence[Column],
    lessons: Lessons,
    resident_on: Sequence[str],
) -> FitRow:
    shape = default_shape(model)
    return FitRow(
        model=model.id,
        name=model.name,
        shape=f"{shape.width}x{shape.height}, {shape.frames} frames, {shape.steps} steps",
        weights_gib=round(weights_gib(model, catalog), 2),
        resident_on=list(resident_on),
        cells=[_cell(subject(model, catalog, shape, c.device), c, lessons) for c in columns],
    )


def _cell(asked: Subject, column: Column, lessons: Lessons) -> FitCell:
    if missing := unmeasured(asked.model, asked.catalog):
        said = f"{missing} was never measured: see `reelyard models add`"
        return FitCell(device=column.key, status=Status.UNKNOWN, because=said)
    under = Circumstances(column.host, lessons)
    found = ways(asked, column.wish, under)
    way = best(asked, found, column.memory_gib, under)
    return _can(asked, way, column, lessons) if way else _cannot(found, column)


def _can(asked: Subject, way: Forecast, column: Column, lessons: Lessons) -> FitCell:
    own = lessons.of(key_of(asked, way.plan))
    return FitCell(
        device=column.key,
        status=Status.OK,
        plan=way.plan.sentence(),
        bound_gib=round(way.bound_gib, 2),
        seconds=None if way.seconds is None else round(way.seconds, 2),
        is_measured=own is not None and (own.runs > 0 or own.timed > 0),
        because="; ".join((way.promise(column.memory_gib), *basis(asked, way.plan, lessons))),
    )


def _cannot(found: Sequence[Forecast], column: Column) -> FitCell:
    return FitCell(
        device=column.key,
        status=Status.INFEASIBLE,
        bound_gib=round(min(way.bound_gib for way in found), 2),
        because=shortfall(found, column.memory_gib, column.host),
    )


def shortfall(found: Sequence[Forecast], room_gib: float, host: Host = UNKNOWN_HOST) -> str:
    """Why none of these ways fits: what the leanest needs, of the device or of the node's RAM."""
    in_ram = [way for way in found if fits(way, float("inf"), host)]
    least = min(in_ram or found, key=lambda way: way.bound_gib)
    spared = min(found, key=lambda way: (way.bound_gib > room_gib, way.footprint.host_gib))
    said = f"needs {least.bound_gib:.1f} GiB even with {least.plan.sentence()}, has {room_gib:.1f}"
    if spared.bound_gib > room_gib:
        return said
    ram = f"{spared.footprint.host_gib:.1f} GiB of RAM, its node has {host.ram_gib or 0.0:.1f}"
    return f"{spared.plan.sentence()} would fit but needs {ram}"
