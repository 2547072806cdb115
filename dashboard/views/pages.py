"""The pages that look: overview, jobs, one job, the queue, models, workers."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import session
from dashboard.parts import parts
from dashboard.screens import Screen, context, fragments

bp = Blueprint("pages", __name__)


@bp.get("/")
def overview() -> str:
    """The farm at a glance."""
    return _page("overview", {})


@bp.get("/jobs")
def jobs() -> str:
    """Every job, newest first; which of them is in the address."""
    return _page("jobs", request.args.to_dict())


@bp.get("/jobs/<job_id>")
def job(job_id: str) -> str | Response:
    """One job. The beginning of its id leads to the whole one: live events name that."""
    whole = parts().farm_for(session.token()).job(job_id).id
    if whole != job_id:
        return redirect(url_for("pages.job", job_id=whole))
    return _page("job", {"id": job_id})


@bp.get("/queue")
def queue() -> str:
    """What waits, in its order."""
    return _page("queue", {})


@bp.get("/models")
def models() -> str:
    """Which model fits on which device; which of them are shown is in the address."""
    return _page("models", request.args.to_dict())


@bp.get("/workers")
def workers() -> str:
    """Machines and their devices."""
    return _page("workers", {})


def _page(kind: str, args: dict[str, str]) -> str:
    screen = Screen.of(kind, args)
    values = context(parts().farm_for(session.token()), screen, parts().clock)
    return render_template(f"{kind}.html", pieces=fragments(screen, values), **values)
