"""The engine process: one per device, living on between tasks so that models stay resident.

It runs one attempt at a time, as its lane says, and tells how it goes over a pipe. It knows neither
the broker nor the coordinator. When its parent is gone, so is it.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal, TypeVar

from reelyard.catalog import Catalog, load_catalog
from reelyard.clock import Clock, SystemClock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import Measured, RunTask
from reelyard.parentage import end_with_parent
from reelyard.plan import Plan
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore
from reelyard.storage.locate import open_store
from reelyard.task import Result
from worker.desk import Stopped
from worker.diagnose import diagnose
from worker.engines.meter import Meter
from worker.residency import Residency
from worker.workspace import scratch

T = TypeVar("T")
log = logging.getLogger(__name__)

_TOLD_EVERY_SECONDS = 0.2
_WARM_STEPS = ("voice", "video", "compose")


@dataclass(frozen=True, slots=True)
class Bench:
    """What an engine process is given at birth. `steps` names the package of step modules."""

    device_id: str
    memory_gib: float
    folder: Path
    settings: Settings
    steps: str = "worker.steps"


@dataclass(frozen=True, slots=True)
class Stop:
    """The attempt is not wanted any more."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the engine says of an attempt, or of itself (`ready`, without an attempt)."""

    what: Literal["ready", "begun", "progress", "finished", "failed"]
    attempt_id: str = ""
    phase: str = ""
    step: int = 0
    steps: int = 0
    result: Result | None = None
    failure: Failure | None = None
    measured: Measured = field(default_factory=Measured)
    resident: dict[str, float] = field(default_factory=dict)


class Surroundings:
    """The desk of one attempt; see `worker.desk.Desk`."""

    def __init__(
        self,
        order: RunTask,
        folder: Path,
        engine: Engine,
    ) -> None:
        self._order, self._folder, self._engine = order, folder, engine
        self._phase, self._told_at = "", 0.0

    @property
    def folder(self) -> Path:
        """See Desk."""
        return self._folder

    @property
    def store(self) -> ArtifactStore:
        """See Desk."""
        return self._engine.store

    @property
    def device_id(self) -> str:
        """See Desk."""
        return self._engine.bench.device_id

    @property
    def plan(self) -> Plan:
        """See Desk."""
        return self._order.plan

    @property
    def catalog(self) -> Catalog:
        """See Desk."""
        return self._engine.catalog

    @property
    def settings(self) -> Settings:
        """See Desk."""
        return self._engine.bench.settings

    def report(self, phase: str, step: int = 0, steps: int = 0) -> None:
        """See Desk. A change of phase is told at once, steps a few times a second."""
        if self._engine.is_stopped(self._order.attempt_id):
            raise Stopped
        now = self._engine.clock.monotonic()
        is_last = steps > 0 and step == steps
        if phase == self._phase and not is_last and now - self._told_at < _TOLD_EVERY_SECONDS:
            return
        self._phase, self._told_at = phase, now
        said = Said("progress", self._order.attempt_id, phase=phase, step=step, steps=steps)
        self._engine.say(said)

    def ran(self, plan: Plan) -> None:
        """See Desk."""
        self._engine.plan_that_ran = plan

    def resident(self, key: str, load: Callable[[], T], variant: str = "") -> T:
        """See Desk."""
        return self._engine.residency.get(key, load, self._order.predicted_gib, variant)


class Engine:
    """Runs attempts, one after the other."""

    def __init__(self, bench: Bench, pipe: Connection, clock: Clock) -> None:
        self.bench, self.clock = bench, clock
        self.catalog = load_catalog(bench.settings.catalog_file)
        self.store = open_store(bench.settings)
        self.meter = Meter(bench.device_id)
        self.residency = Residency(bench.memory_gib, clock, self.meter.used_gib, self.meter.release)
        self._pipe, self._speaking = pipe, threading.Lock()
        self._orders: queue.SimpleQueue[RunTask] = queue.SimpleQueue()
        self._stopped: set[str] = set()
        self.plan_that_ran = Plan()

    def serve(self) -> None:
        """Until the parent closes the pipe."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        self._warm_up()
        self.say(Said("ready"))
        while True:
            self.run(self._orders.get())

    def run(self, order: RunTask) -> None:
        """One attempt, from begin to end."""
        self.say(Said("begun", order.attempt_id))
        self.plan_that_ran = order.plan
        self.residency.begin()
        self.meter.begin()
        began = self.clock.monotonic()
        result, failure = self._try(order)
        measured = Measured(
            load_seconds=round(self.residency.load_seconds, 3),
            run_seconds=round(self.clock.monotonic() - began - self.residency.load_seconds, 3),
            peak_gib=round(self.meter.peak_gib(), 3),
            warm=not self.residency.loaded,
            plan=self.plan_that_ran,
        )
        if failure is not None and failure.kind is FailureKind.OUT_OF_MEMORY:
            self.residency.clear()
        self.residency.end()
        self._stopped.discard(order.attempt_id)
        self.say(
            Said(
                "finished" if result is not None else "failed",
                order.attempt_id,
                result=result,
                failure=failure,
                measured=measured,
                resident=self.residency.listed(),
            )
        )
        if failure is not None and failure.kind is FailureKind.CRASHED:
            os._exit(1)  # a device that has failed stays so for this process: the next one is fresh

    def is_stopped(self, attempt_id: str) -> bool:
        """Somebody asked for it to stop."""
        return attempt_id in self._stopped

    def say(self, said: Said) -> None:
        """Tell the lane. A lane that is gone takes this process with it."""
        with self._speaking:
            try:
                self._pipe.send(said)
            except (BrokenPipeError, OSError):
                os._exit(1)

    def _try(self, order: RunTask) -> tuple[Result | None, Failure | None]:
        try:
            step = importlib.import_module(f"{self.bench.steps}.{order.work.kind}")
            with scratch(self.bench.folder, order.attempt_id) as folder:
                result: Result = step.run(order.work, Surroundings(order, folder, self))
                return result, None
        except Exception as error:
            if not isinstance(error, Stopped):
                log.exception("attempt %s failed", order.attempt_id)
            return None, diagnose(error)

    def _listen(self) -> None:
        while True:
            try:
                heard = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(0)
            if isinstance(heard, Stop):
                self._stopped.add(heard.attempt_id)
            elif isinstance(heard, RunTask):
                self._orders.put(heard)

    def _warm_up(self) -> None:
        """Imports take seconds: have them behind us before the first task."""
        for step in _WARM_STEPS:
            with contextlib.suppress(ImportError):
                importlib.import_module(f"{self.bench.steps}.{step}")


def main(bench: Bench, pipe: Connection) -> None:
    """The process's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent(parent.pid, signal.SIGKILL)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    Engine(bench, pipe, SystemClock()).serve()
