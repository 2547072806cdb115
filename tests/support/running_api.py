"""The API in processes of its own, as `reelyard up` starts it: gunicorn over a migrated SQLite."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from reelyard.embedded.ports import free_port
from tests.support.running_farm import clean_environment
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Message:
    """One message of a stream."""

    id: str
    event: str
    data: str


def messages(text: Iterator[str]) -> Iterator[Message]:
    """Whole messages out of pieces of any size; those that only say something are passed over."""
    kept = ""
    for piece in text:
        kept += piece
        while "\n\n" in kept:
            block, _, kept = kept.partition("\n\n")
            fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if "data" in fields:
                yield Message(**fields)


@dataclass
class RunningApi:
    """Nobody schedules behind it and no broker answers: jobs are taken and wait."""

    program: subprocess.Popen[bytes]
    address: str
    token: str
    log_file: Path

    def http(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"{self.address}/api/v1",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
            verify=False,  # plain HTTP: reading everybody's certificates takes longer than to ask
        )

    def is_up(self) -> bool:
        assert self.program.poll() is None, self.log()
        try:
            health = httpx2.get(f"{self.address}/api/v1/health", verify=False)
            return health.status_code == 200
        except httpx2.TransportError:
            return False

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def workers(self) -> list[psutil.Process]:
        """gunicorn's worker processes."""
        return psutil.Process(self.program.pid).children(recursive=True)


@contextlib.contextmanager
def running_api(folder: Path) -> Iterator[RunningApi]:
    """Started, and ended whatever the test does."""
    token_file, port = folder / "token", free_port()
    environment = {
        **clean_environment(),
        "REELYARD_STATE": str(folder),
        "REELYARD_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    command = [sys.executable, "-m", "coordinator.cli"]
    prepare = [*command, "prepare", "--token-file", str(token_file)]
    subprocess.run(prepare, env=environment, check=True, timeout=120)
    log_file = folder / "api.log"
    with log_file.open("ab") as log:
        program = subprocess.Popen(
            [*command, "api", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    api = RunningApi(program, f"http://127.0.0.1:{port}", token_file.read_text().strip(), log_file)
    workers: list[psutil.Process] = []
    try:
        eventually(api.is_up, 60, "the API answers")
        workers = api.workers()
        yield api
    finally:
        for process in [*workers, *_alive(program)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        program.wait()


def _alive(program: subprocess.Popen[bytes]) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [psutil.Process(program.pid)]
    return []
