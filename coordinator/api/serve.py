"""Serves the API: gunicorn with one worker process of many threads, which are what streams cost.

Everything that holds a connection or a thread is made in the worker process, after the fork.
SIGTERM ends open streams first, so that it takes a moment and not as long as somebody listens.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from flask_openapi.openapi import OpenAPI
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from coordinator.api.app import make_app
from coordinator.api.parts import KEY, Parts
from coordinator.api.streams import MOST_STREAMS
from coordinator.app import broker_of, make_database
from reelyard.catalog import load_catalog
from reelyard.clock import SystemClock
from reelyard.settings import Settings
from reelyard.storage.locate import open_store

THREADS: Final = MOST_STREAMS + 40
_CONNECTIONS: Final = 1_000
_STOP_SECONDS: Final = 3
_LINGER_SECONDS: Final = 0.3
_SILENT_SECONDS: Final = 60
_PR_SET_PDEATHSIG: Final = 1


def main(settings: Settings, bind: str, port: int) -> None:
    """Serve until SIGTERM. Raises InvalidInput or NotInstalled before anything listens."""
    _check(settings)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    host = f"[{bind}]" if ":" in bind else bind
    try:
        _Server(lambda: make_app(settings), f"{host}:{port}").run()
    except SystemExit as end:  # of the parent and of its worker alike
        _leave(end.code)


def _check(settings: Settings) -> None:
    """What a person can mend is told here, once, and not as a worker process that cannot start."""
    broker_of(settings)
    open_store(settings)
    load_catalog(settings.catalog_file)
    make_database(settings).close()


def _leave(code: object) -> None:
    """End at once: no thread of a slow download is waited for, no module is taken apart."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1 if code else 0)


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, set up by code alone."""

    def __init__(self, make: Callable[[], OpenAPI], address: str) -> None:
        self._make, self._address = make, address
        super().__init__()

    def load_config(self) -> None:
        """See `BaseApplication.load_config`."""
        given: dict[str, Any] = {
            "bind": self._address,
            "workers": 1,
            "worker_class": StreamingWorker,
            "threads": THREADS,
            "worker_connections": _CONNECTIONS,
            "keepalive": 5,
            "timeout": _SILENT_SECONDS,
            "graceful_timeout": _STOP_SECONDS,
            "post_fork": lambda _arbiter, worker: end_with_parent(worker.ppid),
            "control_socket_disable": True,  # its thread would live across the fork
            "errorlog": "-",
            "loglevel": "warning",
        }
        for name, value in given.items():
            self.cfg.set(name, value)

    def load(self) -> OpenAPI:
        """In the worker process: see the module."""
        return self._make()


class StreamingWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that ends its streams when it is told to stop, and itself soon after."""

    _linger_until = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: the streams are ended outside of the signal handler, by the main loop."""
        if self.alive:
            self._linger_until = SystemClock().monotonic() + _LINGER_SECONDS
            self.method_queue.defer(self._end_streams)
        super().handle_exit(sig, frame)

    def murder_keepalived(self, force: bool = False) -> None:
        """Idle connections stay for a request that may be on its way, but not for long."""
        if not self.alive:
            for connection in self.keepalived_conns:
                connection.timeout = min(connection.timeout, self._linger_until)
        super().murder_keepalived(force)

    def run(self) -> None:
        """Serve; then end what the app holds, also when the parent vanished."""
        super().run()
        self._parts().close()

    def _end_streams(self) -> None:
        self._parts().streams.close()

    def _parts(self) -> Parts:
        found = self.wsgi.extensions[KEY]
        assert isinstance(found, Parts)
        return found


def end_with_parent(parent: int) -> None:
    """Ask the kernel (Linux) for SIGTERM when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
