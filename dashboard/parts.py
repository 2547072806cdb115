"""What every view may use, made once per process. Views reach it through `parts()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app

from dashboard.assets import Assets
from dashboard.farm import Farm
from dashboard.live.hub import Hub
from reelyard.clock import Clock
from reelyard.settings import Settings

KEY = "reelyard-dashboard"

FarmFor = Callable[[str], Farm]
"""The farm as the owner of this token may see it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The dashboard's surroundings."""

    settings: Settings
    clock: Clock
    assets: Assets
    farm_for: FarmFor
    hub: Hub


def parts() -> Parts:
    """The parts of the app that answers this request."""
    return cast(Parts, current_app.extensions[KEY])
