"""The machines as they really are: who runs what until when, and which model each holds.

Refuses whatever cannot be: a device given twice, too little memory, a closed door. Never decides,
never mends what a policy got wrong.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from coordinator.simulate.policy import Machine, Start, Stop, Task, World
from coordinator.simulate.runs import Outcome, Run, Runs
from coordinator.simulate.truth import Truth
from reelyard.errors import ReelyardError

_ROUNDING = 1e-9


class BrokenRule(ReelyardError):
    """A policy asked for what cannot be."""

    remedy = "This is a defect of the policy: please report it with the fleet and the workload."


@dataclass(slots=True)
class Going:
    """A run that is not over. `whole`: seconds that all of the task takes here; `done`: the part
    that earlier runs saved; `number` tells a changed end from the end it replaced."""

    task: int
    devices: tuple[int, ...]
    start: float
    load_seconds: float
    loads: int
    whole: float
    done: float
    end: float
    outcome: Outcome
    number: int

    @property
    def loaded(self) -> float:
        """When the work itself begins."""
        return self.start + self.load_seconds


class Floor:
    """All machines, and the runs on them."""

    def __init__(self, world: World, truth: Truth) -> None:
        self.runs = Runs()
        self.waiting: set[int] = set()
        self._world, self._truth = world, truth
        self._seconds = world.prices.seconds.tolist()
        self._load = world.prices.load_seconds.tolist()
        self._gib = world.prices.gib.tolist()
        self._busy: list[int | None] = [None] * len(world.machines)
        self._holds = [""] * len(world.machines)
        self._going: dict[int, Going] = {}
        self._saved: dict[int, float] = {}
        self._tries: dict[int, int] = {}
        self._ends: list[tuple[float, int, Going]] = []
        self._number = 0

    @property
    def is_still(self) -> bool:
        """Nothing runs."""
        return not self._going

    def next_end(self) -> float:
        """When the next run is over; endless when nothing runs."""
        while self._ends and self._ends[0][2].number != self._ends[0][1]:
            heapq.heappop(self._ends)
        return self._ends[0][0] if self._ends else math.inf

    def end_until(self, now: float) -> list[tuple[int, tuple[int, ...], bool]]:
        """The runs that are over now, as a policy is told of them."""
        ended = []
        while self.next_end() <= now:
            going = heapq.heappop(self._ends)[2]
            self._finish(going)
            ended.append((going.task, going.devices, going.outcome is Outcome.DONE))
        return ended

    def start(self, wish: Start, now: float) -> None:
        """Begin a run. Raises BrokenRule."""
        if why := self._refusal(wish, now):
            raise BrokenRule(
                f"the policy started task {self._name(wish.task)} on {wish.devices}: {why}."
            )
        task, machines = self._world.tasks[wish.task], self._world.machines
        kind = machines[wish.devices[0]].type
        fresh = [d for d in wish.devices if task.model and self._holds[d] != task.model]
        load = self._load[task.shape][kind] if fresh else 0.0
        whole = self._seconds[task.shape][kind] * self._truth.factor(wish.task)
        done = self._saved.get(wish.task, 0.0)
        left = whole * (1.0 - done)
        attempt = self._tries.get(wish.task, 0)
        part = self._truth.fails_at(wish.task, attempt)
        outcome = Outcome.DONE if part is None else Outcome.FAILED
        end = now + load + (left if part is None else left * part)
        self._number += 1
        going = Going(
            *(wish.task, wish.devices, now, load, len(fresh), whole, done, end, outcome),
            self._number,
        )
        if part is not None:
            self._tries[wish.task] = attempt + 1
        self._go(going)

    def stop(self, wish: Stop, now: float) -> None:
        """End a run after its present step; one that ends sooner anyway does. Raises BrokenRule."""
        going = self._going.get(wish.task)
        if going is None:
            raise BrokenRule(f"the policy stopped task {self._name(wish.task)}: it does not run.")
        task = self._world.tasks[wish.task]
        done = self._next_step(going, task, now)
        moment = max(now, going.loaded + (done - going.done) * going.whole)
        if moment >= going.end - _ROUNDING:
            return
        if task.can_checkpoint:
            self._saved[wish.task] = done
        going.end, going.outcome = moment, Outcome.STOPPED
        self._number += 1
        going.number = self._number
        heapq.heappush(self._ends, (moment, going.number, going))

    def _next_step(self, going: Going, task: Task, now: float) -> float:
        """The part of the task that is done at the end of the step that it is in."""
        steps = self._world.prices.steps[task.shape]
        done = going.done + max(0.0, now - going.loaded) / going.whole
        return min(1.0, math.ceil(done * steps - _ROUNDING) / steps) if steps else done

    def _go(self, going: Going) -> None:
        self.waiting.discard(going.task)
        self._going[going.task] = going
        for device in going.devices:
            self._busy[device] = going.task
        heapq.heappush(self._ends, (going.end, going.number, going))

    def _finish(self, going: Going) -> None:
        task = self._world.tasks[going.task]
        del self._going[going.task]
        for device in going.devices:
            self._busy[device] = None
            self._holds[device] = task.model or self._holds[device]
        if going.outcome is not Outcome.DONE:
            self.waiting.add(going.task)
        kind = self._world.machines[going.devices[0]].type
        self.runs.add(
            Run(
                *(going.task, kind, going.devices, going.start, going.load_seconds, going.end),
                *(going.loads, going.outcome),
            )
        )

    def _refusal(self, wish: Start, now: float) -> str | None:
        """Why it cannot be; None when it can."""
        if wish.task not in self.waiting:
            return "the task does not wait"
        task, devices = self._world.tasks[wish.task], wish.devices
        if len(set(devices)) != task.gang or len(devices) != task.gang:
            return f"the task wants {task.gang} devices"
        if any(not 0 <= device < len(self._busy) for device in devices):
            return "there is no such device"
        for device in devices:
            if (other := self._busy[device]) is not None:
                return f"device {device} runs task {self._name(other)}"
            if why := self._closed_or_small(task, self._world.machines[device], now):
                return f"device {device} {why}"
        return unjoined([self._world.machines[device] for device in devices])

    def _closed_or_small(self, task: Task, machine: Machine, now: float) -> str | None:
        if not math.isfinite(self._seconds[task.shape][machine.type]):
            return f"({self._world.types[machine.type]}) cannot run it"
        needs = self._gib[task.shape][machine.type]
        if needs > machine.memory_gib:
            return f"has {machine.memory_gib:g} GiB, the task needs {needs:g}"
        if machine.hours is not None and not machine.hours.is_open(self._world.starts + now):
            return "is closed"
        return None

    def _name(self, task: int) -> str:
        known = 0 <= task < len(self._world.tasks)
        return self._world.tasks[task].id if known else f"number {task}"


def unjoined(machines: list[Machine]) -> str | None:
    """Why these cannot work as one; None when they can: of one type, on one node or all on a
    network that joins nodes."""
    if len({machine.type for machine in machines}) > 1:
        return "its devices are of several types"
    if len({machine.node for machine in machines}) > 1 and any(
        machine.link != "ethernet" for machine in machines
    ):
        return "its devices are on several nodes without a network between them"
    return None
