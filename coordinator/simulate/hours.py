"""Opening hours of a fleet's file. Reads texts; knows no clock."""

from __future__ import annotations

from coordinator.simulate.policy import OpeningHours
from reelyard.errors import InvalidInput, Problem


def read_hours(text: str) -> OpeningHours:
    """The hours. Raises InvalidInput for what cannot be read."""
    said = "cannot be read by this version"
    raise InvalidInput([Problem("hours", said, text[:80], remedy="Leave them out.")])
