"""The dashboard served from this process, in front of a played farm, so that a test plays along."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from dashboard.app import make_app
from dashboard.parts import KEY
from reelyard.clock import SystemClock
from reelyard.settings import read_settings
from tests.support.played_farm import TOKEN, PlayedFarm, doors


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Says nothing."""


@dataclass(frozen=True)
class Served:
    """A dashboard at an address, and the farm behind it."""

    url: str
    farm: PlayedFarm
    app: Flask

    @property
    def door(self) -> str:
        """The address that signs in."""
        return f"{self.url}/?token={TOKEN}"

    @property
    def streams(self) -> int:
        """How many tabs are connected."""
        return int(self.app.extensions[KEY].hub.streams)


@contextmanager
def dashboard_of(
    farm: PlayedFarm, state: Path, most_streams: int = 64, port: int = 0
) -> Iterator[Served]:
    app = make_app(read_settings(state=state), SystemClock(), doors(farm), most_streams)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", farm, app)
    finally:
        app.extensions[KEY].hub.close()
        server.shutdown()
        thread.join(10)
        server.server_close()
