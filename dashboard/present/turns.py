"""What people ask of a job's turn: how a form says it, and how a page shows it. Pure; the present
time is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.format import count
from reelyard.errors import InvalidInput, Problem
from reelyard.queue_views import QueuedJob
from reelyard.resources import JobSummary
from reelyard.rules.moment import moment
from reelyard.rules.zone import zone_of
from reelyard.states import FINAL_JOB_STATES, Band
from reelyard.terms import Terms

BANDS: tuple[tuple[str, str], ...] = (
    (Band.INTERACTIVE, "interactive: first"),
    (Band.NORMAL, "normal"),
    (Band.BATCH, "batch: last"),
)
_SAME_SECONDS = 60.0  # a form shows minutes: who did not touch it did not mean to cut the seconds


@dataclass(frozen=True, slots=True)
class Sign:
    """A word beside a job. `at` is a moment that the page writes in the reader's zone."""

    tone: str
    shape: str
    word: str
    at: datetime | None = None
    title: str = ""


def signs(job: JobSummary | QueuedJob, now: float) -> tuple[Sign, ...]:
    """What keeps or hurries a job that is not over: held, starts, due, its band, moved by hand."""
    if job.state in FINAL_JOB_STATES:
        return ()
    found = []
    if job.held_because is not None:
        found.append(Sign("soon", "lock", "held", title=job.held_because))
    if job.start_after is not None and job.start_after.timestamp() > now:
        found.append(Sign("wait", "clock", "starts", job.start_after))
    if job.deadline is not None:
        is_late = job.deadline.timestamp() <= now
        word, tone = ("was due", "bad") if is_late else ("due", "wait")
        found.append(Sign(tone, "flag", word, job.deadline))
    if job.band is not Band.NORMAL:
        tone = "run" if job.band is Band.INTERACTIVE else "off"
        found.append(Sign(tone, "bolt" if tone == "run" else "moon", job.band.value))
    if job.rank:
        word = "moved to the front" if job.rank < 0 else "put behind"
        found.append(Sign("wait", "up" if job.rank < 0 else "below", word))
    return tuple(found)


def where(job: JobSummary | QueuedJob) -> str:
    """`only in night or lab; only where tagged big`; empty when it may run anywhere."""
    said = [f"only in {' or '.join(job.pools)}"] if job.pools else []
    said += [f"only where tagged {' and '.join(job.tags)}"] if job.tags else []
    return "; ".join(said)


def counts(job: QueuedJob) -> str:
    """`4 waiting, 2 running, 1 done`"""
    said = [f"{job.waiting:,} waiting".replace(",", "\u202f")]
    said += [f"{job.running} running"] if job.running else []
    said += [f"{job.done} done"] if job.done else []
    return ", ".join(said)


def ahead(job: QueuedJob) -> str:
    """What waits in front of it."""
    if job.tasks_before is None:
        return ""
    return f"{count(job.tasks_before, 'task')} before it" if job.tasks_before else "next"


def asked_terms(form: Mapping[str, str], now: float) -> Terms:
    """What the fold of a new film says. Raises InvalidInput with every moment that is none."""
    deadline, start_after = _moments(form, now)
    return Terms(
        band=_band(form.get("band", "")),
        deadline=deadline,
        start_after=start_after,
        hold=" ".join(form.get("hold_because", "").split())[:200] if form.get("hold") else None,
        pools=_names(form.get("pools", "")),
        tags=_names(form.get("tags", "")),
    )


def asked_changes(form: Mapping[str, str], job: JobSummary, now: float) -> dict[str, Any]:
    """What the form changes of the job. Raises InvalidInput with every moment that is none."""
    deadline, start_after = _moments(form, now)
    times = {"deadline": deadline, "start_after": start_after}
    present = {name: getattr(job, name) for name in times}
    changes: dict[str, Any] = {
        name: at for name, at in times.items() if not _is_same(at, present[name])
    }
    if (band := _band(form.get("band", ""))) is not job.band:
        changes["band"] = band.value
    priority = form.get("priority", "")
    if priority.isdecimal() and len(priority) <= 3 and int(priority) != job.priority:
        changes["priority"] = int(priority)
    for name in ("pools", "tags"):
        if (names := list(_names(form.get(name, "")))) != getattr(job, name):
            changes[name] = names
    return changes


def _moments(form: Mapping[str, str], now: float) -> list[float | None]:
    found, problems = list[float | None](), list[Problem]()
    zone = _zone(form.get("zone", ""))
    for name, field in (("by", "due by"), ("after", "not before")):
        text = form.get(name, "").strip()
        try:
            found.append(moment(text, now, zone, field) if text else None)
        except InvalidInput as wrong:
            problems += wrong.problems
    if problems:
        raise InvalidInput(problems)
    return found


def _zone(name: str) -> str:
    """The browser's time zone, if it is one that this machine knows too; else UTC."""
    try:
        zone_of(name)
    except InvalidInput:
        return ""
    return name


def _band(text: str) -> Band:
    return Band(text) if text in set(Band) else Band.NORMAL


def _names(text: str) -> tuple[str, ...]:
    """Names as people write them in one line: between commas or spaces."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _is_same(at: float | None, present: datetime | None) -> bool:
    if at is None or present is None:
        return at is None and present is None
    return abs(at - present.timestamp()) < _SAME_SECONDS
