"""The coordinator's loop of a benchmark: the real one, with a stop-watch on its parts.

    python -m bench.durable.loop FILE [--profile]

Writes FILE (JSON: wall and CPU seconds and calls by part) when it ends; with --profile also
FILE.profile, for pstats, of the loop's thread.
"""

from __future__ import annotations

import cProfile
import functools
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordinator.app import run_loop
from coordinator.dispatch import Dispatcher
from coordinator.loop import Loop
from coordinator.scheduler import Scheduler
from reelyard.settings import read_settings

PARTS = (
    (Loop, "turn"),
    (Loop, "_take"),
    (Loop, "_tick"),
    (Scheduler, "look"),
    (Loop, "_apply"),
    (Dispatcher, "send"),
)

_END_SECONDS = 15.0


@dataclass
class StopWatch:
    """Adds up what each part took; a part that is inside another counts in both."""

    parts: dict[str, list[float]] = field(default_factory=dict)

    def on(self, owner: type, name: str) -> None:
        """From now on the method is timed."""
        method, spent = getattr(owner, name), self.parts.setdefault(name.strip("_"), [0.0, 0.0, 0])

        @functools.wraps(method)
        def timed(*given: Any, **more: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return method(*given, **more)
            finally:
                spent[0] += time.perf_counter() - wall
                spent[1] += time.thread_time() - cpu
                spent[2] += 1

        setattr(owner, name, timed)


def profiled(run: Callable[[Loop], None], into: Path) -> Callable[[Loop], None]:
    """The loop's thread under cProfile."""

    def under_watch(loop: Loop) -> None:
        profile = cProfile.Profile()
        profile.runcall(run, loop)
        profile.dump_stats(into)

    return under_watch


def main(into: Path, with_profile: bool) -> None:
    """Until SIGTERM."""
    watch = StopWatch()
    for owner, name in PARTS:
        watch.on(owner, name)
    if with_profile:
        Loop._run = profiled(Loop._run, into.with_suffix(".profile"))  # type: ignore[method-assign]
    try:
        run_loop(read_settings())
    finally:
        _await_the_loop()
        into.write_text(json.dumps(watch.parts))


def _await_the_loop() -> None:
    """A profile is written when its thread ends, which nobody else waits for that long."""
    for thread in threading.enumerate():
        if thread.name == "loop":
            thread.join(_END_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--profile" in sys.argv)
