"""Time zones by their name. Never asks what time it is."""

from __future__ import annotations

import difflib
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from reelyard.errors import InvalidInput, Problem

_LIMIT = "a name of the IANA time zone database, such as Europe/Berlin, or UTC"


def zone_of(name: str, field: str = "timezone") -> tzinfo:
    """The time zone; an empty name is UTC. Raises InvalidInput, with names that are near."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput([_unknown(name, field)]) from None


def _unknown(name: str, field: str) -> Problem:
    by_lower = {known.lower(): known for known in available_timezones()}
    by_city = {known.rpartition("/")[2]: known for known in by_lower}
    asked = name.strip().lower().replace(" ", "_")[:80]
    near = difflib.get_close_matches(asked, by_lower, 1, 0.75)
    near = near or [by_city[city] for city in difflib.get_close_matches(asked, by_city, 1, 0.75)]
    remedy = f"Did you mean `{by_lower[near[0]]}`?" if near else "Leave it out for UTC."
    return Problem(field, "is not a time zone", name[:80], _LIMIT, remedy)
