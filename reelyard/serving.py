"""Serves a site: gunicorn with one worker process of many threads, which are what streams cost.

Everything that holds a connection or a thread is made in the worker process, after the fork.
SIGTERM ends open streams first, so that it takes a moment and not as long as somebody listens.
Never outlives its parent.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from reelyard.clock import SystemClock
from reelyard.parentage import end_with_parent

_CONNECTIONS: Final = 1_000
_STOP_SECONDS: Final = 3
_LINGER_SECONDS: Final = 0.3
_SILENT_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Site:
    """A WSGI app with streams. `end_streams` may be called from any thread, `close` comes last."""

    app: Callable[..., Any]
    end_streams: Callable[[], None]
    close: Callable[[], None]


def serve(make: Callable[[], Site], bind: str, port: int, threads: int) -> None:
    """Serve until SIGTERM; `make` is called in the worker process. Ends the process."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    host = f"[{bind}]" if ":" in bind else bind
    try:
        _Server(make, f"{host}:{port}", threads).run()
    except SystemExit as end:  # of the parent and of its worker alike
        _leave(end.code)


def _leave(code: object) -> None:
    """End at once: no thread of a slow download is waited for, no module is taken apart."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1 if code else 0)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, set up by code alone."""

    def __init__(self, make: Callable[[], Site], address: str, threads: int) -> None:
        self._make, self._address, self._threads = make, address, threads
        self.site: Site | None = None
        super().__init__()

    def load_config(self) -> None:
        """See `BaseApplication.load_config`."""
        given: dict[str, Any] = {
            "bind": self._address,
            "workers": 1,
            "worker_class": StreamingWorker,
            "threads": self._threads,
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

    def load(self) -> Callable[..., Any]:
        """In the worker process: see the module."""
        self.site = self._make()
        return self.site.app


class StreamingWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that ends its streams when it is told to stop, and itself soon after."""

    _linger_until = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: the streams are ended outside of the signal handler, by the main loop."""
        if self.alive:
            self._linger_until = SystemClock().monotonic() + _LINGER_SECONDS
            self.method_queue.defer(self._site().end_streams)
        super().handle_exit(sig, frame)

    def murder_keepalived(self, force: bool = False) -> None:
        """Idle connections stay for a request that may be on its way, but not for long."""
        if not self.alive:
            for connection in self.keepalived_conns:
                connection.timeout = min(connection.timeout, self._linger_until)
        super().murder_keepalived(force)

    def run(self) -> None:
        """Serve; then end what the site holds, also when the parent vanished."""
        super().run()
        self._site().close()

    def _site(self) -> Site:
        site: Site | None = self.app.site
        assert site is not None  # the app is loaded before the worker runs
        return site
