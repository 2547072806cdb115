"""What a step has in front of it while it works: scratch space, the store, a way to report and to
keep a model in memory. Steps know nothing else of the worker; tests hand them a plain desk.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from reelyard.catalog import Catalog
from reelyard.failure import Failure, FailureKind
from reelyard.plan import Plan
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore
from reelyard.task import Checkpoint

T = TypeVar("T")


class Stopped(Exception):
    """The attempt was cancelled; raised out of `Desk.report` and never caught by a step."""


class Yielded(Exception):
    """The attempt has made room, as asked; never caught by a step. `checkpoint` says where
    another attempt can go on, None that it has to begin anew."""

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        super().__init__("made room")
        self.checkpoint = checkpoint


class TaskFailed(Exception):
    """A step knows why it cannot go on."""

    def __init__(self, kind: FailureKind, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.failure = Failure(kind=kind, sentence=sentence, detail=detail)


class Desk(Protocol):
    """One attempt's surroundings."""

    @property
    def folder(self) -> Path:
        """Scratch space, emptied after the attempt."""
        ...

    @property
    def store(self) -> ArtifactStore:
        """Where finished files go, and inputs come from."""
        ...

    @property
    def device_id(self) -> str:
        """`cpu`, `cuda:0`."""
        ...

    @property
    def plan(self) -> Plan:
        """How the coordinator wants it run."""
        ...

    @property
    def catalog(self) -> Catalog:
        """Models and voices by id."""
        ...

    @property
    def settings(self) -> Settings:
        """The worker's settings."""
        ...

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where an earlier attempt was left."""
        ...

    def report(self, phase: str, step: int = 0, steps: int = 0) -> None:
        """Say where the work is. Raises Stopped when somebody cancelled it, and Yielded when it
        should make room, except in the phases denoise (whoever denoises asks `should_yield` and
        keeps its place), decode and store (what is left to do is little)."""
        ...

    def should_yield(self) -> bool:
        """Whether somebody more urgent waits for the device."""
        ...

    def went_on(self, step: int) -> None:
        """Say that the work goes on after this step, which an earlier attempt has done."""
        ...

    def ran(self, plan: Plan) -> None:
        """Say how it is run, where a device cannot follow the plan in all."""
        ...

    def resident(self, key: str, load: Callable[[], T], variant: str = "") -> T:
        """The model under this key: kept from an earlier task, or loaded now (and timed). Held in
        another `variant` (number format, place) it is dropped and loaded again."""
        ...
