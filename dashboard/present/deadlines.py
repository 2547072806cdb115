"""How a deadline looks: a word with a shape for what will become of it, how late or early it is,
and what can be done about it with a button. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.format import span
from dashboard.marks import Mark
from reelyard.risk_views import MISSED, JobRisk, Verdict

MARKS: Mapping[Verdict, Mark] = {
    Verdict.HELD: Mark("H", "check", "will be held", "good"),
    Verdict.TIGHT: Mark("T", "warn", "may be missed", "soon"),
    Verdict.LATE: Mark("L", "flag", "will be missed", "bad"),
    Verdict.OVERDUE: Mark("O", "cross", "has passed", "bad"),
    Verdict.STOPPED: Mark("S", "lock", "is stopped", "bad"),
    Verdict.IMPOSSIBLE: Mark("I", "slash", "cannot be done", "bad"),
    Verdict.UNKNOWN: Mark("U", "ask", "nobody can tell", "off"),
}
PRESSES: Mapping[str, tuple[str, str]] = {
    "jump": ("To the front", "up"),
    "release": ("Release", "lock"),
    "resume": ("Resume", "play"),
}
"""Remedies that are one button: its text and its shape."""


def spare(risk: JobRisk) -> str:
    """`40 min late`, `2 h 10 min to spare`; empty where nobody knows."""
    late = risk.late_seconds
    if late is None:
        return ""
    return f"{span(late)} late" if late > 0 else f"{span(-late)} to spare"


def is_missed(risk: JobRisk) -> bool:
    """As things stand, it is not held."""
    return risk.verdict in MISSED


def is_range(risk: JobRisk) -> bool:
    """Whether the soonest and the latest end differ by more than a page shows."""
    ending = risk.ending
    return ending is not None and (ending.latest - ending.soonest).total_seconds() >= 60
