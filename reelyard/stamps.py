"""How a moment is written where no reader's time zone is known: in UTC. Reads no clock."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


def stamp(at: float) -> str:
    """`2026-11-27 22:00 UTC`, of seconds since 1970."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def stamp_near(at: float, now: float) -> str:
    """The same without the date, where it is within a day: `22:00 UTC`."""
    return stamp(at)[11:] if abs(at - now) < _DAY else stamp(at)


def until(seconds: float) -> str:
    """`in 40 s`, `in 3 h`: rounded up, so that it is never over too soon."""
    return f"in {span(seconds)}"


def span(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `2 d`: in its largest unit that is not too coarse, rounded up."""
    for unit, name, most in (
        (1.0, "s", 120.0),
        (_MINUTE, "min", 2 * _HOUR),
        (_HOUR, "h", 2 * _DAY),
    ):
        if seconds < most:
            return f"{math.ceil(seconds / unit)} {name}"
    return f"{math.ceil(seconds / _DAY)} d"


def rfc3339(at: float) -> str:
    """`2026-11-27T22:00:00Z`, with as many decimals as it has, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
