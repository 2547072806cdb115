"""Finding TCP ports that nobody listens on."""

from __future__ import annotations

import socket

from reelyard.embedded.layout import Ports
from reelyard.errors import Conflict


def choose_ports(first: int | None) -> Ports:
    """The API at `first`, the dashboard beside it; any free ones when `first` is 0.

    Without a wish the usual 8700 and 8701 are tried, then any. Raises Conflict when a port that was
    asked for is taken.
    """
    if first:
        return Ports(api=_claim(first), dashboard=_claim(first + 1), broker=free_port())
    if first is None and is_free(8700) and is_free(8701):
        return Ports(api=8700, dashboard=8701, broker=free_port())
    return Ports(api=free_port(), dashboard=free_port(), broker=free_port())


def _claim(port: int) -> int:
    if not is_free(port):
        raise Conflict(
            f"port {port} is in use by another program.",
            "Give another one with --port, or 0 for any free one.",
        )
    return port


def is_free(port: int) -> bool:
    """True when nobody listens on the port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that the system says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
