"""A plain desk for tests of steps: a folder, a store, and everything that was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from reelyard.artifact import Artifact
from reelyard.catalog import Catalog, load_catalog
from reelyard.plan import Plan
from reelyard.settings import Settings
from reelyard.storage.disk import DiskStore
from reelyard.task import Checkpoint
from worker.desk import Stopped

T = TypeVar("T")


@dataclass
class PlainDesk:
    """Models stay for its life; it can be told to stop the work at a phase and step, or to
    have it make room after a step."""

    folder: Path
    store: DiskStore
    catalog: Catalog
    plan: Plan = field(default_factory=Plan)
    device_id: str = "cpu"
    settings: Settings = field(default_factory=lambda: Settings(allow_hub=False))
    stop_at: tuple[str, int] | None = None
    said: list[tuple[str, int, int]] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    plan_that_ran: Plan | None = None
    checkpoint: Checkpoint | None = None
    yield_at: int | None = None
    began_after: int = 0

    def report(self, phase: str, step: int = 0, steps: int = 0) -> None:
        self.said.append((phase, step, steps))
        if (phase, step) == self.stop_at:
            raise Stopped

    def should_yield(self) -> bool:
        return bool(self.said) and self.said[-1][:2] == ("denoise", self.yield_at)

    def went_on(self, step: int) -> None:
        self.began_after = step

    def ran(self, plan: Plan) -> None:
        self.plan_that_ran = plan

    def resident(self, key: str, load: Callable[[], T], variant: str = "") -> T:
        if key not in self.held or self.variants.get(key, variant) != variant:
            self.held.pop(key, None)
            self.held[key], self.variants[key] = load(), variant
            self.loads.append(key)
        kept: T = self.held[key]
        return kept

    def get(self, artifact: Artifact) -> Path:
        """The artifact as a file of its name, beside the scratch folder."""
        into = self.folder.parent / "got"
        into.mkdir(exist_ok=True)
        return self.store.fetch(artifact.sha256, into / artifact.name)


def plain_desk(root: Path, catalog: Catalog | None = None) -> PlainDesk:
    """A desk under `root`."""
    folder = root / "desk"
    folder.mkdir(parents=True)
    return PlainDesk(folder, DiskStore(root / "store"), catalog or load_catalog(None))
