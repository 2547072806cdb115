"""The embedded farm as a whole: start in order, tell when it is ready, watch, stop in order."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

import httpx2

from reelyard.clock import Clock
from reelyard.embedded.layout import Layout
from reelyard.embedded.process import Process
from reelyard.embedded.valkey import answers, prepare_valkey
from reelyard.errors import Conflict, ReelyardError

READY_SECONDS = 90.0
STOP_SECONDS = 12.0
_LOOK_SECONDS = 0.1


class EmbeddedFarm:
    """All processes of one farm. Use as: start(), then watch() or your own work, then stop()."""

    def __init__(self, layout: Layout, clock: Clock, environment: Mapping[str, str]) -> None:
        self.layout, self._clock, self._base = layout, clock, dict(environment)
        self.processes: dict[str, Process] = {}
        self._lock: TextIO | None = None

    def start(self, say: Callable[[str], None]) -> None:
        """Everything up and answering. Raises Conflict when it runs already, ReelyardError when a
        part does not come up; what was started is stopped again."""
        self.layout.state.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(self.layout.lock_file)
        self.layout.farm_file.unlink(missing_ok=True)
        try:
            environment = self._start_broker(say)
            self._prepare(environment)
            self._start_services(environment)
            self._wait_until_ready(say)
            self.write_farm_file()
        except BaseException:
            self.stop()
            raise

    def watch(self, keep_going: Callable[[], bool], say: Callable[[str], None]) -> None:
        """Restart what dies until `keep_going` says no."""
        while keep_going():
            for process in self.processes.values():
                if process.revive():
                    say(f"{process.name} had died; started it again (pid {process.pid})")
                    self.write_farm_file()
            self._clock.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Everything down: workers first, the broker last."""
        for group in (("worker", "dashboard"), ("api", "coordinator"), ("broker",)):
            ending = [self.processes[name] for name in group if name in self.processes]
            for process in ending:
                process.ask_to_stop()
            for process in ending:
                process.wait(STOP_SECONDS)
        self.layout.farm_file.unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    def write_farm_file(self) -> None:
        """`farm.json`: addresses and process ids, whole or not at all."""
        described = {
            "api": self.layout.api,
            "dashboard": self.layout.dashboard,
            "metrics": self.layout.api,
            "token_file": str(self.layout.token_file.resolve()),
            "processes": {
                "up": os.getpid(),
                **{name: process.pid for name, process in self.processes.items()},
            },
        }
        draft = self.layout.farm_file.with_suffix(".new")
        draft.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.layout.farm_file)

    def _start_broker(self, say: Callable[[str], None]) -> dict[str, str]:
        url = self.layout.broker_url
        if not url:
            folder = self.layout.state / "broker"
            command, url = prepare_valkey(folder, self.layout.ports.broker)
            self._run("broker", command, self._base)
            self._await("broker", lambda: answers(self.layout.ports.broker), say)
        return self.layout.environment(self._base, url)

    def _prepare(self, environment: Mapping[str, str]) -> None:
        """The database's tables and a token."""
        token_file = str(self.layout.token_file.resolve())
        done = subprocess.run(
            [*_module("coordinator.cli"), "prepare", "--token-file", token_file],
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ReelyardError(
                f"the database could not be made ready: {done.stderr.strip()[-600:]}",
                "Check REELYARD_DATABASE_URL and the state folder.",
            )

    def _start_services(self, environment: Mapping[str, str]) -> None:
        host, ports = self.layout.host, self.layout.ports
        self._run("worker", [*_module("worker.cli"), "run"], environment)
        self._run("coordinator", [*_module("coordinator.cli"), "loop"], environment)
        bind = ["--bind", host, "--port"]
        self._run("api", [*_module("coordinator.cli"), "api", *bind, str(ports.api)], environment)
        self._run(
            "dashboard", [*_module("dashboard.cli"), *bind, str(ports.dashboard)], environment
        )

    def _wait_until_ready(self, say: Callable[[str], None]) -> None:
        self._await("api", lambda: _ok(f"{self.layout.api}/api/v1/health"), say)
        self._await("dashboard", lambda: _ok(f"{self.layout.dashboard}/health"), say)
        self._await("worker", self._has_worker, say)

    def _has_worker(self) -> bool:
        token = self.layout.token_file.read_text(encoding="utf-8").strip()
        try:
            answer = httpx2.get(
                f"{self.layout.api}/api/v1/workers", headers={"Authorization": f"Bearer {token}"}
            )
            workers = answer.json().get("data", []) if answer.is_success else []
        except (httpx2.HTTPError, ValueError):
            return False
        return any(worker.get("state") == "online" for worker in workers)

    def _run(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        log = self.layout.logs / f"{name}.log"
        self.processes[name] = Process(name, command, environment, log, self._clock)
        self.processes[name].start()

    def _await(self, name: str, ready: Callable[[], bool], say: Callable[[str], None]) -> None:
        deadline = self._clock.monotonic() + READY_SECONDS
        process = self.processes[name]
        while not ready():
            if not process.alive() or self._clock.monotonic() > deadline:
                raise ReelyardError(
                    f"the {name} did not come up. Its last words:\n{process.last_words()}",
                    f"All of it: {self.layout.logs / (name + '.log')}. Try `reelyard doctor`.",
                )
            self._clock.sleep(_LOOK_SECONDS)
        say(f"{name} is up (pid {process.pid})")


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _ok(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def _hold(path: Path) -> TextIO:
    lock = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Conflict(
            f"a farm runs in {path.parent} already.",
            f"Use it (see {path.parent / 'farm.json'}), stop it, or give another --state.",
        ) from None
    return lock
