"""What people read when something goes wrong: a page, or a fragment where htmx asked for one.

htmx puts the body of an error into the page, so it must be HTML that fits there.
"""

from __future__ import annotations

import logging

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from dashboard import session
from reelyard.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    ReelyardError,
    Unauthorized,
    Unreachable,
)

Answer = Response | tuple[str, int] | tuple[str, int, dict[str, str]]

_LOG = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[ReelyardError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (InvalidInput, 422, "That cannot be done as written"),
    (Conflict, 409, "Not now"),
    (Unreachable, 503, "The farm does not answer"),
)
_SAID = {
    403: ("This form is too old", "Reload the page and try again."),
    404: ("Not found", "There is nothing at this address. Start from the overview."),
    405: ("Not possible", "This address does not take that kind of request."),
    413: ("Too large", "That is more than this farm takes. Make it smaller."),
}


def install(app: Flask) -> None:
    """One handler per kind."""
    app.register_error_handler(Unauthorized, _stranger)
    app.register_error_handler(ReelyardError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def _stranger(_wrong: Unauthorized) -> Answer:
    """The token is no longer one of this farm."""
    session.sign_out()
    address = url_for("door.ask", wrong="1")
    if request.headers.get("HX-Request"):
        return render_template("fragments/signed_out.html"), 401, {"HX-Redirect": address}
    return redirect(address)


def _ours(wrong: ReelyardError) -> Answer:
    found = next((row for row in _STATUS if isinstance(wrong, row[0])), None)
    status, title = (found[1], found[2]) if found else (500, "Something went wrong")
    return _shown(status, title, wrong.message, wrong.remedy)


def _http(wrong: HTTPException) -> Answer:
    status = wrong.code or 500
    if status < 400:
        return Response.force_type(wrong.get_response(), request.environ)
    title, remedy = _SAID.get(status, (wrong.name, "Go back and try again."))
    return _shown(status, title, "", remedy)


def _unforeseen(wrong: Exception) -> Answer:
    _LOG.error("%s %s", request.method, request.path, exc_info=wrong)
    return _shown(500, "Something went wrong", "This is a defect of the dashboard.", "Reload it.")


def _shown(status: int, title: str, said: str, remedy: str) -> Answer:
    page = "fragments/problem.html" if request.headers.get("HX-Request") else "error.html"
    return render_template(page, status=status, title=title, said=said, remedy=remedy), status
