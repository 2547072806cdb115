"""Whose turn it is: every owner has an account of what was used, in seconds priced by device, over
their weight; the farm's virtual time is what each would have used had all been served evenly. Who
is ahead of it by more than a window comes after the others; within the window everybody may be
served, so that resident models are not thrown out for the sake of a few seconds.

Virtual time as in weighted fair queueing (Demers, Keshav, Shenker 1989), charged at the start and
corrected at the end. An owner who comes back after a pause starts at the present: nobody saves up.
What was used beyond one's share is forgotten at a half-life.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import numpy as np

from coordinator.core.yard.prices import Bools, Floats, Ints

_FIRST = 16
_RECENT = 0.05  # weight of the newest start in what is typical


@dataclass(slots=True)
class Accounts:
    """Owners by number, in the order they came. `used` is over the weight."""

    numbers: dict[str, int] = field(default_factory=dict)
    used: Floats = field(default_factory=lambda: np.zeros(_FIRST))
    weight: Floats = field(default_factory=lambda: np.ones(_FIRST))
    most_running: Floats = field(default_factory=lambda: np.full(_FIRST, inf))
    waiting: Ints = field(default_factory=lambda: np.zeros(_FIRST, dtype=np.int64))
    running: Ints = field(default_factory=lambda: np.zeros(_FIRST, dtype=np.int64))
    typical_load: float = 0.0
    typical_task: float = 0.0
    settled_at: float = 0.0
    virtual: float = 0.0

    def __len__(self) -> int:
        return len(self.numbers)

    def names(self) -> list[str]:
        """By number."""
        return list(self.numbers)

    def owner(self, name: str, weight: float = 1.0, most_running: float = inf) -> int:
        """The owner's number; the weight and the cap count for a new one."""
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.numbers)
            self._grow()
            self.used[number] = 0.0
            self.agree(number, weight, most_running)
        return number

    def agree(self, owner: int, weight: float, most_running: float = inf) -> None:
        """From now on this is the owner's share and cap."""
        self.weight[owner], self.most_running[owner] = weight, most_running

    def wait(self, owner: int) -> None:
        """One more task waits. The first one after a pause starts at the present."""
        if self.waiting[owner] == 0:
            self.used[owner] = max(self.used[owner], self.virtual)
        self.waiting[owner] += 1

    def charge(self, owner: int, seconds: float) -> None:
        """Priced seconds; less than nothing corrects what was predicted too high."""
        count = len(self.numbers)
        active = self.waiting[:count] > 0
        active[owner] = True
        self.virtual += seconds / float(self.weight[:count][active].sum())
        self.used[owner] += seconds / self.weight[owner]

    def note(self, load_seconds: float, run_seconds: float) -> None:
        """What a start took, priced: what is typical follows."""
        part = _RECENT if self.typical_task else 1.0
        self.typical_task += part * (run_seconds - self.typical_task)
        if load_seconds > 0:
            part = _RECENT if self.typical_load else 1.0
            self.typical_load += part * (load_seconds - self.typical_load)

    def window(self, loads: float, tasks: float) -> float:
        """So many typical loads and tasks, in priced seconds."""
        return loads * self.typical_load + tasks * self.typical_task

    def set_ahead(self, owner: int, seconds: float) -> None:
        """As it was before: priced seconds beyond the owner's fair part."""
        self.used[owner] = self.virtual + seconds / self.weight[owner]

    def ahead(self) -> Floats:
        """[owners] priced seconds beyond one's fair part; below 0: behind."""
        count = len(self.numbers)
        return np.asarray((self.used[:count] - self.virtual) * self.weight[:count])

    def part_of(self, devices: float) -> Floats:
        """[owners] devices of so many that each would have, were they shared by weight among those
        with waiting work."""
        count = len(self.numbers)
        weight = np.where(self.waiting[:count] > 0, self.weight[:count], 0.0)
        return np.asarray(devices * weight / max(float(weight.sum()), 1e-9))

    def below_cap(self) -> Bools:
        """[owners] who may have one more task running."""
        count = len(self.numbers)
        return np.asarray(self.running[:count] < self.most_running[:count], dtype=np.bool_)

    def forget(self, now: float, half_life_seconds: float) -> None:
        """Use beyond one's part fades, and so does what nobody could serve."""
        passed, self.settled_at = now - self.settled_at, now
        if passed <= 0:
            return
        count = len(self.numbers)
        over = self.used[:count] - self.virtual
        self.used[:count] = self.virtual + over * 0.5 ** (passed / half_life_seconds)

    def _grow(self) -> None:
        if len(self.numbers) <= len(self.used):
            return
        self.used = np.concatenate([self.used, np.zeros_like(self.used)])
        self.weight = np.concatenate([self.weight, np.ones_like(self.weight)])
        endless = np.full_like(self.most_running, inf)
        self.most_running = np.concatenate([self.most_running, endless])
        self.waiting = np.concatenate([self.waiting, np.zeros_like(self.waiting)])
        self.running = np.concatenate([self.running, np.zeros_like(self.running)])
