"""One program of the farm: started, watched, restarted when it dies, stopped politely.

The parent's death ends it too (on Linux), so that no program is left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from reelyard.clock import Clock
from reelyard.parentage import end_with_parent

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_CALM_SECONDS = 30.0


class Process:
    """A named program under watch."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        clock: Clock,
    ) -> None:
        self.name, self.restarts = name, 0
        self._command, self._environment, self._log = list(command), dict(environment), log
        self._clock = clock
        self._running: subprocess.Popen[bytes] | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._started_at = self._again_at = 0.0

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._running.pid if self._running else 0

    def start(self) -> None:
        """Run the program; its output goes to its log file."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )
        self._started_at = self._clock.monotonic()

    def alive(self) -> bool:
        """True while it runs."""
        return self._running is not None and self._running.poll() is None

    def revive(self) -> bool:
        """Start it again if it has died and its pause is over. True when it was started."""
        if self.alive():
            return False
        now = self._clock.monotonic()
        if not self._again_at:
            calm = now - self._started_at > _CALM_SECONDS
            self._pause = _FIRST_PAUSE_SECONDS if calm else self._pause
            self._again_at = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        if now < self._again_at:
            return False
        self._again_at = 0.0
        self.restarts += 1
        self.start()
        return True

    def ask_to_stop(self) -> None:
        """SIGTERM; does not wait."""
        if self.alive() and self._running:
            self._running.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for the end; after so many seconds end it and all that it started."""
        if self._running is None:
            return
        try:
            self._running.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._running.wait()

    def last_words(self, lines: int = 15) -> str:
        """The end of its log, for an error message."""
        if not self._log.is_file():
            return ""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _kill_group(self) -> None:
        if self._running:
            try:
                os.killpg(self._running.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._running.kill()
