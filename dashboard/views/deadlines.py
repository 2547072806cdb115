"""What will become of deadlines. A part of two pages that comes after them: the farm may think for
seconds, and nobody should wait for a page so long.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from dashboard import session
from dashboard.parts import parts
from dashboard.present import deadlines
from reelyard.risk_views import JobRisk, RiskList

bp = Blueprint("deadlines", __name__)


@bp.get("/queue/deadlines")
def every() -> str:
    """Of all jobs that have one."""
    found = _risks("")
    return render_template("fragments/deadlines.html", found=found, **_words(found.data))


@bp.get("/jobs/<job_id>/deadline")
def one(job_id: str) -> str:
    """Of this job; empty where it has none."""
    found = _risks(job_id)
    return render_template("fragments/deadline.html", found=found, **_words(found.data))


def _risks(job_id: str) -> RiskList:
    return parts().farm_for(session.token()).risk(job_id)


def _words(found: list[JobRisk]) -> dict[str, object]:
    """What both say of a deadline."""
    return {
        "missed": sum(1 for risk in found if deadlines.is_missed(risk)),
        "marks": deadlines.MARKS,
        "presses": deadlines.PRESSES,
        "spare": deadlines.spare,
        "is_range": deadlines.is_range,
    }
