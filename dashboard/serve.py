"""Serves the dashboard: a thread for each open page, and some for everything else."""

from __future__ import annotations

import logging
from typing import Final

from dashboard.app import make_app
from dashboard.live.hub import MOST_STREAMS
from dashboard.parts import KEY
from reelyard.clock import SystemClock
from reelyard.serving import Site, serve
from reelyard.settings import Settings

THREADS: Final = MOST_STREAMS + 32


def main(settings: Settings, bind: str, port: int) -> None:
    """Serve until SIGTERM."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    serve(lambda: _site(settings), bind, port, THREADS)


def _site(settings: Settings) -> Site:
    app = make_app(settings, SystemClock())
    hub = app.extensions[KEY].hub
    return Site(app, hub.close, hub.close)
