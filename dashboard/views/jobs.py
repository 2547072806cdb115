"""What people do with a job and look at closely: cancel it, open one of its tasks."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from dashboard import session
from dashboard.farm import Farm
from dashboard.parts import parts
from dashboard.present import job as present
from dashboard.present.task import comparisons
from reelyard.errors import Conflict, NotFound
from reelyard.resources import TaskView, WhyView
from reelyard.states import TaskState

bp = Blueprint("jobs", __name__)

_LONGEST_REASON = 200


@bp.get("/jobs/<job_id>/cancel")
def ask_cancel(job_id: str) -> str:
    """The question before a cancel, with what it throws away."""
    view = _farm().job(job_id)
    return render_template(
        "fragments/cancel.html",
        job=view,
        thrown_away=present.thrown_away(view),
        is_over=present.is_over(view),
    )


@bp.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> str | Response:
    """Cancel it; the live page shows the rest."""
    session.check_form(request)
    because = " ".join(request.form.get("because", "").split())[:_LONGEST_REASON]
    try:
        _farm().cancel(job_id, because)
    except Conflict as late:
        return render_template("fragments/too_late.html", wrong=late)
    return Response("", 204, {"HX-Trigger": "reelyard:close-dialog"})


@bp.get("/tasks/<task_id>")
def task(task_id: str) -> str:
    """One task closely: its tries, its reason, what it needed and what it made."""
    farm = _farm()
    view = farm.task(task_id)
    page = "fragments/task.html" if request.headers.get("HX-Request") else "task.html"
    return render_template(
        page,
        task=view,
        why=_why(farm, view),
        compare=comparisons,
        is_over=view.state not in (TaskState.WAITING, TaskState.ASSIGNED, TaskState.RUNNING),
    )


def _why(farm: Farm, view: TaskView) -> WhyView | None:
    """Every device's answer, while it waits."""
    if view.state is not TaskState.WAITING:
        return None
    try:
        return farm.why(view.id)
    except NotFound:
        return None


def _farm() -> Farm:
    return parts().farm_for(session.token())
