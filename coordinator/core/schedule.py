"""The first scheduler: who matters most and has waited longest chooses first; of the devices that
can, the one that is soonest done is taken; every task that waits is told why.

Verdicts are found once per demand and group of alike devices, so a tick does not grow with tasks
times devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.core.decisions import Assign, Decision, Hold
from coordinator.core.filters import FILTERS, LASTING, Filter, refusal
from coordinator.core.foresight import Fit, Foresight, foresight_of, place_of
from coordinator.core.snapshot import Demand, Device, Snapshot, Waiting
from reelyard.stamps import stamp_near, until

_NAMED_DEVICES = 3


@dataclass(slots=True)
class Verdicts:
    """What each group of alike devices says to each demand, remembered for one tick."""

    foresight: Foresight
    groups: dict[tuple[str, str], int] = field(default_factory=dict)
    numbers: dict[object, int] = field(default_factory=dict)
    known: dict[tuple[Demand, int, int], str | None] = field(default_factory=dict)

    def refusal(self, task: Waiting, device: Device) -> str | None:
        """A sentence, or None when the device may take the task."""
        return self._said(task, device, FILTERS)

    def lasting(self, task: Waiting, device: Device) -> str | None:
        """The same, of what does not pass by itself."""
        return self._said(task, device, LASTING)

    def _said(self, task: Waiting, device: Device, filters: Sequence[Filter]) -> str | None:
        key = (task.demand, self._group(device), len(filters))
        if key not in self.known:
            self.known[key] = refusal(task, device, self.foresight, filters)
        return self.known[key]

    def _group(self, device: Device) -> int:
        if device.key not in self.groups:
            number = self.numbers.setdefault(alike(device), len(self.numbers))
            self.groups[device.key] = number
        return self.groups[device.key]


def alike(device: Device) -> tuple[object, ...]:
    """Devices that are equal in this answer every task the same."""
    held = (device.models, device.voices)
    room = (device.memory_gib, device.foreign_gib)
    return (device.state, device.kind, place_of(device), room, held)


def schedule(farm: Snapshot, foresight: Foresight | None = None) -> list[Decision]:
    """One decision per waiting task, each with its reason. A foresight of the same catalog and
    lessons spares asking the predictor anew."""
    verdicts, decisions = Verdicts(foresight or foresight_of(farm)), list[Decision]()
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
        best = min(able, key=lambda device: preference(task, device, verdicts.foresight))
        decisions.append(assign(task, best, verdicts.foresight, len(able)))
        del idle[best.key]
    return decisions


def own_reason(task: Waiting, now: float) -> str:
    """Why the task cannot run anywhere yet; empty when it can."""
    if task.held_because is not None:
        return f"its job is held: {task.held_because}"
    if task.paused:
        return "its job is paused"
    if task.start_after is not None and task.start_after > now:
        at = stamp_near(task.start_after, now)
        return f"starts at {at} ({until(task.start_after - now)})"
    if task.open_needs:
        shown = task.open_needs[:_NAMED_DEVICES]
        more = len(task.open_needs) - len(shown)
        return "waits for " + ", ".join(shown) + (f" and {more} more" if more else "")
    if task.not_before > now:
        return f"tries again in {task.not_before - now:.0f} s"
    return ""


def preference(task: Waiting, device: Device, foresight: Foresight) -> tuple[object, ...]:
    """Smaller is better: a GPU for pictures; soonest done, with the load where the model is not in
    memory; where time is not known, the model is there, then the least memory that will do."""
    seconds = finish(task, device, foresight.fit(task, device))
    return (
        task.video is not None and device.kind == "cpu",
        seconds is None,
        seconds or 0.0,
        not is_resident(task, device),
        device.room_gib,
        device.key,
    )


def is_resident(task: Waiting, device: Device) -> bool:
    """The task's model is in the device's memory."""
    return bool(task.model) and task.model in device.resident


def finish(task: Waiting, device: Device, found: Fit | None) -> float | None:
    """Seconds from now until it would be done there; None when not known."""
    if found is None or found.seconds is None:
        return None
    return found.seconds + (0.0 if is_resident(task, device) else found.load_seconds or 0.0)


def assign(task: Waiting, device: Device, foresight: Foresight, able: int) -> Assign:
    """The decision, with the plan that fits and the reason."""
    found = foresight.fit(task, device)
    assert found is not None  # its memory filter said so
    why = f"first in line; best of {able} able device{'s' if able > 1 else ''}"
    return Assign(task, device, found, "; ".join((why, *numbers(task, device, found))))


def numbers(task: Waiting, device: Device, found: Fit) -> list[str]:
    """`bf16, model offload: at most 13.1 of 23.5 GiB`, `about 210 s`, as far as they are known."""
    said = []
    if task.video is not None:
        room = f"at most {found.gib:.1f} of {device.room_gib:.1f} GiB"
        said.append(f"{found.plan.sentence()}: {room}")
    if found.seconds is not None:
        said.append(f"about {found.seconds:.0f} s")
    if is_resident(task, device):
        said.append(f"{task.model} is in its memory")
    elif found.load_seconds is not None:
        said.append(f"about {found.load_seconds:.0f} s to load {task.model}")
    return said


def explain(task: Waiting, farm: Snapshot, verdicts: Verdicts) -> Hold:
    """Why no device takes it now, and whether any ever will."""
    if not farm.devices:
        return Hold(task, "no worker has joined the farm yet")
    able = [d for d in farm.devices if verdicts.lasting(task, d) is None]
    if not able:
        said = impossible_sentence(task, farm.devices, verdicts.foresight)
        return Hold(task, said, for_ever=True)
    busy = [d for d in able if verdicts.refusal(task, d) is None]
    if busy:
        named = "; ".join(
            f"{d.title} is busy with {d.busy or 'a task before it'}" for d in _few(busy)
        )
        return Hold(task, f"{named}{_and_more(busy)}")
    away = "; ".join(f"{d.title}: {verdicts.refusal(task, d)}" for d in _few(able))
    return Hold(task, f"{away}{_and_more(able)}")


def impossible_sentence(task: Waiting, devices: Sequence[Device], foresight: Foresight) -> str:
    """`nobody can ever run this: ...`, with the numbers that matter."""
    no_memory = [
        d
        for d in devices
        if refusal(task, d, foresight, LASTING[:-1]) is None
        and refusal(task, d, foresight, LASTING)
    ]
    if not no_memory:
        said = sorted({refusal(task, d, foresight, LASTING) or "" for d in devices})
        return f"nobody can ever run this: {'; '.join(said[:_NAMED_DEVICES])}"
    largest = max(no_memory, key=lambda d: d.room_gib)
    least, room = foresight.least_gib(task, largest), largest.room_gib
    if least <= room:
        said_of_ram = foresight.shortfall(task, largest)
        return f"nobody can ever run this: {largest.title}: {said_of_ram}"
    return (
        f"nobody can ever run this: it needs {least:.1f} GiB on one device; "
        f"the largest has {room:.1f} ({largest.title})"
    )


def _few(devices: list[Device]) -> list[Device]:
    return devices[:_NAMED_DEVICES]


def _and_more(devices: list[Device]) -> str:
    more = len(devices) - _NAMED_DEVICES
    return f"; and {more} more" if more > 0 else ""
