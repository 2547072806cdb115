"""Raw Celery no-ops over the same broker, with the farm's own Celery settings: the yardstick.

python -m bench.durable.raw BROKER_URL      (the worker)
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import redis
from celery import Celery

from bench.durable.spent import cpu_seconds
from reelyard.clock import SystemClock
from reelyard.embedded.process import Process
from reelyard.wire import celery_settings

_QUEUE, _NOTHING, _DONE = "raw", "raw.nothing", "raw.done"
_MARK = "raw-done"


@dataclass(frozen=True, slots=True)
class Raw:
    """Tasks per second: sent and drained at once; only drained, all being there already. CPU ms per
    task of sender and worker, in the best round of the first kind."""

    together: float
    drained: float
    cpu_ms: float


def best_of(one: Raw, other: Raw) -> Raw:
    """The better figure of each kind: a machine is not always as fast."""
    return Raw(
        max(one.together, other.together),
        max(one.drained, other.drained),
        min(one.cpu_ms, other.cpu_ms),
    )


def make_app(broker_url: str) -> Celery:
    """Both sides."""
    app = Celery("raw", set_as_current=False)
    app.conf.update(celery_settings(broker_url, "raw:"))
    return app


def run_worker(broker_url: str) -> None:
    """`-P solo`, as the farm's worker."""
    app, broker = make_app(broker_url), redis.Redis.from_url(broker_url)

    @app.task(name=_NOTHING)  # type: ignore[untyped-decorator]
    def nothing(_payload: object) -> None:
        return

    @app.task(name=_DONE)  # type: ignore[untyped-decorator]
    def done(mark: str) -> None:
        broker.set(_MARK, mark)

    flags = ("--without-gossip", "--without-mingle", "--loglevel", "WARNING")
    app.worker_main(["worker", "-P", "solo", "-Q", _QUEUE, *flags])


def measure_raw(broker_url: str, folder: Path, tasks: int, rounds: int = 2) -> Raw:
    """The best of some rounds, each way."""
    log = folder / "raw.log"
    command = [sys.executable, "-m", "bench.durable.raw", broker_url]
    worker = Process("raw", command, _environment(), log, SystemClock())
    app, broker = make_app(broker_url), redis.Redis.from_url(broker_url)
    worker.start()
    try:
        _send(app, 200, "warm")
        _await(broker, "warm")
        together, cpu = [], []
        for number in range(rounds):
            began, used = time.perf_counter(), time.process_time() + cpu_seconds(worker.pid)
            _send(app, tasks, f"together {number}")
            _await(broker, f"together {number}")
            together.append(tasks / (time.perf_counter() - began))
            cpu.append((time.process_time() + cpu_seconds(worker.pid) - used) / tasks * 1000)
    finally:
        worker.ask_to_stop()
        worker.wait(20)
    drained = [_drained(app, broker, command, log, tasks, n) for n in range(rounds)]
    return Raw(max(together), max(drained), min(cpu))


def _drained(
    app: Celery, broker: redis.Redis, command: list[str], log: Path, tasks: int, number: int
) -> float:
    _send(app, 1, f"began {number}")
    _send(app, tasks, f"drained {number}")
    worker = Process("raw", command, _environment(), log, SystemClock())
    worker.start()
    try:
        _await(broker, f"began {number}")
        began = time.perf_counter()
        _await(broker, f"drained {number}")
        return tasks / (time.perf_counter() - began)
    finally:
        worker.ask_to_stop()
        worker.wait(20)


def _send(app: Celery, tasks: int, mark: str) -> None:
    for number in range(tasks):
        app.send_task(_NOTHING, args=[{"type": "nothing", "number": number}], queue=_QUEUE)
    app.send_task(_DONE, args=[mark], queue=_QUEUE)


def _await(broker: redis.Redis, mark: str) -> None:
    deadline = time.monotonic() + 300
    while broker.get(_MARK) != mark.encode():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the raw worker did not come to {mark!r}")
        time.sleep(0.01)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


if __name__ == "__main__":
    run_worker(sys.argv[1])
