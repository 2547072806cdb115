"""Serves the dashboard: one gunicorn process with a thread for each open page.

SIGTERM ends the open streams first, so that it is over within seconds. Never outlives its parent.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from dashboard.app import make_app
from dashboard.live.hub import MOST_STREAMS
from dashboard.parts import KEY
from reelyard.clock import SystemClock
from reelyard.settings import Settings

_OTHER_THREADS = 32
_STOP_SECONDS = 2
_PR_SET_PDEATHSIG = 1


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, configured here and nowhere else."""

    def __init__(self, settings: Settings, bind: str, port: int) -> None:
        self._settings, self._address = settings, f"{bind}:{port}"
        self._app: Flask | None = None
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is told."""
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Made in the worker process: connections and threads do not survive a fork."""
        self._app = make_app(self._settings, SystemClock())
        return self._app

    def _options(self) -> dict[str, Any]:
        return {
            "bind": self._address,
            "worker_class": "gthread",
            "workers": 1,
            "threads": MOST_STREAMS + _OTHER_THREADS,
            "worker_connections": 4 * MOST_STREAMS,
            "graceful_timeout": _STOP_SECONDS,
            "timeout": 120,
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "reelyard-dashboard",
            "post_fork": _end_with_parent,
            "post_worker_init": self._end_streams_on_term,
            "worker_exit": self._leave,
        }

    def _end_streams_on_term(self, worker: Any) -> None:
        def on_term(number: int, frame: FrameType | None) -> None:
            # In a thread: a signal may interrupt whoever holds the lock that closing needs.
            threading.Thread(target=self._close_streams, daemon=True).start()
            worker.handle_exit(number, frame)

        signal.signal(signal.SIGTERM, on_term)

    def _leave(self, _server: Any, worker: Any) -> None:
        """Threads that wait for a slow farm must not keep the process."""
        self._close_streams()
        if not worker.booted:
            return
        logging.shutdown()
        sys.stderr.flush()
        os._exit(0)

    def _close_streams(self) -> None:
        if self._app is not None:
            self._app.extensions[KEY].hub.close()


def main(settings: Settings, bind: str, port: int) -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    Server(settings, bind, port).run()


def _end_with_parent(_server: Any, _worker: Any) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
