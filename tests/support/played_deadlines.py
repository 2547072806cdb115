"""Deadlines of a played farm, one of every kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reelyard.risk_views import Ending, JobRisk, LastPart, RemedyView, RiskList, Verdict
from tests.support.played_jobs import HOSTILE, Times

CARD = RemedyView(
    kind="devices",
    sentence="one more 24 GiB card (rtx-4090) would hold it",
    device="rtx-4090",
    memory_gib=24.0,
    count=1,
)


def due(job_id: str, times: Times, verdict: Verdict, late_minutes: float, **more: Any) -> JobRisk:
    """A job that is due in three hours, and ends so much later."""
    deadline = times.now + timedelta(hours=3)
    likely = deadline + timedelta(minutes=late_minutes)
    usual: dict[str, Any] = {
        "job_id": job_id,
        "title": "The Lighthouse",
        "owner": "anna",
        "deadline": deadline,
        "verdict": verdict,
        "because": "will miss 07:00 UTC by 40 min: it ends at about 07:40 UTC",
        "ending": Ending(
            soonest=likely - timedelta(minutes=25),
            likely=likely,
            latest=likely + timedelta(minutes=45),
        ),
        "late_seconds": late_minutes * 60.0,
        "last": LastPart(
            task_id=f"{job_id}.s12.video1",
            label="Scene 12 · picture",
            scene=11,
            ends=likely - timedelta(minutes=4),
        ),
    }
    return JobRisk(**{**usual, **more})


def without_an_end(job_id: str, times: Times, verdict: Verdict, **more: Any) -> JobRisk:
    """One whose end nobody knows."""
    nothing = {"ending": None, "late_seconds": None, "last": None}
    return due(job_id, times, verdict, 0, **{**nothing, **more})


def every_kind(times: Times, late: str, stopped: str, other: str) -> RiskList:
    """For pages: late, stopped, impossible with odd words, tight, held, by volume."""
    release = RemedyView(
        kind="release",
        sentence="let go on now, it would be 110 min early",
        ends=times.now + timedelta(minutes=70),
        command=f"reelyard release {stopped}",
    )
    odd = f"Scene 1 · picture: nobody can ever run this: {HOSTILE}"
    found = [
        due(late, times, Verdict.LATE, 40, remedy=CARD),
        without_an_end(
            stopped,
            times,
            Verdict.STOPPED,
            because="nothing more of it starts, its job is held: look first",
            remedy=release,
        ),
        without_an_end(other, times, Verdict.IMPOSSIBLE, title=HOSTILE, because=odd),
        due(other, times, Verdict.TIGHT, -10, title="Calm Sea"),
        due(other, times, Verdict.HELD, -130, title="Night Train", is_estimate=True),
    ]
    note = "9000 tasks wait: the first 2000 to start were played"
    return RiskList(at=times.now, data=found, notes=[note], played=2000)
