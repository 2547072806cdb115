"""The page of models: which fits on which kind of device, and which is in memory now. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.format import brief, count, gib
from dashboard.marks import Mark
from reelyard.predict.answer import Status
from reelyard.predict.views import FitCell, FitDevice, FitMatrix, FitRow
from reelyard.resources import DeviceView, ModelView, ResidentView, WorkerView
from reelyard.states import WorkerState

FITS: Final = Mark("F", "check", "fits", "good")
LEANER: Final = Mark("L", "half", "fits leaner", "soon")
NO: Final = Mark("N", "cross", "does not fit", "off")
UNKNOWN: Final = Mark("?", "ask", "not known", "wait")
MARKS: Final = (FITS, LEANER, NO, UNKNOWN)

SHOWN: Final = {"": "all", "fits": "can run", "none": "do not fit", "unknown": "not known"}
"""What the list may be narrowed to, by the word in the address."""

_LEANER = re.compile(r"\b(offload|fp8|int8|tiled|tiling)\b")
_STEPS = re.compile(r", \d+ steps$")
_NUMBER = re.compile(r"\d+|\D+")
_MAKERS = re.compile(r"^(NVIDIA|AMD|Intel|Apple)\s+|\bGeForce\s+|\s+(Generation|Edition)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A kind of device. `note`: its memory, and how many of them the farm has."""

    device: FitDevice
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Fit:
    """One cell: `figure` is the time of a default clip, or the memory it would need; `note` the
    plan and its bound where there is room; `title` says all. `share`: of the device's memory."""

    column: Column
    cell: FitCell
    mark: Mark
    figure: str
    note: str
    title: str
    share: float | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model over all columns. `summary`: the row in one sentence, for narrow screens."""

    row: FitRow
    fits: tuple[Fit, ...]
    shape: str
    state: str
    mark: Mark
    summary: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of the list, and how many models it would show."""

    show: str
    word: str
    number: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class FitTable:
    """The matrix as it is shown."""

    columns: tuple[Column, ...]
    rows: tuple[ModelRow, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Residents:
    """A device that holds models now."""

    node: str
    device: DeviceView
    models: tuple[ResidentView, ...]


def fit_table(matrix: FitMatrix, query: str, show: str) -> FitTable:
    """Large devices first, those of the farm before others; models that can run before the rest."""
    is_mixed = any(not device.count for device in matrix.devices)
    ordered = sorted(matrix.devices, key=_largest_first)
    columns = tuple(_column(device, is_mixed) for device in ordered)
    named = query.strip().lower()
    rows = [
        model_row(row, columns)
        for row in matrix.data
        if named in row.name.lower() or named in row.model.lower()
    ]
    order = list(SHOWN)
    rows.sort(key=lambda one: (order.index(one.state), _by_number(one.row.name)))
    shown = tuple(one for one in rows if not show or one.state == show)
    return FitTable(columns, shown, _choices(rows, show))


def model_row(row: FitRow, columns: Sequence[Column]) -> ModelRow:
    """The cells in the order of the columns; one that is missing is not known."""
    cells: Mapping[str, FitCell] = {cell.device: cell for cell in row.cells}
    fits = tuple(
        _fit(column, cells.get(column.device.id) or _nothing(column)) for column in columns
    )
    shape = _STEPS.sub("", row.shape).replace("x", "\N{MULTIPLICATION SIGN}", 1)
    return ModelRow(row, fits, shape, _state(fits), _best(fits), _summary(fits))


def residents(workers: Sequence[WorkerView]) -> tuple[Residents, ...]:
    """What is in memory now, by device; devices that hold nothing are left out."""
    return tuple(
        Residents(worker.node, device, tuple(sorted(device.resident, key=lambda one: -one.gib)))
        for worker in sorted(workers, key=lambda one: one.node)
        if worker.state is not WorkerState.OFFLINE
        for device in worker.devices
        if device.resident
    )


def voices(known: Sequence[ModelView], query: str) -> tuple[ModelView, ...]:
    """Those that a worker can speak with come first."""
    named = query.strip().lower()
    found = [
        one
        for one in known
        if one.kind == "voice" and (named in one.name.lower() or named in one.id.lower())
    ]
    return tuple(sorted(found, key=lambda one: (not one.available_on, one.name.lower())))


def mark_of(cell: FitCell) -> Mark:
    """Leaner is what costs time or touches the numbers to save memory."""
    if cell.status is Status.INFEASIBLE:
        return NO
    if cell.status is Status.UNKNOWN:
        return UNKNOWN
    return LEANER if _LEANER.search(cell.plan) else FITS


def _by_number(name: str) -> list[tuple[int, str]]:
    """`7B` before `14B`."""
    parts = _NUMBER.findall(name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _largest_first(device: FitDevice) -> tuple[bool, float, str]:
    return not device.count, -device.memory_gib, device.name


def _column(device: FitDevice, is_mixed: bool) -> Column:
    """`is_mixed`: among devices that are elsewhere, also a single one says that it is here."""
    here = f" · {device.count} here" if device.count > (0 if is_mixed else 1) else ""
    return Column(device, _MAKERS.sub("", device.name), f"{device.memory_gib:.0f} GiB{here}")


def _nothing(column: Column) -> FitCell:
    return FitCell(device=column.device.id, status=Status.UNKNOWN)


def _fit(column: Column, cell: FitCell) -> Fit:
    mark = mark_of(cell)
    room = column.device.memory_gib
    share = min(1.0, cell.bound_gib / room) if cell.bound_gib is not None and room else None
    note = {FITS: memory_said(cell), LEANER: memory_said(cell), NO: mark.word}.get(mark, "")
    return Fit(column, cell, mark, _figure(cell), note, _title(column, cell, mark), share)


def _figure(cell: FitCell) -> str:
    if cell.status is Status.OK:
        return brief(cell.seconds)
    if cell.status is Status.UNKNOWN:
        return UNKNOWN.word
    return gib(cell.bound_gib, 0) if cell.bound_gib is not None else ""


def _title(column: Column, cell: FitCell, mark: Mark) -> str:
    parts = (f"{column.name}: {mark.word}", clip_time(cell), cell.because or memory_said(cell))
    return "; ".join(part for part in parts if part)


def memory_said(cell: FitCell) -> str:
    """`bf16, model offload: at most 17.9 GiB`, or `needs 31.2 GiB`."""
    if cell.bound_gib is None:
        return cell.plan
    if cell.status is not Status.OK:
        return f"needs {gib(cell.bound_gib)}"
    return f"{cell.plan}: at most {gib(cell.bound_gib)}"


def reasons(cell: FitCell) -> tuple[str, ...]:
    """Why, a line each, the plan and its memory first: once, whoever says it."""
    said = tuple(part.strip() for part in cell.because.split("; ") if part.strip())
    if cell.status is not Status.OK or (said and said[0].startswith(f"{cell.plan}:")):
        return said
    return tuple(part for part in (memory_said(cell), *said) if part)


def clip_time(cell: FitCell) -> str:
    """`about 6 min`, and whether this farm has measured it."""
    if cell.seconds is None or cell.status is not Status.OK:
        return ""
    return f"about {brief(cell.seconds)}, {'measured here' if cell.is_measured else 'predicted'}"


def _here(fits: Sequence[Fit]) -> Sequence[Fit]:
    """Cells of devices that the farm has; of all, while it has none."""
    return [fit for fit in fits if fit.column.device.count] or fits


def _state(fits: Sequence[Fit]) -> str:
    statuses = {fit.cell.status for fit in _here(fits)}
    if Status.OK in statuses:
        return "fits"
    return "none" if Status.INFEASIBLE in statuses else "unknown"


def _best(fits: Sequence[Fit]) -> Mark:
    """The best that any device of the farm can say."""
    found = {fit.mark for fit in _here(fits)}
    return next((mark for mark in MARKS if mark in found), UNKNOWN)


def _summary(fits: Sequence[Fit]) -> str:
    here = _here(fits)
    able = [fit for fit in here if fit.cell.status is Status.OK]
    if not able:
        return _nowhere(here)
    said = f"fits {len(able)} of {_kinds(here)}"
    timed = [fit for fit in able if fit.cell.seconds is not None]
    if not timed:
        return said
    soonest = min(timed, key=lambda fit: fit.cell.seconds or 0.0)
    return f"{said}, soonest {soonest.figure} on {soonest.column.name}"


def _nowhere(here: Sequence[Fit]) -> str:
    if all(fit.mark is UNKNOWN for fit in here):
        return f"not known on {_kinds(here)}"
    needs = [fit.cell.bound_gib for fit in here if fit.cell.bound_gib is not None]
    least = f", needs {gib(min(needs), 0)} or more" if needs else ""
    return f"fits none of {_kinds(here)}{least}"


def _kinds(here: Sequence[Fit]) -> str:
    return count(len(here), "kind", "kinds")


def _choices(rows: Sequence[ModelRow], chosen: str) -> tuple[Choice, ...]:
    numbers = {show: sum(row.state == show for row in rows) for show in SHOWN}
    numbers[""] = len(rows)
    return tuple(
        Choice(show, word, numbers[show], chosen == show)
        for show, word in SHOWN.items()
        if numbers[show] or chosen == show or not show
    )
