"""The engine process: one per lane of a device, living on between tasks so that models stay
resident.

It runs one attempt at a time, as its lane says, and tells how it goes over a pipe. Between attempts
it loads and drops models. It knows neither the broker nor the coordinator. When its parent is gone,
so is it.
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
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, Final

from reelyard.catalog import load_catalog
from reelyard.clock import Clock, SystemClock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import Measured, Preload, RunTask, Unload
from reelyard.parentage import end_with_parent
from reelyard.plan import Plan
from reelyard.storage.locate import open_store
from worker.desk import Stopped, Yielded
from worker.diagnose import diagnose
from worker.engines.meter import Meter
from worker.residency import Residency
from worker.surroundings import Asked, Surroundings
from worker.talk import Bench, MakeRoom, Said, Stop
from worker.workspace import scratch

log = logging.getLogger(__name__)

_WARM_STEPS: Final = ("voice", "video", "compose")


class Engine:
    """Runs attempts, one after the other."""

    def __init__(self, bench: Bench, pipe: Connection, clock: Clock) -> None:
        self.bench, self.clock = bench, clock
        self.catalog = load_catalog(bench.settings.catalog_file)
        self.store = open_store(bench.settings)
        self.meter = Meter(bench.device_id)
        self.residency = Residency(bench.memory_gib, clock, self.meter.used_gib, self.meter.release)
        self._pipe, self._speaking = pipe, threading.Lock()
        self._orders: queue.SimpleQueue[RunTask | Preload | Unload] = queue.SimpleQueue()
        self._stopped: set[str] = set()
        self._yielding: set[str] = set()
        self.plan_that_ran, self.steps_before = Plan(), 0

    def serve(self) -> None:
        """Until the parent closes the pipe."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        if self.bench.lane == "main":
            self._warm_up()
        self.say(Said("ready"))
        while True:
            self.do(self._orders.get())

    def do(self, order: RunTask | Preload | Unload) -> None:
        """One order, from begin to end."""
        match order:
            case RunTask():
                self.run(order)
            case Preload():
                self.preload(order)
            case Unload():
                self.unload(order)

    def run(self, order: RunTask) -> None:
        """One attempt, from begin to end."""
        self.say(Said("begun", order.attempt_id))
        self.plan_that_ran, self.steps_before = order.plan, 0
        self.residency.begin()
        self.meter.begin()
        began = self.clock.monotonic()
        said = self._try(order)
        measured = Measured(
            load_seconds=round(self.residency.load_seconds, 3),
            run_seconds=round(self.clock.monotonic() - began - self.residency.load_seconds, 3),
            peak_gib=round(self.meter.peak_gib(), 3),
            warm=not self.residency.loaded,
            plan=self.plan_that_ran,
            steps_before=self.steps_before,
        )
        self._tidy(said.failure)
        self._stopped.discard(order.attempt_id)
        self._yielding.discard(order.attempt_id)
        self.say(replace(said, measured=measured, resident=self.residency.listed()))
        self._end_if_broken(said.failure)

    def preload(self, order: Preload) -> None:
        """Load a model before it is asked for, if nothing has to go for it. What goes wrong is
        logged: the attempt that needs the model will say it."""
        failure = None
        if not self.residency.fits(order.model, order.predicted_gib):
            log.warning("%s: %s would not fit beside what is held", self.bench.name, order.model)
        else:
            self.residency.begin()
            failure = self._try_to_load(order)
            self._tidy(failure)
        self.say(Said("holds", resident=self.residency.listed()))
        self._end_if_broken(failure)

    def unload(self, order: Unload) -> None:
        """Drop a model; one that is not held is dropped already."""
        self.residency.drop(order.model)
        self.say(Said("holds", resident=self.residency.listed()))

    def is_stopped(self, attempt_id: str) -> bool:
        """Somebody asked for it to stop."""
        return attempt_id in self._stopped

    def should_yield(self, attempt_id: str) -> bool:
        """Somebody asked for it to make room."""
        return attempt_id in self._yielding

    def say(self, said: Said) -> None:
        """Tell the lane. A lane that is gone takes this process with it."""
        with self._speaking:
            try:
                self._pipe.send(said)
            except (BrokenPipeError, OSError):
                os._exit(1)

    def _try(self, order: RunTask) -> Said:
        name = order.attempt_id
        asked = Asked(order.plan, order.predicted_gib, name, order.checkpoint)
        try:
            step = self._step(order.work.kind)
            with scratch(self.bench.folder, name) as folder:
                result = step.run(order.work, Surroundings(asked, folder, self))
                return Said("finished", name, result=result)
        except Yielded as left:
            return Said("preempted", name, checkpoint=left.checkpoint)
        except Exception as error:
            if not isinstance(error, Stopped):
                log.exception("attempt %s failed", name)
            return Said("failed", name, failure=diagnose(error))

    def _try_to_load(self, order: Preload) -> Failure | None:
        kind = "voice" if order.model in self.catalog.voices else "video"
        asked = Asked(order.plan, order.predicted_gib)
        try:
            self._step(kind).preload(order.model, Surroundings(asked, self.bench.folder, self))
        except Exception as error:
            failure = diagnose(error)
            log.warning("%s was not loaded ahead: %s", order.model, failure.sentence)
            return failure
        return None

    def _step(self, kind: str) -> Any:
        return importlib.import_module(f"{self.bench.steps}.{kind}")

    def _tidy(self, failure: Failure | None) -> None:
        if failure is not None and failure.kind is FailureKind.OUT_OF_MEMORY:
            self.residency.clear()
        self.residency.end()

    def _end_if_broken(self, failure: Failure | None) -> None:
        """A device that has failed stays so for this process: the next one is fresh."""
        if failure is not None and failure.kind is FailureKind.CRASHED:
            os._exit(1)

    def _listen(self) -> None:
        while True:
            try:
                heard = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(0)
            if isinstance(heard, Stop):
                self._stopped.add(heard.attempt_id)
            elif isinstance(heard, MakeRoom):
                self._yielding.add(heard.attempt_id)
            elif isinstance(heard, RunTask | Preload | Unload):
                self._orders.put(heard)

    def _warm_up(self) -> None:
        """Imports take seconds: have them behind us before the first task."""
        for step in _WARM_STEPS:
            with contextlib.suppress(ImportError):
                self._step(step)


def main(bench: Bench, pipe: Connection) -> None:
    """The process's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(bench.settings.engine_nice)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent(parent.pid, signal.SIGKILL)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    Engine(bench, pipe, SystemClock()).serve()
