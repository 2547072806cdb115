"""When a task's first line ran: one line per task, in one file per engine process."""

from __future__ import annotations

import os
import time
from pathlib import Path

from worker.desk import Desk


def note(desk: Desk) -> None:
    """The attempt's folder is named after it."""
    now = time.time()
    with (_folder(desk.settings.state) / f"{os.getpid()}.txt").open("a") as file:
        file.write(f"{desk.folder.name} {now!r}\n")


def noted(state: Path) -> dict[str, float]:
    """Unix seconds by attempt, of all engines."""
    lines = (line.split() for file in _folder(state).glob("*.txt") for line in _lines(file))
    return {parts[0]: float(parts[1]) for parts in lines if len(parts) == 2}


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def _folder(state: Path) -> Path:
    folder = state / "first-lines"
    folder.mkdir(exist_ok=True)
    return folder
