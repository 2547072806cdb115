"""Is the farm well? Asks each part, but not more than every few seconds, and waits for none.

Open to anybody, so it says what is wrong and never where: no addresses, no names of users.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from coordinator.api.checks import Unwell
from reelyard import __version__
from reelyard.clock import Clock
from reelyard.errors import ReelyardError
from reelyard.resources import HealthView

_LOG = logging.getLogger(__name__)
OK = "ok"
REMEMBERED_SECONDS = 2.0
PATIENCE_SECONDS = 3.0
_VITAL = "database"

Check = Callable[[], None]
"""Raises ReelyardError when the part is not well."""


class Health:
    """Checks run in threads of their own, one at a time per part: one that hangs stays one."""

    def __init__(self, checks: Mapping[str, Check], clock: Clock) -> None:
        self._checks, self._clock = dict(checks), clock
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="health")
        self._running: dict[str, Future[str]] = {}
        self._last: HealthView | None = None
        self._looked_at = 0.0

    def view(self) -> HealthView:
        """The present state, at most REMEMBERED_SECONDS old."""
        with self._lock:
            now = self._clock.monotonic()
            if self._last is None or now - self._looked_at >= REMEMBERED_SECONDS:
                self._last, self._looked_at = _judge(self._look()), now
            return self._last

    def close(self) -> None:
        """Begin no further check."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> dict[str, str]:
        for name, check in self._checks.items():
            if name not in self._running:
                self._running[name] = self._threads.submit(_words, name, check)
        done, _ = wait(self._running.values(), timeout=PATIENCE_SECONDS)
        found = {
            name: future.result() if future in done else "does not answer in time"
            for name, future in self._running.items()
        }
        self._running = {n: future for n, future in self._running.items() if future not in done}
        return {name: found[name] for name in self._checks}


def _words(name: str, check: Check) -> str:
    try:
        check()
    except Unwell as wrong:
        return wrong.message
    except Exception as wrong:
        _LOG.warning("health: %s: %s", name, wrong)
        kind = "does not answer" if isinstance(wrong, ReelyardError) else type(wrong).__name__
        return f"{kind}: the coordinator's log says why"
    return OK


def _judge(parts: dict[str, str]) -> HealthView:
    """Down without the database: nothing can be asked. Without the others work waits."""
    ill = {name for name, said in parts.items() if said != OK}
    status = "down" if _VITAL in ill else "degraded" if ill else "ok"
    return HealthView.model_validate({"status": status, "version": __version__, "parts": parts})
