"""The house rules: what they say, older revisions, and the page on which people edit them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import session
from dashboard.farm import Farm
from dashboard.parts import parts
from dashboard.present.rules import rules_page
from dashboard.screens import Screen, context, fragments
from reelyard.errors import Conflict, InvalidInput, NotFound
from reelyard.rules.text import EXAMPLE

bp = Blueprint("rules", __name__)

_LONGEST_NUMBER = 18


@bp.get("/rules")
def in_force() -> str:
    """What is in force, what is open now, and who changed it."""
    screen = Screen.of("rules", {})
    values = context(_farm(), screen, parts().clock)
    return render_template("rules.html", pieces=fragments(screen, values), **values)


@bp.get("/rules/<revision>")
def older(revision: str) -> str:
    """A revision as it was."""
    found = _farm().rules(_number(revision))
    now = parts().clock.now()
    return render_template(
        "rules_older.html", rules=found, page=rules_page(found, now), now=now, **_frame()
    )


@bp.get("/rules/edit")
def edit() -> str:
    """The text in an editor: that in force, an older one (`from`), or one to start from."""
    farm, wanted = _farm(), request.args.get("from", "")
    present = farm.rules(None)
    text = farm.rules(_number(wanted)).text if wanted else present.text
    is_fresh = not text and not present.revision
    return render_template(
        "rules_edit.html",
        text=EXAMPLE if is_fresh else text,
        rules=present,
        is_fresh=is_fresh,
        wanted=wanted,
        **_frame(),
    )


@bp.post("/rules/check")
def check() -> str:
    """What would come of the text, without storing anything."""
    session.check_form(request)
    return render_template("fragments/rules_verdict.html", said=_farm().check_rules(_text()))


@bp.post("/rules")
def put_in_force() -> str | Response | tuple[str, int]:
    """Put the text in force, unless somebody else was faster."""
    session.check_form(request)
    farm, text = _farm(), _text()
    try:
        farm.put_rules(text, _number(request.form.get("over") or request.form.get("revision", "")))
    except InvalidInput as wrong:
        return render_template("fragments/rules_verdict.html", problems=wrong.problems), 422
    except Conflict:
        present = farm.rules(None)
        return render_template("fragments/rules_verdict.html", faster=present), 409
    return Response("", 204, {"HX-Redirect": url_for("rules.in_force")})


def _frame() -> dict[str, Any]:
    """What every page has around it."""
    screen = Screen.of("rules-text", {})
    return {"screen": screen, "pieces": fragments(screen, context(_farm(), screen, parts().clock))}


def _text() -> str:
    """As it was typed: a browser ends the lines of a form in its own way."""
    return request.form.get("source", "").replace("\r\n", "\n")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise NotFound(f"there is no revision {text[:40]!r}.", "Start from the house rules.")
    return int(text)


def _farm() -> Farm:
    return parts().farm_for(session.token())
