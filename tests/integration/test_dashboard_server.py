"""The dashboard as a process: it comes up without a farm, and goes without leaving anything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from werkzeug.serving import make_server

from tests.support.played_season import played_farm
from tests.support.running_farm import clean_environment
from tests.support.waiting import eventually


@dataclass
class Running:
    """`reelyard-dashboard` as a program."""

    url: str
    program: subprocess.Popen[bytes]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.program.pid).children(recursive=True)


def overview(_environ: Any, start: Any) -> list[bytes]:
    """A farm of one answer: enough to sign in, and nothing more."""
    seen = played_farm(1_800_000_000.0).overview(60).model_dump_json().encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(seen)))])
    return [seen]


@pytest.fixture
def some_farm() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, overview, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Running]:
    """Its farm is away."""
    with running_dashboard(tmp_path, "http://127.0.0.1:9") as running:
        yield running


@contextmanager
def running_dashboard(state: Path, farm: str) -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **clean_environment(),
        "REELYARD_STATE": str(state),
        "REELYARD_URL": farm,
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


def test_sigterm_ends_it_though_pages_are_live(tmp_path: Path, some_farm: str) -> None:
    with (
        running_dashboard(tmp_path, some_farm) as running,
        httpx2.Client(base_url=running.url, timeout=60) as http,
    ):
        assert http.get("/?token=any").status_code == 303
        with http.stream("GET", "/live/new") as stream:
            lines = stream.iter_lines()
            assert any('hx-target="#pulse"' in line for line in lines)
            running.program.send_signal(signal.SIGTERM)
            assert running.program.wait(60) == 0


def test_nothing_outlives_a_parent_that_was_killed(dashboard: Running) -> None:
    children = dashboard.children()
    assert children
    os.kill(dashboard.program.pid, signal.SIGKILL)
    dashboard.program.wait()
    eventually(lambda: not [child for child in children if child.is_running()], 60)
