"""One lane per device: a queue of attempts, an engine process, and a watch over both.

The lane starts the engine, hands it one attempt at a time, stops it when somebody says so or when
the time is over, kills it when it does not listen, and starts another when it dies. It tells; it
decides nothing about what comes next.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reelyard.clock import Clock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import Measured, RunTask
from reelyard.task import Result
from worker.child import Child, start_child
from worker.engine import Bench, Said, Stop

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_STUMBLED = Failure(
    kind=FailureKind.UNKNOWN, sentence="The worker stumbled over it; the worker's log says how."
)


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


class Lane:
    """One device's attempts, in order.

    An engine that dies before it is ready is started again after a pause, which doubles each time.
    """

    def __init__(self, bench: Bench, teller: Teller, clock: Clock) -> None:
        self.bench = bench
        self._teller, self._clock = teller, clock
        self._waiting: deque[RunTask] = deque()
        self._running: Running | None = None
        self._child: Child | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._pause, self._start_at = 0.0, 0.0
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
        child = self._child
        return dict(child.resident) if child else {}

    def pids(self) -> list[int]:
        """The engine's process."""
        child = self._child
        pid = child.process.pid if child else None
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
        if self._thread.is_alive():  # it was never started when the broker never answered
            self._thread.join(grace_seconds + 1)

    def _ask_to_stop(self, running: Running, grace_seconds: float, reason: Failure) -> None:
        running.reason = running.reason or reason
        running.kill_at = min(running.kill_at, self._clock.monotonic() + grace_seconds)
        child = self._child
        if child is not None:
            child.tell(Stop(running.order.attempt_id))

    def _run(self) -> None:
        while not self._stopping:
            try:
                child = self._engine()
                running = self._next(child)
                if child is not None and running is not None:
                    self._attempt(running, child)
            except Exception:
                log.exception("the lane of %s stumbled", self.bench.device_id)
                self._give_up()
        if self._child is not None:
            self._child.end()

    def _engine(self) -> Child | None:
        """The engine process, started when there is none; None while it pauses before a start."""
        if self._child is not None and not self._child.is_alive:
            log.warning("%s: %s", self.bench.device_id, self._child.cause_of_death().sentence)
            self._child = None
        now = self._clock.monotonic()
        if self._child is None and now >= self._start_at:
            self._pause = min(max(_FIRST_PAUSE_SECONDS, self._pause * 2), _LONGEST_PAUSE_SECONDS)
            self._start_at = now + self._pause
            self._child = start_child(self.bench)
        return self._child

    def _next(self, child: Child | None) -> Running | None:
        """The next attempt, when there is one and an engine to give it to."""
        with self._changed:
            if child is None or not self._waiting:
                self._changed.wait(_LOOK_SECONDS)
            if child is None or self._stopping:
                return None
            for said in child.what_is_left():
                self._note(said)
            if not self._waiting:
                return None
            order = self._waiting.popleft()
            timeout_at = self._clock.monotonic() + order.timeout_seconds
            self._running = Running(order, float("inf"), timeout_at)
            return self._running

    def _attempt(self, running: Running, child: Child) -> None:
        if not child.tell(running.order):
            self._died(running, child)
            return
        while self._running is running:
            self._watch(running, child)

    def _watch(self, running: Running, child: Child) -> None:
        said, is_over = child.listen(_LOOK_SECONDS / 5)
        if said is not None:
            self._hear(running, child, said)
        elif is_over:
            self._died(running, child)
        now = self._clock.monotonic()
        if now > running.timeout_at and running.reason is None:
            self._ask_to_stop(running, _GRACE_SECONDS, _too_long(running.order))
        if now > running.kill_at and self._running is running:
            child.kill()

    def _hear(self, running: Running, child: Child, said: Said) -> None:
        self._note(said)
        if said.attempt_id != running.order.attempt_id:
            return
        if said.what == "begun":
            self._teller.started(running.order)
        elif said.what == "progress":
            self._teller.progress(running.order, said.phase, said.step, said.steps)
        else:
            child.resident = said.resident
            self._settle(running, said)

    def _note(self, said: Said) -> None:
        """An engine that has come up may be started again at once when it dies."""
        if said.what == "ready":
            self._pause = self._start_at = 0.0

    def _settle(self, running: Running, said: Said) -> None:
        self._running = None
        if said.result is not None:
            self._teller.finished(running.order, said.result, said.measured)
            return
        failure = running.reason or said.failure
        assert failure is not None  # an engine says either what it made or why not
        self._teller.failed(running.order, failure, said.measured)

    def _died(self, running: Running, child: Child) -> None:
        cause = child.cause_of_death()
        self._running, self._child = None, None
        self._teller.failed(running.order, running.reason or cause, Measured())

    def _give_up(self) -> None:
        """Whatever went wrong here: an attempt that is named in every heartbeat but never ends
        would keep its device for ever."""
        running, self._running = self._running, None
        child, self._child = self._child, None
        if child is not None:
            child.end()
        if running is not None:
            self._teller.failed(running.order, _STUMBLED, Measured())


class Supervisor:
    """All lanes of a node. An attempt is taken once, however often its message comes."""

    def __init__(self, lanes: Callable[[], list[Lane]]) -> None:
        self.lanes = {lane.bench.device_id: lane for lane in lanes()}
        self._seen: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def take(self, order: RunTask) -> bool:
        """False for an attempt that was seen before. Raises KeyError for an unknown device."""
        lane = self.lanes[order.device_id]
        with self._one_at_a_time:
            if order.attempt_id in self._seen:
                return False
            self._seen.add(order.attempt_id)
            lane.take(order)
        return True

    def cancel(self, attempt_id: str, grace_seconds: float, reason: Failure) -> bool:
        """False when no lane has it: then it will not be taken either, should the cancel have
        overtaken the task on its way."""
        with self._one_at_a_time:
            self._seen.add(attempt_id)
            return any(
                lane.cancel(attempt_id, grace_seconds, reason) for lane in self.lanes.values()
            )

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
