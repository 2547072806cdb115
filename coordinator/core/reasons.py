"""Why a task waits, or goes where it goes: sentences with numbers, for people. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isinf
from typing import TYPE_CHECKING

from coordinator.core.asks import kind_of, lane_of
from coordinator.core.decisions import Hold
from coordinator.core.filters import FILTERS, LASTING, Filter, refusal
from coordinator.core.foresight import Fit, Foresight, place_of
from coordinator.core.snapshot import Demand, Device, Waiting
from coordinator.core.yard.because import line_because
from coordinator.core.yard.wishes import Start, Step
from reelyard.stamps import stamp_near, until

if TYPE_CHECKING:
    from coordinator.core.living import LivingYard

_NAMED_DEVICES = 3
_BEFORE_IT = "a task before it"
_MANY_WAIT = 500
"""So many are told what all devices do, not each: it changes less often."""
STEP_SENTENCES: Mapping[Step, str] = {
    Step.STAY: "first in line",
    Step.SWAP: "first in line",
    Step.HURRY: "its owner has had less than others",
    Step.STARVED: "has waited too long for its model",
    Step.OFF_PLAN: "ends sooner here than by waiting for a better device",
    Step.BATCH: "its place in the batch",
    Step.LARGE: "all of the devices that it needs are free",
    Step.AHEAD: "next on this device, behind what is about to end",
    Step.BACKFILL: "ends before the device is needed for a larger task",
    Step.CLEARED: "the device was cleared for it",
}


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


@dataclass(slots=True)
class Reasons:
    """One moment's answers of a living farm."""

    farm: LivingYard
    verdicts: Verdicts = field(init=False)

    def __post_init__(self) -> None:
        self.verdicts = Verdicts(self.farm.estimates.foresight)

    def why_there(self, task: Waiting, device: Device, start: Start, fit: Fit) -> str:
        """Why the task goes to this device now."""
        return "; ".join((STEP_SENTENCES[start.step], *numbers(task, device, fit)))

    def of_line(self, line: int, task: Waiting, now: float) -> Hold:
        """Why the tasks of a line wait; one of them speaks for all."""
        devices = list(self.farm.devices.values())
        if not devices:
            return Hold(task, "no worker has joined the farm yet")
        if said := self._of_house(task, devices, now):
            return Hold(task, said)
        yard = self.farm.yard
        if yard.is_told_apart(line) or yard.lines.total() > _MANY_WAIT:
            return Hold(task, line_because(yard, line, now))
        return explain(task, devices, self.verdicts, self.farm.busy())

    def of_held(self, task: Waiting, now: float) -> Hold:
        """Why a task waits that could not start on any device yet. What nobody can ever run is told
        so, whatever power costs."""
        if said := own_reason(task, now):
            return Hold(task, said)
        devices, cheaper = list(self.farm.devices.values()), self.farm.thrift.cheaper(task, now)
        if devices and isinf(self.farm.best_seconds(task)):
            refused = [self.verdicts.lasting(task, device) for device in devices]
            if None not in refused:
                return explain(task, devices, self.verdicts, {})
        return Hold(task, cheaper.sentence(now) if cheaper else "")

    def _of_house(self, task: Waiting, devices: Sequence[Device], now: float) -> str:
        """What the farm's people do not want, where nothing else would be in the way."""
        rules, house = self.farm.estimates.rules, self.farm.house
        able = [d for d in devices if self.verdicts.lasting(task, d) is None]
        kinds = {kind_of(d, lane_of(task.kind), rules) for d in able}
        refused = {self.farm.estimates.house_refusal(task, kind) for kind in kinds}
        if refused and None not in refused:
            return f"nobody may run this: {'; '.join(sorted(said for said in refused if said))}"
        wanted = [k for k in kinds if self.farm.estimates.house_refusal(task, k) is None]
        opens = [house.opens_in(kind, now) for kind in wanted]
        if opens and min(opens) > 0:
            at = stamp_near(now + min(opens), now)
            return f"the devices that can run it are closed; the first opens at {at}"
        return ""


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


def is_resident(task: Waiting, device: Device) -> bool:
    """The task's model is in the device's memory."""
    return bool(task.model) and task.model in device.resident


def numbers(task: Waiting, device: Device, found: Fit) -> list[str]:
    """`bf16, model offload: at most 13.1 of 23.5 GiB`, `about 210 s`, as far as they are known."""
    said = []
    if task.video is not None:
        room = f"at most {found.gib:.1f} of {device.room_gib:.1f} GiB"
        said.append(f"{found.plan.sentence()}: {room}")
    if found.seconds is not None:
        said.append(f"about {found.seconds:.0f} s")
    if found.power_cap is not None:
        said.append(f"at {found.power_cap:.0%} of its power limit")
    if is_resident(task, device):
        said.append(f"{task.model} is in its memory")
    elif found.load_seconds is not None:
        said.append(f"about {found.load_seconds:.0f} s to load {task.model}")
    return said


def explain(
    task: Waiting, devices: Sequence[Device], verdicts: Verdicts, doing: Mapping[object, str]
) -> Hold:
    """Why no device takes it now, and whether any ever will. `doing`: by worker, device and lane
    what is under way there."""
    able = [d for d in devices if verdicts.lasting(task, d) is None]
    if not able:
        said = impossible_sentence(task, devices, verdicts.foresight)
        return Hold(task, said, for_ever=True)
    busy = [d for d in able if verdicts.refusal(task, d) is None]
    if busy:
        named = "; ".join(
            f"{d.title} is busy with {doing.get((*d.key, lane_of(task.kind)), _BEFORE_IT)}"
            for d in _few(busy)
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
