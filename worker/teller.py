"""Whom a lane tells how attempts go, and whom it asks to read weights before they are needed."""

from __future__ import annotations

from typing import Protocol

from reelyard.failure import Failure
from reelyard.messages import Measured, RunTask
from reelyard.task import Checkpoint, Result


class Teller(Protocol):
    """Whoever passes on what lanes have to say."""

    def started(self, order: RunTask) -> None: ...

    def progress(self, order: RunTask, phase: str, step: int, steps: int) -> None: ...

    def finished(self, order: RunTask, result: Result, measured: Measured) -> None: ...

    def failed(self, order: RunTask, failure: Failure, measured: Measured) -> None: ...

    def preempted(
        self, order: RunTask, checkpoint: Checkpoint | None, measured: Measured
    ) -> None: ...


class Ahead(Protocol):
    """Whoever reads weights before they are needed."""

    def fetch(self, model: str) -> None: ...

    def leave(self, model: str) -> None: ...
