"""What every view may use, made once per process. Views reach it through `parts()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from coordinator.api.streams import Streams
from coordinator.intake import Intake
from coordinator.store.database import Database
from coordinator.store.tokens import Tokens
from coordinator.store.view_events import Story
from coordinator.store.view_farm import FarmViews
from coordinator.store.views import Views
from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore

KEY = "reelyard"


@dataclass(frozen=True, slots=True)
class Parts:
    """The API's surroundings."""

    settings: Settings
    clock: Clock
    catalog: Catalog
    database: Database
    store: ArtifactStore
    intake: Intake
    tokens: Tokens
    views: Views
    farm: FarmViews
    story: Story
    streams: Streams


def parts() -> Parts:
    """The parts of the app that answers this request."""
    return cast(Parts, current_app.extensions[KEY])
