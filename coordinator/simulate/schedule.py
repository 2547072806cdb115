"""Writes what ran when and where: one JSON line a run, in the order in which they began."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from coordinator.simulate.engine import Played
from coordinator.simulate.runs import Outcome
from reelyard.errors import InvalidInput, Problem

_WORDS = {Outcome.DONE: "done", Outcome.FAILED: "failed", Outcome.STOPPED: "stopped"}


def write_schedule(played: Played, file: Path) -> None:
    """The whole play. Raises InvalidInput where the file cannot be written."""
    try:
        with file.open("w", encoding="utf-8") as out:
            out.writelines(schedule_lines(played))
    except OSError as wrong:
        said = f"cannot be written: {wrong.strerror}"
        remedy = "Choose another file."
        raise InvalidInput([Problem("--schedule", said, str(file), remedy=remedy)]) from None


def schedule_lines(played: Played) -> Iterator[str]:
    """`task`: its id, or its line in the workload; `devices`: places in the fleet, from 0; times in
    simulated seconds, the load before the work; `ended`: done, failed or stopped."""
    world = played.world
    for run in sorted(played.runs, key=lambda run: (run.start, run.devices)):
        task = world.tasks[run.task]
        line = {
            "task": task.id,
            "devices": list(run.devices),
            "type": world.types[run.type],
            "model": task.model,
            "start": round(run.start, 3),
            "load_seconds": round(run.load_seconds, 3),
            "end": round(run.end, 3),
            "ok": run.outcome is Outcome.DONE,
            "ended": _WORDS[run.outcome],
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"
