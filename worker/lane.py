"""A lane of a device: a queue of attempts, an engine process, and a watch over both.

The lane starts the engine, hands it one attempt at a time, stops it when somebody says so or when
the time is over, kills it when it does not listen, and starts another when it dies. It tells; it
decides nothing about what comes next. A side lane has an engine only while it has use for one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Final

from reelyard.clock import Clock
from reelyard.failure import Failure
from reelyard.messages import Measured, Preload, RunTask, Unload
from worker.child import Child, start_child
from worker.power import Power, lowered
from worker.running import STUMBLED, Running, model_of, too_long
from worker.talk import Bench, MakeRoom, Said, Stop
from worker.teller import Ahead, Teller

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
LINGER_SECONDS: Final = 300.0
"""How long a side lane keeps an engine that has nothing to do."""
_ENDS = frozenset({"finished", "failed", "preempted"})


class Lane:
    """A device's attempts, in order.

    An engine that dies before it is ready is started again after a pause, which doubles each time.
    """

    def __init__(
        self,
        bench: Bench,
        teller: Teller,
        clock: Clock,
        ahead: Ahead | None = None,
        power: Power | None = None,
    ) -> None:
        self.bench, self._power = bench, power
        self._teller, self._clock, self._ahead = teller, clock, ahead
        self._waiting: deque[RunTask] = deque()
        self._running: Running | None = None
        self._child: Child | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._pause, self._start_at, self._idle_since = 0.0, 0.0, 0.0
        self._thread = threading.Thread(target=self._run, name=bench.name, daemon=True)

    def start(self) -> None:
        """Start the engine at once, so that it is warm when the first attempt comes; that of a side
        lane when it comes."""
        self._thread.start()

    def take(self, order: RunTask) -> None:
        """One more attempt."""
        with self._changed:
            self._waiting.append(order)
            if self._waiting[0] is order and self._running:
                self._look_ahead(self._running.order)
            self._changed.notify()

    def turn_away(self, order: RunTask) -> None:
        """An attempt that had to make room before it came."""
        self._teller.preempted(order, order.checkpoint, Measured())

    def preempt(self, attempt_id: str, grace_seconds: float) -> bool:
        """Give it back while it waits; have it leave after its step while it runs, and kill it when
        that takes longer than the grace. False when it is not here."""
        with self._changed:
            if waiting := self._take_out(attempt_id):
                self.turn_away(waiting)
                return True
            running = self._running
            if running is None or running.order.attempt_id != attempt_id:
                return False
            running.is_yielding = True
            running.kill_at = min(running.kill_at, self._clock.monotonic() + grace_seconds)
            self._tell(MakeRoom(attempt_id))
            return True

    def preload(self, order: Preload) -> bool:
        """Have a model loaded while there is nothing else to do. False when there is."""
        with self._changed:
            return not (self._running or self._waiting) and self._tell(order)

    def unload(self, order: Unload) -> bool:
        """Have a model dropped. False when an attempt here needs it, or there is no engine."""
        with self._changed:
            needed = any(model_of(held) == order.model for held in self._held())
            return not needed and self._tell(order)

    def cancel(self, attempt_id: str, grace_seconds: float, reason: Failure) -> bool:
        """Drop it while it waits; ask it to stop while it runs. False when it is not here."""
        with self._changed:
            if waiting := self._take_out(attempt_id):
                self._teller.failed(waiting, reason, Measured())
                return True
            running = self._running
            if running is None or running.order.attempt_id != attempt_id:
                return False
            self._ask_to_stop(running, grace_seconds, reason)
            return True

    def attempts(self) -> list[str]:
        """What is here, running or waiting."""
        with self._changed:
            return [order.attempt_id for order in self._held()]

    def running(self) -> list[str]:
        """What the engine has."""
        running = self._running
        return [running.order.attempt_id] if running else []

    def resident(self) -> dict[str, float]:
        """GiB by model in the engine's memory."""
        child = self._child
        return dict(child.resident) if child else {}

    def loading(self) -> str:
        """The model that the engine loads now, if it loads one."""
        child = self._child
        return child.loading if child else ""

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

    def _held(self) -> list[RunTask]:
        return ([self._running.order] if self._running else []) + list(self._waiting)

    def _take_out(self, attempt_id: str) -> RunTask | None:
        """Out of the queue, when it is there."""
        for order in self._waiting:
            if order.attempt_id == attempt_id:
                self._waiting.remove(order)
                return order
        return None

    def _look_ahead(self, present: RunTask) -> None:
        """Have the weights of the next attempt read while the present one runs."""
        if self._ahead is None:
            return
        self._ahead.leave(model_of(present))
        model = model_of(self._waiting[0]) if self._waiting else ""
        if model and model != model_of(present) and model not in self.resident():
            self._ahead.fetch(model)

    def _tell(self, message: object) -> bool:
        """False when there is no engine that listens."""
        child = self._child
        return child is not None and child.tell(message)

    def _ask_to_stop(self, running: Running, grace_seconds: float, reason: Failure) -> None:
        running.reason = running.reason or reason
        running.kill_at = min(running.kill_at, self._clock.monotonic() + grace_seconds)
        self._tell(Stop(running.order.attempt_id))

    def _run(self) -> None:
        while not self._stopping:
            try:
                child = self._engine()
                running = self._next(child)
                if child is not None and running is not None:
                    self._attempt(running, child)
            except Exception:
                log.exception("the lane of %s stumbled", self.bench.name)
                self._give_up()
        if self._child is not None:
            self._child.end()

    def _engine(self) -> Child | None:
        """The engine process, started when there is none; None while it pauses before a start."""
        if self._child is not None and not self._child.is_alive:
            log.warning("%s: %s", self.bench.name, self._child.cause_of_death().sentence)
            self._child = None
        now = self._clock.monotonic()
        if self.bench.lane == "side" and not self._waiting:
            self._rest(now)
        elif self._child is None and now >= self._start_at:
            self._pause = min(max(_FIRST_PAUSE_SECONDS, self._pause * 2), _LONGEST_PAUSE_SECONDS)
            self._start_at = now + self._pause
            self._child = start_child(self.bench)
        return self._child

    def _rest(self, now: float) -> None:
        """An engine that is seldom needed goes after a while."""
        if self._child is not None and now - self._idle_since > LINGER_SECONDS:
            self._child.end()
            self._child = None

    def _next(self, child: Child | None) -> Running | None:
        """The next attempt, when there is one and an engine to give it to."""
        with self._changed:
            if child is None or not self._waiting:
                self._changed.wait(self._patience(child))
            if child is None or self._stopping:
                return None
            for said in child.what_is_left():
                self._note(child, said)
            if not self._waiting:
                return None
            order = self._waiting.popleft()
            timeout_at = self._clock.monotonic() + order.timeout_seconds
            self._running = Running(order, float("inf"), timeout_at)
            self._look_ahead(order)
            return self._running

    def _patience(self, child: Child | None) -> float | None:
        """How long to wait for something to do before looking around. A side lane without an engine
        has nothing to look after: it waits for an attempt."""
        if self.bench.lane == "main" or child is not None:
            return _LOOK_SECONDS
        return _LOOK_SECONDS / 10 if self._waiting or self._stopping else None

    def _attempt(self, running: Running, child: Child) -> None:
        cap = running.order.power_cap
        with lowered(self._power, self.bench.device_id, cap) as running.lowered:
            if not child.tell(running.order):
                self._died(running, child)
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
            self._ask_to_stop(running, _GRACE_SECONDS, too_long(running.order))
        if now > running.kill_at and self._running is running:
            running.is_killed = True
            child.kill()

    def _hear(self, running: Running, child: Child, said: Said) -> None:
        self._note(child, said)
        if said.attempt_id != running.order.attempt_id:
            return
        if said.what == "begun":
            self._teller.started(running.order)
        elif said.what == "progress":
            self._teller.progress(running.order, said.phase, said.step, said.steps)
        elif said.what in _ENDS:
            child.resident, child.loading = said.resident, ""
            self._settle(running, said)

    def _note(self, child: Child, said: Said) -> None:
        """What an engine says of itself. One that has come up may be started again at once when it
        dies."""
        if said.what == "ready":
            self._pause = self._start_at = 0.0
        elif said.what == "loading":
            child.loading = said.phase
        elif said.what == "holds":
            child.resident, child.loading = said.resident, ""

    def _settle(self, running: Running, said: Said) -> None:
        self._running, self._idle_since = None, self._clock.monotonic()
        failure, measured = running.reason or said.failure, running.measured(said.measured)
        if said.result is not None:
            self._teller.finished(running.order, running.noted(said.result), measured)
        elif failure is not None:
            self._teller.failed(running.order, failure, measured)
        else:
            self._teller.preempted(running.order, said.checkpoint, measured)

    def _died(self, running: Running, child: Child) -> None:
        cause = child.cause_of_death()
        self._running, self._child = None, None
        if running.is_yielding and running.is_killed and running.reason is None:
            self.turn_away(running.order)
        else:
            self._teller.failed(running.order, running.reason or cause, Measured())

    def _give_up(self) -> None:
        """Whatever went wrong here: an attempt that is named in every heartbeat but never ends
        would keep its device for ever."""
        running, self._running = self._running, None
        child, self._child = self._child, None
        if child is not None:
            child.end()
        if running is not None:
            self._teller.failed(running.order, STUMBLED, Measured())
