"""The first scheduler: who matters most and has waited longest chooses first; a device that already
holds the model is preferred; every task that waits is told why.

Verdicts are found once per demand and device, so a tick does not grow with tasks times devices.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from coordinator.core.decisions import Assign, Decision, Hold
from coordinator.core.filters import LASTING, fit, least_gib, refusal
from coordinator.core.snapshot import Demand, Device, Snapshot, Waiting

_NAMED_DEVICES = 3


@dataclass(slots=True)
class Verdicts:
    """What each device says to each demand, remembered for one tick."""

    farm: Snapshot
    known: dict[tuple[Demand, tuple[str, str]], str | None] = field(default_factory=dict)

    def refusal(self, task: Waiting, device: Device) -> str | None:
        """A sentence, or None when the device may take the task."""
        key = (task.demand, device.key)
        if key not in self.known:
            self.known[key] = refusal(task, device, self.farm.catalog)
        return self.known[key]


def schedule(farm: Snapshot) -> list[Decision]:
    """One decision per waiting task, each with its reason."""
    verdicts, decisions = Verdicts(farm), list[Decision]()
    idle = {device.key: device for device in farm.devices if not device.busy}
    reasons: dict[Demand, Hold] = {}

    # 1. Whoever matters most, then whoever has waited longest, chooses first.
    for task in sorted(farm.waiting, key=lambda task: task.order):
        # 2. What it waits for itself comes before any device.
        if not_yet := own_reason(task, farm.now):
            decisions.append(Hold(task, not_yet))
            continue

        # 3. Alike tasks that were refused before it are refused for the same reason.
        if task.demand in reasons:
            said = reasons[task.demand]
            decisions.append(Hold(task, said.because, said.for_ever))
            continue

        # 4. Which devices could run it, and which suits it best? Names break ties.
        able = [d for d in idle.values() if verdicts.refusal(task, d) is None]
        if not able:
            reasons[task.demand] = explain(task, farm, verdicts)
            decisions.append(reasons[task.demand])
            continue

        # 5. Nobody after it may have that device.
        best = min(able, key=lambda device: preference(task, device))
        decisions.append(assign(task, best, farm, len(able)))
        del idle[best.key]
    return decisions


def own_reason(task: Waiting, now: float) -> str:
    """Why the task cannot run anywhere yet; empty when it can."""
    if task.paused:
        return "its job is paused"
    if task.open_needs:
        shown = task.open_needs[:_NAMED_DEVICES]
        more = len(task.open_needs) - len(shown)
        return "waits for " + ", ".join(shown) + (f" and {more} more" if more else "")
    if task.not_before > now:
        return f"tries again in {task.not_before - now:.0f} s"
    return ""


def preference(task: Waiting, device: Device) -> tuple[bool, bool, float, tuple[str, str]]:
    """Smaller is better: the model is there; a GPU for pictures; the least memory that will do."""
    return (
        task.model not in device.resident and bool(task.model),
        task.video is not None and device.kind == "cpu",
        device.memory_gib - device.foreign_gib,
        device.key,
    )


def assign(task: Waiting, device: Device, farm: Snapshot, able: int) -> Assign:
    """The decision, with the plan that fits and the reason."""
    found = fit(task, device, farm.catalog)
    assert found is not None  # its memory filter said so
    why = f"first in line; best of {able} able device{'s' if able > 1 else ''}"
    if task.model in device.resident:
        why += f"; {task.model} is in its memory"
    return Assign(task, device, found.plan, round(found.gib, 3), why)


def explain(task: Waiting, farm: Snapshot, verdicts: Verdicts) -> Hold:
    """Why no device takes it now, and whether any ever will."""
    catalog = farm.catalog
    if not farm.devices:
        return Hold(task, "no worker has joined the farm yet")
    able = [d for d in farm.devices if refusal(task, d, catalog, LASTING) is None]
    if not able:
        return Hold(task, impossible_sentence(task, farm.devices, farm), for_ever=True)
    busy = [d for d in able if verdicts.refusal(task, d) is None]
    if busy:
        named = "; ".join(
            f"{d.title} is busy with {d.busy or 'a task before it'}" for d in _few(busy)
        )
        return Hold(task, f"{named}{_and_more(busy)}")
    away = "; ".join(f"{d.title}: {verdicts.refusal(task, d)}" for d in _few(able))
    return Hold(task, f"{away}{_and_more(able)}")


def impossible_sentence(task: Waiting, devices: tuple[Device, ...], farm: Snapshot) -> str:
    """`nobody can ever run this: ...`, with the numbers that matter."""
    catalog = farm.catalog
    no_memory = [
        d
        for d in devices
        if refusal(task, d, catalog, LASTING[:-1]) is None and refusal(task, d, catalog, LASTING)
    ]
    if no_memory:
        largest = max(no_memory, key=lambda d: d.memory_gib - d.foreign_gib)
        free = largest.memory_gib - largest.foreign_gib
        least = least_gib(task, largest.kind, catalog)
        return (
            f"nobody can ever run this: it needs {least:.1f} GiB on one device; "
            f"the largest has {free:.1f} ({largest.title})"
        )
    said = sorted({refusal(task, d, catalog, LASTING) or "" for d in devices})
    return f"nobody can ever run this: {'; '.join(said[:_NAMED_DEVICES])}"


def _few(devices: list[Device]) -> list[Device]:
    return devices[:_NAMED_DEVICES]


def _and_more(devices: list[Device]) -> str:
    more = len(devices) - _NAMED_DEVICES
    return f"; and {more} more" if more > 0 else ""
