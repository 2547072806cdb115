"""Reads a moment as a person writes it: `07:00`, `tomorrow 07:00`, `Fri 18:00`, `+8h`,
`2026-11-27 07:00`, `2026-11-27T07:00:00Z`. Is told what time it is; never asks.

A time of day means the next one. A time that comes twice, when clocks go back, is the first; one
that is skipped, when they go forward, is what a clock would show that had not been changed.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

from reelyard.errors import InvalidInput, Problem
from reelyard.rules.week import DAYS
from reelyard.rules.zone import zone_of

ACCEPTED = (
    "`07:00`, `today 18:00`, `tomorrow 07:00`, `Fri 18:00`, `+8h`, `+1d12h`, `2026-11-27 07:00`, "
    "`2026-11-27T07:00:00Z`"
)
_LONGEST_DAYS = 3_660
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})"
_AHEAD = re.compile(r"\+(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?")
_ON_A_DAY = re.compile(rf"(?:(?P<day>[a-z]+) +)?{_CLOCK}")
_ON_A_DATE = re.compile(rf"(?P<date>\d{{4}}-\d\d-\d\d) +{_CLOCK}")
_ISO = re.compile(r"\d{4}-\d\d-\d\dt.+")


def moment(text: str, now: float, timezone: str = "", field: str = "moment") -> float:
    """The moment in unix seconds; what has no zone of its own is in `timezone` (empty: UTC). Raises
    InvalidInput, naming `field`, for what is no moment; one that is over is for the caller to say.
    """
    zone, asked = zone_of(timezone), text.strip().lower()
    for read in (_ahead, _on_a_day, _on_a_date, _as_iso):
        try:
            found = read(asked, now, zone)
        except (ValueError, OverflowError):
            break
        if found is not None:
            return found
    raise InvalidInput([_no_moment(text, field)])


def _ahead(text: str, now: float, _zone: tzinfo) -> float | None:
    """`+8h`, `+1d12h`, `+90min`: so long from now, whatever clocks do meanwhile."""
    form = _AHEAD.fullmatch(text)
    if form is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in form.groups())
    ahead = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if ahead > timedelta(days=_LONGEST_DAYS):
        raise ValueError("too far")
    return now + ahead.total_seconds()


def _on_a_day(text: str, now: float, zone: tzinfo) -> float | None:
    """`07:00`, `tomorrow 07:00`, `fri 18:00`."""
    form = _ON_A_DAY.fullmatch(text)
    if form is None:
        return None
    clock, day = _clock(form), form["day"] or ""
    today = datetime.fromtimestamp(now, zone).date()
    if day in ("today", "tomorrow"):
        return _at(today + timedelta(days=day == "tomorrow"), clock, zone)
    if day and day not in DAYS:
        raise ValueError("no such day")
    ahead = (DAYS[day] - today.weekday()) % 7 if day else 0
    at = _at(today + timedelta(days=ahead), clock, zone)
    return at if at > now else _at(today + timedelta(days=ahead + (7 if day else 1)), clock, zone)


def _on_a_date(text: str, _now: float, zone: tzinfo) -> float | None:
    """`2026-11-27 07:00`."""
    form = _ON_A_DATE.fullmatch(text)
    return _at(date.fromisoformat(form["date"]), _clock(form), zone) if form else None


def _as_iso(text: str, _now: float, zone: tzinfo) -> float | None:
    """`2026-11-27T07:00:00+01:00`, and without a zone."""
    if not _ISO.fullmatch(text):
        return None
    at = datetime.fromisoformat(text.upper())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def _clock(form: re.Match[str]) -> time:
    return time(int(form["hour"]), int(form["minute"]))


def _at(day: date, clock: time, zone: tzinfo) -> float:
    return datetime.combine(day, clock, zone).timestamp()


def _no_moment(text: str, field: str) -> Problem:
    return Problem(field, "is not a moment", text[:80], ACCEPTED, "Write it like one of these.")
