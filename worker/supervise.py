"""One lane per device: a queue of attempts, an engine process, and a watch over both.

The lane starts the engine, hands it one attempt at a time, stops it when somebody says so or when
the time is over, kills it when it does not listen, and starts another when it dies. It tells; it
decides nothing about what comes next.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from reelyard.clock import Clock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import Measured, RunTask
from reelyard.task import Result
from worker.diagnose import diagnose_exit
from worker.engine import Bench, Said, Stop, main

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 5.0


class Teller(Protocol):
    """Whoever passes on what lanes have to say."""

    def started(self, order: RunTask) -> None: ...

    def progress(self, order: RunTask, phase: str, step: int, steps: int) -> None: ...

    def finished(self, order: RunTask, result: Result, measured: Measured) -> None: ...

    def failed(self, order: RunTask, failure: Failure, measured: Measured) -> None: ...


@dataclass(slots=True)
class Running:
    """The attempt that the engine has now, and when it must be over."""

    order: RunTask
    kill_at: float
    timeout_at: float
    reason: Failure | None = None


@dataclass(slots=True)
class Child:
    """An engine process and the pipe to it."""

    process: SpawnProcess
    pipe: Connection
    resident: dict[str, float] = field(default_factory=dict)


class Lane:
    """One device's attempts, in order."""

    def __init__(self, bench: Bench, teller: Teller, clock: Clock) -> None:
        self.bench = bench
        self._teller, self._clock = teller, clock
        self._waiting: deque[RunTask] = deque()
        self._running: Running | None = None
        self._child: Child | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=bench.device_id, daemon=True)

    def start(self) -> None:
        """Start the engine at once, so that it is warm when the first attempt comes."""
        self._thread.start()

    def take(self, order: RunTask) -> None:
        """One more attempt."""
        with self._changed:
            self._waiting.append(order)
            self._changed.notify()

    def cancel(self, attempt_id: str, grace_seconds: float, reason: Failure) -> bool:
        """Drop it while it waits; ask it to stop while it runs. False when it is not here."""
        with self._changed:
            for order in self._waiting:
                if order.attempt_id == attempt_id:
                    self._waiting.remove(order)
                    self._teller.failed(order, reason, Measured())
                    return True
            running = self._running
            if running is None or running.order.attempt_id != attempt_id:
                return False
            self._ask_to_stop(running, grace_seconds, reason)
            return True

    def attempts(self) -> list[str]:
        """What is here, running or waiting."""
        with self._changed:
            held = [self._running.order] if self._running else []
            return [order.attempt_id for order in (*held, *self._waiting)]

    def running(self) -> list[str]:
        """What the engine has."""
        running = self._running
        return [running.order.attempt_id] if running else []

    def resident(self) -> dict[str, float]:
        """GiB by model in the engine's memory."""
        return dict(self._child.resident) if self._child else {}

    def pids(self) -> list[int]:
        """The engine's process."""
        pid = self._child.process.pid if self._child else None
        return [pid] if pid else []

    def stop(self, reason: Failure, grace_seconds: float) -> None:
        """Give everything back, unfinished, and end the engine."""
        with self._changed:
            self._stopping = True
            while self._waiting:
                self._teller.failed(self._waiting.popleft(), reason, Measured())
            if self._running:
                self._ask_to_stop(self._running, grace_seconds, reason)
            self._changed.notify()
        self._thread.join(grace_seconds + 1)

    def _ask_to_stop(self, running: Running, grace_seconds: float, reason: Failure) -> None:
        running.reason = running.reason or reason
        running.kill_at = min(running.kill_at, self._clock.monotonic() + grace_seconds)
        if self._child:
            _send(self._child.pipe, Stop(running.order.attempt_id))

    def _run(self) -> None:
        self._child = self._start_child()
        while True:
            order = self._next()
            if order is None:
                break
            try:
                self._attempt(order)
            except Exception:
                log.exception("the lane of %s stumbled over %s", self.bench.device_id, order)
        self._end_child()

    def _next(self) -> RunTask | None:
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait(_LOOK_SECONDS)
                if self._child and not self._child.process.is_alive() and not self._stopping:
                    self._child = self._start_child()
            if self._stopping:
                return None
            order = self._waiting.popleft()
            timeout_at = self._clock.monotonic() + order.timeout_seconds
            self._running = Running(order, float("inf"), timeout_at)
            return order

    def _attempt(self, order: RunTask) -> None:
        child = self._alive()
        running = self._running
        assert running is not None
        if not _send(child.pipe, order):
            self._died(running, child)
            return
        while self._running is running:
            self._watch(running, child)

    def _watch(self, running: Running, child: Child) -> None:
        ready = wait([child.pipe, child.process.sentinel], timeout=_LOOK_SECONDS / 5)
        said = _receive(child.pipe) if child.pipe in ready else None
        if said is not None:
            self._hear(running, child, said)
        elif ready:
            self._died(running, child)
        now = self._clock.monotonic()
        if now > running.timeout_at and running.reason is None:
            self._ask_to_stop(running, _GRACE_SECONDS, _too_long(running.order))
        if now > running.kill_at and self._running is running:
            child.process.kill()

    def _hear(self, running: Running, child: Child, said: Said) -> None:
        if said.attempt_id != running.order.attempt_id:
            return
        if said.what == "begun":
            self._teller.started(running.order)
        elif said.what == "progress":
            self._teller.progress(running.order, said.phase, said.step, said.steps)
        else:
            child.resident = said.resident
            self._settle(running, said)

    def _settle(self, running: Running, said: Said) -> None:
        self._running = None
        if said.result is not None:
            self._teller.finished(running.order, said.result, said.measured)
            return
        failure = running.reason or said.failure
        assert failure is not None  # an engine says either what it made or why not
        self._teller.failed(running.order, failure, said.measured)

    def _died(self, running: Running, child: Child) -> None:
        child.process.join(_GRACE_SECONDS)
        failure = running.reason or diagnose_exit(child.process.exitcode)
        self._running = None
        self._child = None if self._stopping else self._start_child()
        self._teller.failed(running.order, failure, Measured())

    def _alive(self) -> Child:
        if self._child is None or not self._child.process.is_alive():
            self._child = self._start_child()
        return self._child

    def _start_child(self) -> Child:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=main, args=(self.bench, theirs), name=f"engine {self.bench.device_id}"
        )
        process.start()
        theirs.close()
        return Child(process, ours)

    def _end_child(self) -> None:
        child = self._child
        if child is None:
            return
        child.pipe.close()
        child.process.join(_GRACE_SECONDS / 5)
        if child.process.is_alive():
            child.process.kill()
            child.process.join(_GRACE_SECONDS)


class Supervisor:
    """All lanes of a node. An attempt is taken once, however often its message comes."""

    def __init__(self, lanes: Callable[[], list[Lane]]) -> None:
        self.lanes = {lane.bench.device_id: lane for lane in lanes()}
        self._seen: dict[str, None] = {}

    def take(self, order: RunTask) -> bool:
        """False for an attempt that was seen before. Raises KeyError for an unknown device."""
        if order.attempt_id in self._seen:
            return False
        self.lanes[order.device_id].take(order)
        self._seen[order.attempt_id] = None
        return True

    def cancel(self, attempt_id: str, grace_seconds: float, reason: Failure) -> bool:
        """False when no lane has it."""
        return any(lane.cancel(attempt_id, grace_seconds, reason) for lane in self.lanes.values())

    def attempts(self) -> tuple[str, ...]:
        """Everything that is here."""
        return tuple(name for lane in self.lanes.values() for name in lane.attempts())

    def stop(self, reason: Failure, grace_seconds: float) -> None:
        """All lanes at once."""
        enders = [
            threading.Thread(target=lane.stop, args=(reason, grace_seconds))
            for lane in self.lanes.values()
        ]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()


def _too_long(order: RunTask) -> Failure:
    return Failure(
        kind=FailureKind.TIMEOUT,
        sentence=f"It was not done after {order.timeout_seconds:.0f} s and was stopped.",
    )


def _send(pipe: Connection, message: object) -> bool:
    try:
        pipe.send(message)
    except (BrokenPipeError, OSError):
        return False
    return True


def _receive(pipe: Connection) -> Said | None:
    try:
        said = pipe.recv()
    except (EOFError, OSError):
        return None
    return said if isinstance(said, Said) else None
