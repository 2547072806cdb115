"""The desk of one attempt inside its engine process; see `worker.desk.Desk`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.plan import Plan
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore
from reelyard.task import Checkpoint
from worker.desk import Stopped, Yielded
from worker.residency import Residency
from worker.talk import Bench, Said

T = TypeVar("T")

_TOLD_EVERY_SECONDS: Final = 0.2
_SEEN_THROUGH: Final = frozenset({"denoise", "decode", "store"})
"""Phases in which nobody is made to make room by a report: see Desk."""


class Host(Protocol):
    """The engine, as an attempt needs it."""

    bench: Bench
    clock: Clock
    catalog: Catalog
    store: ArtifactStore
    residency: Residency
    plan_that_ran: Plan
    steps_before: int

    def say(self, said: Said) -> None:
        """Tell the lane."""
        ...

    def is_stopped(self, attempt_id: str) -> bool:
        """Somebody asked for it to stop."""
        ...

    def should_yield(self, attempt_id: str) -> bool:
        """Somebody asked for it to make room."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted: an attempt, or a model in memory (then without an attempt)."""

    plan: Plan
    predicted_gib: float
    attempt_id: str = ""
    checkpoint: Checkpoint | None = None


class Surroundings:
    """One attempt's desk."""

    def __init__(self, asked: Asked, folder: Path, host: Host) -> None:
        self._asked, self._folder, self._host = asked, folder, host
        self._phase, self._told_at = "", 0.0

    @property
    def folder(self) -> Path:
        """See Desk."""
        return self._folder

    @property
    def store(self) -> ArtifactStore:
        """See Desk."""
        return self._host.store

    @property
    def device_id(self) -> str:
        """See Desk."""
        return self._host.bench.device_id

    @property
    def plan(self) -> Plan:
        """See Desk."""
        return self._asked.plan

    @property
    def catalog(self) -> Catalog:
        """See Desk."""
        return self._host.catalog

    @property
    def settings(self) -> Settings:
        """See Desk."""
        return self._host.bench.settings

    @property
    def checkpoint(self) -> Checkpoint | None:
        """See Desk."""
        return self._asked.checkpoint

    def report(self, phase: str, step: int = 0, steps: int = 0) -> None:
        """See Desk. A change of phase is told at once, steps a few times a second."""
        if self._host.is_stopped(self._asked.attempt_id):
            raise Stopped
        if phase not in _SEEN_THROUGH and self.should_yield():
            raise Yielded(self._asked.checkpoint)
        now = self._host.clock.monotonic()
        is_last = steps > 0 and step == steps
        if phase == self._phase and not is_last and now - self._told_at < _TOLD_EVERY_SECONDS:
            return
        self._phase, self._told_at = phase, now
        said = Said("progress", self._asked.attempt_id, phase=phase, step=step, steps=steps)
        self._host.say(said)

    def should_yield(self) -> bool:
        """See Desk."""
        return self._host.should_yield(self._asked.attempt_id)

    def went_on(self, step: int) -> None:
        """See Desk."""
        self._host.steps_before = step

    def ran(self, plan: Plan) -> None:
        """See Desk."""
        self._host.plan_that_ran = plan

    def resident(self, key: str, load: Callable[[], T], variant: str = "") -> T:
        """See Desk. The lane hears of a load before and after."""
        residency, attempt = self._host.residency, self._asked.attempt_id
        has_loaded = False

        def told() -> T:
            nonlocal has_loaded
            has_loaded = True
            self._host.say(Said("loading", attempt, phase=key))
            return load()

        value = residency.get(key, told, self._asked.predicted_gib, variant)
        if has_loaded:
            self._host.say(Said("holds", attempt, resident=residency.listed()))
        return value
