"""Stacked bars: shares of a whole as segments with a place and a width in percent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboard.marks import TASK_ORDER, mark
from reelyard.resources import DeviceView


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar; `start` and `width` are percent of the whole."""

    name: str
    tone: str
    start: float
    width: float
    text: str


def stacked(parts: Iterable[tuple[str, str, float, str]], whole: float) -> tuple[Segment, ...]:
    """(name, tone, amount, text) side by side; nothing runs over the end of the bar."""
    segments, start = [], 0.0
    for name, tone, amount, text in parts:
        width = min(100.0 * max(amount, 0.0) / whole, 100.0 - start) if whole > 0 else 0.0
        if width > 0:
            segments.append(Segment(name, tone, round(start, 2), round(width, 2), text))
            start += width
    return tuple(segments)


def task_bar(tasks: Mapping[str, int]) -> tuple[Segment, ...]:
    """The tasks of a job by state, what is done first."""
    total = sum(tasks.values())
    return stacked(
        (
            (mark(state).word, mark(state).tone, tasks.get(state, 0), str(tasks.get(state, 0)))
            for state in TASK_ORDER
        ),
        total,
    )


def used_gib(device: DeviceView) -> float:
    """What is not free, and at least what is known to be there: a CPU's figures come late."""
    used = max(device.memory_gib - device.free_gib, _resident(device) + device.foreign_gib, 0.0)
    return min(used, device.memory_gib)


def _resident(device: DeviceView) -> float:
    return sum(model.gib for model in device.resident)


def memory_bar(device: DeviceView) -> tuple[Segment, ...]:
    """Resident models | this task | other processes | free, in GiB.

    What is used and neither resident nor foreign belongs to what runs now; when nothing runs, it is
    what the runtime itself keeps."""
    used = used_gib(device)
    foreign = min(device.foreign_gib, used)
    resident = min(_resident(device), used - foreign)
    parts = (
        ("resident models", "resident", resident),
        ("this task" if device.running else "runtime", "task", used - foreign - resident),
        ("other processes", "foreign", foreign),
        ("free", "free", device.memory_gib - used),
    )
    shown = ((name, tone, amount, f"{amount:.1f} GiB") for name, tone, amount in parts)
    return tuple(
        segment for segment in stacked(shown, device.memory_gib) if segment.text != "0.0 GiB"
    )
