"""Serves the API. What a person can mend is said before anything listens."""

from __future__ import annotations

from typing import Final

from coordinator.api.app import make_app
from coordinator.api.parts import KEY, Parts
from coordinator.api.streams import MOST_STREAMS
from coordinator.app import broker_of, make_database
from reelyard.catalog import load_catalog
from reelyard.serving import Site, serve
from reelyard.settings import Settings
from reelyard.storage.locate import open_store

THREADS: Final = MOST_STREAMS + 40


def main(settings: Settings, bind: str, port: int) -> None:
    """Serve until SIGTERM. Raises InvalidInput or NotInstalled before anything listens."""
    _check(settings)
    serve(lambda: _site(settings), bind, port, THREADS)


def _check(settings: Settings) -> None:
    """Told here, once, and not as a worker process that cannot start."""
    broker_of(settings)
    open_store(settings)
    load_catalog(settings.catalog_file)
    make_database(settings).close()


def _site(settings: Settings) -> Site:
    app = make_app(settings)
    parts = app.extensions[KEY]
    assert isinstance(parts, Parts)
    return Site(app, parts.streams.close, parts.close)
