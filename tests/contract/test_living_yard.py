"""The farm in memory is the farm in the database, whatever has happened: histories at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from coordinator.core.foresight import Foresight
from coordinator.core.living import LivingYard
from coordinator.core.yard.seats import Run
from coordinator.steering import Steering
from coordinator.store.farm import read_snapshot
from reelyard.errors import Conflict
from reelyard.failure import FailureKind
from reelyard.messages import RunTask
from tests.support.farm_in_hand import CPU, FarmInHand

SPOKEN = {"picture": "a red circle moving left", "say": "Hello there."}
SILENT = {"picture": "a blue square moving up", "seconds": 3}


AHEAD_SECONDS = 10.0


@pytest.fixture(params=[0.0, AHEAD_SECONDS], ids=["one at a time", "ahead"])
def farm(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FarmInHand]:
    farm = FarmInHand(f"sqlite:///{tmp_path / 'farm.db'}", ahead_seconds=request.param)
    farm.hello()
    farm.turn()
    yield farm
    farm.database.close()


def kept(farm: FarmInHand) -> LivingYard:
    """What the loop has in memory, once it has looked."""
    return farm.loop._scheduler.catch_up()[0]


def built(farm: FarmInHand) -> LivingYard:
    """The same from the database alone."""
    with farm.database.read() as connection:
        snapshot = read_snapshot(connection, farm.clock.now(), farm.catalog)
    return LivingYard.of(snapshot, Foresight(farm.catalog, snapshot.lessons))


def told(yard: LivingYard) -> dict[str, Any]:
    """What decisions depend on."""
    inner = yard.yard
    lines = {inner.lines.key(n): sorted(inner.lines.tasks(n)) for n in inner.lines.standing()}
    seats = inner.seats
    return {
        "lines": lines,
        "held": sorted(yard.held),
        "runs": {
            task: (run.line, [seats.seats[n].key for n in run.seats])
            for task, run in inner.runs.items()
        },
        "attempts": yard.attempts,
        "seats": {
            seat.key: (list(inner.prices.kinds)[seat.kind], named(seat.run), named(seat.then))
            for seat in seats.seats
            if seat.is_open
        },
        "waiting": {name: int(inner.accounts.waiting[n]) for name, n in names(inner).items()},
        "running": {name: int(inner.accounts.running[n]) for name, n in names(inner).items()},
    }


def named(run: Run | None) -> str | None:
    return run and run.task


def names(inner: Any) -> dict[str, int]:
    accounts = inner.accounts
    busy = lambda n: accounts.waiting[n] or accounts.running[n]  # noqa: E731
    return {name: n for name, n in accounts.numbers.items() if busy(n)}


@pytest.mark.parametrize("seed", range(2))
def test_what_is_kept_is_what_would_be_built(farm: FarmInHand, seed: int) -> None:
    history = History(farm, random.Random(seed))
    for step in range(30):
        what = history.go_on()
        history.orders += farm.turn(seconds=1.0)
        assert told(kept(farm)) == told(built(farm)), f"after step {step}, {what}"
    assert history.done >= {"submit", "finish", "fail", "steer"}


class History:
    """Things that happen to a farm."""

    def __init__(self, farm: FarmInHand, dice: random.Random) -> None:
        self.farm, self.dice = farm, dice
        self.steering = Steering(farm.database, farm.clock, lambda: None)
        self.jobs: list[str] = []
        self.orders: list[RunTask] = []
        self.done: set[str] = set()

    def go_on(self) -> str:
        """One thing more; its name."""
        weights = {"submit": 3, "start": 3, "finish": 6, "fail": 2, "steer": 3, "worker": 2}
        what = self.dice.choices(list(weights), list(weights.values()))[0]
        if what in ("start", "finish", "fail") and not self.orders:
            what = "submit"
        getattr(self, what)()
        self.done.add(what)
        return what

    def submit(self) -> None:
        scenes = self.dice.choices([SPOKEN, SILENT], k=self.dice.randint(1, 3))
        self.jobs.append(self.farm.submit(*scenes))

    def start(self) -> None:
        self.farm.started(self.dice.choice(self.orders))

    def finish(self) -> None:
        order = self.orders.pop(self.dice.randrange(len(self.orders)))
        self.farm.finished(order)

    def fail(self) -> None:
        order = self.orders.pop(self.dice.randrange(len(self.orders)))
        self.farm.failed(order, FailureKind.UNKNOWN)

    def steer(self) -> None:
        job = self.dice.choice(self.jobs) if self.jobs else None
        if job is None or self.farm.job(job)["state"] not in ("queued", "running"):
            self.submit()
            return
        act = self.dice.choice(["hold", "release", "jump", "cancel"])
        if act == "cancel":
            self.farm.intake.cancel(job, "anna", "")
        else:
            self.turn(act, job)

    def turn(self, act: str, job: str) -> None:
        with suppress(Conflict):
            getattr(self.steering, act)(job, "anna", "")

    def worker(self) -> None:
        if self.dice.random() < 0.5:
            self.farm.hello(CPU, worker=self.dice.choice("wv"))
        else:
            self.farm.heartbeat()
