"""The dashboard as a process: it comes up without a farm, and goes without leaving anything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.support.running_farm import clean_environment
from tests.support.waiting import eventually


@dataclass
class Running:
    """`reelyard-dashboard` of a farm that is away."""

    url: str
    program: subprocess.Popen[bytes]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.program.pid).children(recursive=True)


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **clean_environment(),
        "REELYARD_STATE": str(tmp_path),
        "REELYARD_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "dashboard.cli", "--bind", "127.0.0.1", "--port", str(port)]
    program = subprocess.Popen(command, env=environment)
    running = Running(f"http://127.0.0.1:{port}", program)
    try:
        eventually(lambda: answers(running), 60, "the dashboard is up")
        yield running
    finally:
        program.kill()
        program.wait()


def answers(running: Running) -> bool:
    assert running.program.poll() is None
    try:
        return httpx2.get(f"{running.url}/health").json()["status"] == "ok"
    except httpx2.TransportError:
        return False


def test_it_is_well_though_its_farm_is_away_and_says_so(dashboard: Running) -> None:
    with httpx2.Client(base_url=dashboard.url) as http:
        page = http.get("/sign-in")
        assert page.status_code == 200
        asked = http.get("/?token=some-token")
    assert asked.status_code == 503
    assert "The farm does not answer" in asked.text
    assert "some-token" not in asked.text


def test_sigterm_ends_it_though_connections_are_open(dashboard: Running) -> None:
    host, port = dashboard.url.removeprefix("http://").split(":")
    with (
        httpx2.Client(base_url=dashboard.url) as kept_alive,
        socket.create_connection((host, int(port))) as half_sent,
    ):
        kept_alive.get("/health")
        half_sent.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        dashboard.program.send_signal(signal.SIGTERM)
        assert dashboard.program.wait(60) == 0


def test_nothing_outlives_a_parent_that_was_killed(dashboard: Running) -> None:
    children = dashboard.children()
    assert children
    os.kill(dashboard.program.pid, signal.SIGKILL)
    dashboard.program.wait()
    eventually(lambda: not [child for child in children if child.is_running()], 60)
