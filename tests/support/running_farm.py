"""A whole farm in processes, as a person starts it: `reelyard up` on a folder, driven over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.waiting import eventually

UP_SECONDS = 120.0
REELYARD = (sys.executable, "-m", "reelyard.cli.main")
FINAL = {"done", "failed", "cancelled"}


@dataclass
class RunningFarm:
    """`reelyard up` under watch of a test."""

    state: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    program: subprocess.Popen[bytes] | None = None

    def start(self) -> RunningFarm:
        with (self.state.parent / f"{self.state.name}-up.log").open("ab") as log:
            self.program = subprocess.Popen(
                [*REELYARD, "up", "--state", str(self.state), "--port", "0"],
                env={**clean_environment(), **self.environment},
                stdout=log,
                stderr=log,
            )
        eventually(self._is_up, UP_SECONDS, "farm.json")
        return self

    def _is_up(self) -> bool:
        assert self.program is not None
        assert self.program.poll() is None, self.log()
        return (self.state / "farm.json").exists()

    def log(self) -> str:
        """What `up` and its processes said last."""
        logs = [self.state.parent / f"{self.state.name}-up.log", *self.state.glob("logs/*.log")]
        return "\n".join(
            f"--- {log.name}\n" + log.read_text(errors="replace")[-2000:]
            for log in logs
            if log.exists()
        )

    def described(self) -> dict[str, Any]:
        """farm.json"""
        return dict(json.loads((self.state / "farm.json").read_text()))

    def pid(self, name: str) -> int:
        return int(self.described()["processes"][name])

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, as a service manager would; the exit code."""
        assert self.program is not None
        self.program.send_signal(signal.SIGTERM)
        return self.program.wait(timeout=seconds)

    def http(self) -> httpx2.Client:
        described = self.described()
        token = Path(described["token_file"]).read_text().strip()
        return httpx2.Client(
            base_url=f"{described['api']}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            verify=False,  # plain HTTP: reading everybody's certificates takes longer than to ask
        )

    def submit(self, source: str, **headers: str) -> str:
        with self.http() as http:
            answer = http.post(
                "/jobs", content=source, headers={"Content-Type": "application/yaml", **headers}
            )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job"]["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        with self.http() as http:
            answer = http.get(f"/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def finished(self, job_id: str, seconds: float = 120.0) -> dict[str, Any]:
        """The job when it has ended; the API may be away meanwhile."""

        def look() -> dict[str, Any] | None:
            with contextlib.suppress(httpx2.TransportError):
                job = self.job(job_id)
                return job if job["state"] in FINAL else None
            return None

        try:
            return eventually(look, seconds, f"{job_id} ended", every=0.25) or {}
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log()}") from None

    def task_running(self, job_id: str, kind: str, seconds: float = 60.0) -> dict[str, Any]:
        """A task of that kind once it runs."""

        def look() -> dict[str, Any] | None:
            tasks = self.job(job_id)["task_list"]
            running = [t for t in tasks if t["kind"] == kind and t["state"] == "running"]
            return running[0] if running else None

        return eventually(look, seconds, f"a {kind} task runs") or {}

    def film(self, job_id: str, into: Path) -> Path:
        with self.http() as http:
            answer = http.get(f"/jobs/{job_id}/film")
        assert answer.status_code == 200, answer.text
        into.write_bytes(answer.content)
        return into


@contextlib.contextmanager
def running_farm(state: Path, **environment: str) -> Iterator[RunningFarm]:
    """Started, and ended whatever the test does."""
    farm = RunningFarm(state, environment).start()
    try:
        yield farm
    finally:
        if farm.program and farm.program.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                farm.stop()
            farm.program.kill()
            farm.program.wait()


def clean_environment() -> dict[str, str]:
    """This environment without settings of another farm."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REELYARD_")}
