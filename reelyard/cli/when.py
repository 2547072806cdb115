"""Moments as a person gives them to a command, and as a command shows them: in the time zone of the
machine where it is typed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reelyard.clock import Clock

_LOCALTIME = Path("/etc/localtime")
_ZONES = "zoneinfo/"


def read_moment(
    text: str, flag: str, clock: Clock | None = None, environment: Mapping[str, str] | None = None
) -> float:
    """`tomorrow 07:00`, `Fri 18:00`, `+8h` in seconds since 1970. Raises InvalidInput."""
    from reelyard.clock import SystemClock
    from reelyard.rules.moment import moment

    now = (clock or SystemClock()).now()
    return moment(text, now, zone_name(os.environ if environment is None else environment), flag)


def zone_name(environment: Mapping[str, str], localtime: Path = _LOCALTIME) -> str:
    """This machine's time zone by its name: TZ, or where /etc/localtime points. Empty, which is
    UTC, when neither says."""
    named = environment.get("TZ", "").removeprefix(":")
    if not named:
        named = str(localtime.resolve()).partition(_ZONES)[2]
    return named if _is_zone(named) else ""


def shown_moment(at: datetime | None) -> str:
    """`Fri 27 Nov 2026 07:00 CET`, on this machine's clock; empty for None."""
    return f"{at.astimezone():%a %d %b %Y %H:%M %Z}" if at else ""


def _is_zone(name: str) -> bool:
    from reelyard.errors import InvalidInput
    from reelyard.rules.zone import zone_of

    try:
        zone_of(name)
    except InvalidInput:
        return False
    return True
