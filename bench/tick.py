"""One tick of the scheduler with very much of everything: a million waiting tasks of 500 shapes on
10,000 devices of 5 types, while devices end and start.

    python -m bench.tick                    p50, p99 and the longest of 300 ticks, and memory
    python -m bench.tick --tasks 100000 --devices 1000

A tick is telling the yard what ended and arrived, `decide` and `wake`; where it wants to go on at
once, the rest of that second's starts is a tick of its own. The first ticks, which fill an idle
farm, are said apart. A line is a shape of an owner, so owners count too. Only the
pure core runs: no database and no broker.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import json
import resource
import time
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.prices import Price
from coordinator.core.yard.terms import Terms, Urgency
from coordinator.core.yard.wishes import Start
from coordinator.core.yard.yard import Yard

_KINDS = ("orin64", "rtx4090", "rtx6000ada", "h100", "h200")
_SPEED, _LOADS = (24.0, 5.0, 4.5, 1.1, 1.0), (10.0, 6.0, 6.0, 5.0, 5.0)
_OF_KIND = (0.1, 0.4, 0.2, 0.2, 0.1)
_MODELS = 40
_MOST_FILLING = 400
AHEAD_SECONDS = 10.0
"""As in a living farm: short tasks are queued behind what is about to end."""


@dataclass(frozen=True, slots=True)
class Invented:
    """Prices of shapes that are numbers: seconds on the fastest kind, a model each."""

    seconds: tuple[float, ...]
    needs: tuple[int, ...]
    """The slowest kind that can run each."""

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        """Of one task of the shape on one device of the kind."""
        assert isinstance(shape, int) and isinstance(kind, str)
        at = _KINDS.index(kind)
        if at < self.needs[shape]:
            return Price(float("inf"))
        quirk = 1.0 + 0.3 * ((shape * 7 + at * 13) % 10) / 10
        return Price(self.seconds[shape] * _SPEED[at] * quirk, _LOADS[at], 10.0)

    def model(self, shape: Hashable) -> str:
        """One of 40."""
        assert isinstance(shape, int)
        return f"model-{shape % _MODELS}"


@dataclass(frozen=True, slots=True)
class Ticked:
    """What came out. Milliseconds of wall time; `grown_mib`: memory against an empty yard."""

    tasks: int
    shapes: int
    owners: int
    devices: int
    ticks: int
    filling_ticks: int
    filling_longest_ms: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    cpu_p99_ms: float
    starts_per_tick: float
    grown_mib: float


@dataclass(slots=True)
class Farm:
    """The yard, and what a farm around it would know."""

    yard: Yard
    rng: np.random.Generator
    shapes: int
    owners: int
    ends: list[tuple[float, str]]
    made: int = 0

    def arrive(self, count: int, now: float) -> None:
        """So many tasks come in."""
        shapes, owners = self.rng.integers(0, (self.shapes, self.owners), (count, 2)).T.tolist()
        for shape, owner in zip(shapes, owners, strict=True):
            band = Urgency.BATCH if owner < self.owners // 3 else Urgency.NORMAL
            key = LineKey(shape, f"owner-{owner}", band)
            self.yard.wait(f"task-{self.made:07}", key, now)
            self.made += 1

    def second(self, now: float, arrivals: int) -> Iterator[tuple[float, float, int]]:
        """The ticks of one second: wall and CPU seconds that each took, and starts."""
        goes_on = True
        while goes_on:
            took, goes_on = self._tick(now, arrivals)
            arrivals = 0
            yield took

    def _tick(self, now: float, arrivals: int) -> tuple[tuple[float, float, int], bool]:
        wall, cpu = time.perf_counter(), time.process_time()
        while self.ends and self.ends[0][0] <= now:
            self.yard.end(heapq.heappop(self.ends)[1], now)
        self.arrive(arrivals, now)
        found = self.yard.decide(now)
        wakes_at = self.yard.wake(now)
        took = time.perf_counter() - wall, time.process_time() - cpu
        for one in found:
            if isinstance(one, Start):
                noise = float(self.rng.lognormal(-0.074, 0.385))
                heapq.heappush(
                    self.ends,
                    (now + one.begins_in + one.load_seconds + one.seconds * noise, one.task),
                )
        return (*took, len(found)), wakes_at == now


def build(devices: int, shapes: int, owners: int, seed: int) -> Farm:
    """An idle farm without work."""
    rng = np.random.default_rng(seed)
    seconds = tuple(float(one) for one in rng.lognormal(np.log(20), 0.8, shapes))
    needs = tuple(int(one) for one in rng.choice(4, shapes, p=(0.4, 0.3, 0.2, 0.1)))
    yard = Yard(Invented(seconds, needs), OpenHouse({}), Terms(ahead_seconds=AHEAD_SECONDS))
    kinds = np.repeat(_KINDS, np.round(np.array(_OF_KIND) * devices).astype(int)).tolist()
    for number, kind in enumerate(kinds):
        yard.put(f"device-{number:05}", kind, f"node-{number // 8}")
    return Farm(yard, rng, shapes, owners, [])


def measure(tasks: int, devices: int, shapes: int, owners: int, ticks: int, seed: int) -> Ticked:
    """Fill the farm, then tick."""
    before = _resident_bytes()
    farm = build(devices, shapes, owners, seed)
    farm.arrive(tasks, 0.0)
    grown = (_resident_bytes() - before) / 2**20
    gc.collect()
    gc.freeze()
    filling, now = [], 0.0
    while farm.yard.seats.idle and len(filling) < _MOST_FILLING:
        now += 1.0
        filling += farm.second(now, 0)
        if not filling[-1][2]:
            break
    found: list[tuple[float, float, int]] = []
    while len(found) < ticks:
        now += 1.0
        found += farm.second(now, devices // 30)
    wall = np.array([one[0] for one in found]) * 1e3
    cpu = np.array([one[1] for one in found]) * 1e3
    return Ticked(
        *(tasks, shapes, owners, devices, len(found), len(filling)),
        round(max(one[0] for one in filling) * 1e3, 1),
        *(round(float(np.quantile(wall, part)), 1) for part in (0.5, 0.99, 1.0)),
        round(float(np.quantile(cpu, 0.99)), 1),
        round(float(np.mean([one[2] for one in found])), 1),
        round(max(grown, (_resident_bytes() - before) / 2**20), 1),
    )


def _resident_bytes() -> int:
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main() -> None:
    """The command line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--tasks", type=int, default=1_000_000)
    asked.add_argument("--devices", type=int, default=10_000)
    asked.add_argument("--shapes", type=int, default=500)
    asked.add_argument("--owners", type=int, default=4)
    asked.add_argument("--ticks", type=int, default=300)
    asked.add_argument("--seed", type=int, default=11)
    given = asked.parse_args()
    found = measure(
        *(given.tasks, given.devices, given.shapes, given.owners, given.ticks, given.seed)
    )
    print(json.dumps(asdict(found), indent=1))


if __name__ == "__main__":
    main()
