"""What the HTTP API answers about deadlines: will they be held, and what would hold them. Times are
RFC 3339 in UTC, foreseen from what is predicted.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    """What will become of a deadline, as far as can be told."""

    HELD = "held"  # even if all takes as long as it may
    TIGHT = "tight"  # if all goes as predicted
    LATE = "late"  # it will be missed
    OVERDUE = "overdue"  # it has passed
    STOPPED = "stopped"  # held or paused: nothing more is started
    IMPOSSIBLE = "impossible"  # nothing here can run some part of it
    UNKNOWN = "unknown"  # nobody can tell


MISSED = frozenset({Verdict.LATE, Verdict.OVERDUE, Verdict.STOPPED, Verdict.IMPOSSIBLE})
"""As things stand, the deadline is not held."""


class _Resource(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Ending(_Resource):
    """When the job will end: the soonest, as predicted, and the latest."""

    soonest: datetime
    likely: datetime
    latest: datetime


class LastPart(_Resource):
    """The part of the job that all the rest waits for."""

    task_id: str
    label: str
    scene: int | None = None
    ends: datetime


class RemedyView(_Resource):
    """The cheapest change that would hold the deadline, tried by playing the farm again. `device`:
    the type of which `count` more are wanted; `ends`: when the job would end then. With `none`
    nothing that was tried holds it, with `untried` the farm is too large to try for every job."""

    kind: Literal["jump", "devices", "release", "resume", "none", "untried"]
    sentence: str
    command: str = ""
    device: str = ""
    memory_gib: float | None = None
    count: int = 0
    ends: datetime | None = None


class JobRisk(_Resource):
    """A job that is not over and has a deadline. `late_seconds`: how much it misses it by, below 0
    when it is early; `is_estimate`: by volume, the farm has too much to do to be played."""

    job_id: str
    title: str
    owner: str
    deadline: datetime
    verdict: Verdict
    because: str
    ending: Ending | None = None
    late_seconds: float | None = None
    last: LastPart | None = None
    remedy: RemedyView | None = None
    is_estimate: bool = False


class RiskList(_Resource):
    """The deadlines of the farm, the soonest first, as seen at `at`. `notes`: what to know about
    all of them; `played`: how many tasks were played."""

    at: datetime
    data: list[JobRisk]
    notes: list[str] = Field(default_factory=list)
    played: int = 0
