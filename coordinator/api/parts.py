"""What every view may use, made once per process. Views reach it through `parts()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from coordinator.api.files import Files
from coordinator.api.fits import Fits
from coordinator.api.health import Health
from coordinator.api.risks import Risks
from coordinator.api.streams import Streams
from coordinator.intake import Intake
from coordinator.metrics import Metrics
from coordinator.steering import Steering
from coordinator.store.database import Database
from coordinator.store.tokens import Tokens
from coordinator.store.view_events import Story
from coordinator.store.view_farm import FarmViews
from coordinator.store.view_queue import Queue
from coordinator.store.views import Views
from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.settings import Settings

KEY = "reelyard"


@dataclass(frozen=True, slots=True)
class Parts:
    """The API's surroundings."""

    settings: Settings
    clock: Clock
    catalog: Catalog
    database: Database
    intake: Intake
    steering: Steering
    tokens: Tokens
    views: Views
    queue: Queue
    risks: Risks
    farm: FarmViews
    story: Story
    streams: Streams
    files: Files
    fits: Fits
    health: Health
    metrics: Metrics

    def close(self) -> None:
        """End what runs by itself, for a server that stops."""
        self.streams.close()
        self.health.close()
        self.database.close()


def parts() -> Parts:
    """The parts of the app that answers this request."""
    return cast(Parts, current_app.extensions[KEY])
