"""Whose turn it is, by hand: hold, release, pause, resume, jump, put behind, change what was asked.

One form in a dialog on the job's page, and buttons on the queue's page; live pages show the rest.
"""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from werkzeug.wrappers import Response

from dashboard import session
from dashboard.farm import STEERED, Farm
from dashboard.parts import parts
from dashboard.present import turns
from reelyard.errors import Conflict, InvalidInput

bp = Blueprint("turns", __name__)

_LONGEST_REASON = 200


@bp.get("/jobs/<job_id>/turn")
def ask(job_id: str) -> str:
    """Everything that may be changed, with what is so now."""
    return _form(job_id)


@bp.post("/jobs/<job_id>/turn")
def change(job_id: str) -> str | Response | tuple[str, int]:
    """Do what the button says. `on=queue`: what is refused fits into that page."""
    session.check_form(request)
    try:
        _do(request.form.get("do", ""), job_id)
    except Conflict as late:
        page = "refused" if request.form.get("on") == "queue" else "too_late"
        return render_template(f"fragments/{page}.html", wrong=late)
    except InvalidInput as wrong:
        return _form(job_id, wrong), 422
    return Response("", 204, {"HX-Trigger": "reelyard:close-dialog"})


def _do(word: str, job_id: str) -> None:
    farm = _farm()
    if word == "change":
        changes = turns.asked_changes(request.form, farm.job(job_id), parts().clock.now())
        if changes:
            farm.change(job_id, changes)
    elif word in STEERED:
        because = " ".join(request.form.get("because", "").split())[:_LONGEST_REASON]
        farm.steer(job_id, word, because)
    else:
        abort(404)


def _form(job_id: str, wrong: InvalidInput | None = None) -> str:
    """As the farm has it; what was typed stays where something is wrong with it."""
    return render_template(
        "fragments/turn.html",
        job=_farm().job(job_id),
        typed=request.form if wrong else {},
        wrong=wrong,
        bands=turns.BANDS,
        now=parts().clock.now(),
    )


def _farm() -> Farm:
    return parts().farm_for(session.token())
