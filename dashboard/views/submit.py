"""A new film: the form, the check while somebody types, the submission."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import session
from dashboard.farm import Farm
from dashboard.painting import partial
from dashboard.parts import parts
from dashboard.present import script
from dashboard.present.quote import quote_card
from dashboard.present.turns import BANDS, asked_terms
from dashboard.screens import Screen, context, fragments
from reelyard.errors import Conflict, InvalidInput, ReelyardError, Unauthorized, Unreachable
from reelyard.resources import ModelView
from reelyard.terms import Terms

bp = Blueprint("submit", __name__)

_USUAL_PRIORITY = 50


@bp.get("/new")
def form() -> str:
    """A fresh form. Its key makes a second press of the button harmless."""
    known = _farm().models().data
    screen = Screen.of("new", {})
    values = context(_farm(), screen, parts().clock)
    return render_template(
        "new.html",
        screen=screen,
        pieces=fragments(screen, values),
        key=f"dashboard-{secrets.token_hex(12)}",
        examples=script.EXAMPLES,
        models=_offered(known, "video"),
        voices=_offered(known, "voice"),
        bands=BANDS,
    )


@bp.post("/new/check")
def check() -> str:
    """What the farm would say, without storing anything."""
    session.check_form(request)
    kind, source = _given()
    if not source.strip():
        return _answer(is_empty=True)
    try:
        said = _farm().validate(source, script.KINDS[kind], _terms())
    except InvalidInput as wrong:
        return _problems(kind, wrong)
    known = said.estimate.quote if said.estimate and not said.problems else None
    return _answer(
        said=said,
        quote=quote_card(known, parts().clock.now()) if known else None,
        has_problems=bool(said.problems),
        read_as=script.NAMES[kind],
    )


@bp.post("/new")
def submit() -> str | Response | tuple[str, int]:
    """Send it to the farm, then show the job."""
    session.check_form(request)
    kind, source = _given()
    key = request.form.get("key", "")[:100] or secrets.token_hex(12)
    try:
        sent = _farm().submit(source, script.KINDS[kind], key, _priority(), _terms())
    except InvalidInput as wrong:
        return _problems(kind, wrong), 422
    except (Unauthorized, Unreachable):
        raise
    except ReelyardError as wrong:
        status = 409 if isinstance(wrong, Conflict) else 400
        return render_template("fragments/verdict.html", refused=wrong), status
    return Response("", 204, {"HX-Redirect": url_for("pages.job", job_id=sent.job.id)})


def _given() -> tuple[str, bytes]:
    text = request.form.get("source", "")
    return script.kind_of(text, request.form.get("kind", "")), script.tidy(text)


def _terms() -> Terms:
    """What the fold says. Raises InvalidInput."""
    return asked_terms(request.form, parts().clock.now())


def _priority() -> int:
    text = request.form.get("priority", "")
    return min(int(text), 100) if text.isdecimal() and len(text) <= 3 else _USUAL_PRIORITY


def _problems(kind: str, wrong: InvalidInput) -> str:
    return _answer(problems=wrong.problems, has_problems=True, read_as=script.NAMES[kind])


def _answer(**values: Any) -> str:
    """The verdict for whom it was asked, and the quote in its own place: it is long, and a verdict
    is read aloud."""
    quote = render_template("fragments/quote.html", **values)
    verdict = render_template("fragments/verdict.html", **values)
    return verdict + partial("quote", quote)


def _offered(known: list[ModelView], kind: str) -> list[ModelView]:
    """Those that a worker has come first."""
    chosen = [model for model in known if model.kind == kind]
    return sorted(chosen, key=lambda model: (not model.available_on, model.id))


def _farm() -> Farm:
    return parts().farm_for(session.token())
