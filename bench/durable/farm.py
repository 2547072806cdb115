"""Starts and stops the farm of a benchmark, and asks it things over HTTP and in its database."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from bench.durable.spent import cpu_seconds
from coordinator.store.database import Database
from reelyard.clock import SystemClock
from reelyard.embedded.ports import free_port
from reelyard.embedded.process import Process
from reelyard.embedded.valkey import answers, prepare_valkey

LIMITS = {
    "REELYARD_MAX_SCENES": "100000",
    "REELYARD_MAX_SCRIPT_BYTES": "100000000",
    "REELYARD_MAX_FILM_SECONDS": "1000000",
    "REELYARD_MAX_RUNNING_JOBS": "100000",
}
_UP_SECONDS = 240.0
_ROOT = Path(__file__).parents[2]


@dataclass
class Farm:
    """A farm that runs."""

    state: Path
    url: str
    token: str
    database: Database
    processes: Mapping[str, Process]

    def http(self) -> httpx2.Client:
        """A connection to the API."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return httpx2.Client(
            base_url=f"{self.url}/api/v1", headers=headers, timeout=300, trust_env=False
        )

    def count(self, condition: str) -> int:
        """Of tasks."""
        with self.database.read() as connection:
            found = connection.execute(text(f"SELECT count(*) FROM tasks WHERE {condition}"))
            return int(found.scalar_one())

    def rows(self, query: str) -> list[Any]:
        """Of any query."""
        with self.database.read() as connection:
            return list(connection.execute(text(query)))

    def cpu_seconds(self) -> dict[str, float]:
        """So far, by part of the farm, with all of its children."""
        return {name: cpu_seconds(process.pid) for name, process in self.processes.items()}

    def wait(self, done: Callable[[], bool], seconds: float, every: float = 0.05) -> None:
        """Until it is done. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not done():
            dead = [name for name, process in self.processes.items() if not process.alive()]
            if dead or time.monotonic() > deadline:
                raise TimeoutError(f"{dead or 'not done in time'}: {self.last_words()}")
            time.sleep(every)

    def last_words(self) -> str:
        """Of all its processes."""
        return "\n".join(f"{n}: {process.last_words(8)}" for n, process in self.processes.items())


@contextlib.contextmanager
def running_valkey(folder: Path) -> Iterator[tuple[str, Process]]:
    """A broker as `reelyard up` starts it."""
    port = free_port()
    command, url = prepare_valkey(folder, port)
    broker = Process("broker", command, os.environ, folder / "process.log", SystemClock())
    broker.start()
    try:
        while not answers(port):
            time.sleep(0.02)
        yield url, broker
    finally:
        broker.ask_to_stop()
        broker.wait(10)


@contextlib.contextmanager
def running_farm(
    folder: Path, broker: tuple[str, Process], database_url: str, devices: int, *loop: str
) -> Iterator[Farm]:
    """Loop, API and worker on this broker and database, ready and warm."""
    state, port = folder / "farm", free_port()
    environment = _environment(state, broker[0], database_url)
    token = _prepare(state, environment)
    python = (sys.executable, "-m")
    commands = {
        "coordinator": [*python, "bench.durable.loop", str(folder / "loop.json"), *loop],
        "api": [*python, "coordinator.cli", "api", "--port", str(port)],
        "worker": [*python, "bench.durable.worker", str(devices)],
    }
    made = {
        name: Process(name, command, environment, state / "logs" / f"{name}.log", SystemClock())
        for name, command in commands.items()
    }
    database = Database(database_url)
    farm = Farm(state, f"http://127.0.0.1:{port}", token, database, {**made, "broker": broker[1]})
    try:
        for process in made.values():
            process.start()
        farm.wait(lambda: _has_devices(farm, devices), _UP_SECONDS)
        yield farm
    finally:
        for name in ("worker", "api", "coordinator"):
            made[name].ask_to_stop()
            made[name].wait(20)
        database.close()


def loop_parts(folder: Path) -> dict[str, list[float]]:
    """What the parts of the loop took, once it has ended: wall seconds, CPU seconds, calls."""
    return dict(json.loads((folder / "loop.json").read_text()))


def _environment(state: Path, broker_url: str, database_url: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("REELYARD_")}
    return {
        **own,
        **LIMITS,
        "PYTHONPATH": str(_ROOT),
        "REELYARD_STATE": str(state),
        "REELYARD_BROKER_URL": broker_url,
        "REELYARD_DATABASE_URL": database_url,
        "REELYARD_STORE_URL": (state / "artifacts").as_uri(),
        "REELYARD_WORKER_ID": "bench",
    }


def _prepare(state: Path, environment: Mapping[str, str]) -> str:
    state.mkdir(parents=True)
    command = (sys.executable, "-m", "coordinator.cli", "prepare", "--token-file")
    subprocess.run([*command, str(state / "token")], env=dict(environment), check=True)
    return (state / "token").read_text().strip()


def _has_devices(farm: Farm, devices: int) -> bool:
    try:
        with farm.http() as http:
            workers = http.get("/workers").json()["data"]
    except (httpx2.HTTPError, ValueError, KeyError):
        return False
    return any(worker["state"] == "online" for worker in workers) and devices == len(
        farm.rows("SELECT id FROM devices")
    )
