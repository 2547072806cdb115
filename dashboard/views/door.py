"""Signing in and out, and the guard at every other page. Never shows or logs a token."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dashboard import session
from dashboard.parts import parts
from reelyard.errors import Unauthorized

bp = Blueprint("door", __name__)

_OPEN = frozenset({"health.health", "door.ask", "door.enter", "files.static", "files.favicon"})


def install_guard(app: Flask) -> None:
    """Look at every request before its view does."""
    app.before_request(_look)


@bp.get("/sign-in")
def ask() -> str | Response:
    """The page that asks for a token."""
    if session.token():
        return redirect(_next())
    return _form("")


@bp.post("/sign-in")
def enter() -> str | Response | tuple[str, int]:
    """Take the token, if the farm knows it."""
    session.check_form(request)
    token = request.form.get("token", "").strip()
    if not _is_known(token):
        return _form("This is not a token of this farm. `reelyard up` prints it."), 401
    session.sign_in(token)
    return redirect(_next(), 303)


@bp.post("/sign-out")
def leave() -> Response:
    """Forget the token."""
    session.check_form(request)
    session.sign_out()
    return redirect(url_for("door.ask"), 303)


def _look() -> Response | tuple[str, int, dict[str, str]] | None:
    if request.method == "GET" and "token" in request.args and request.endpoint in _PAGES:
        return _enter_by_link(request.args["token"].strip())
    if session.token() or request.endpoint is None or request.endpoint in _OPEN:
        return None
    address = url_for("door.ask", next=_here())
    if request.headers.get("HX-Request"):
        return render_template("fragments/signed_out.html"), 401, {"HX-Redirect": address}
    return redirect(address)


_PAGES = frozenset(
    f"pages.{name}" for name in ("overview", "jobs", "queue", "models", "workers")
) | {"door.ask"}


def _enter_by_link(token: str) -> Response:
    """`/?token=...` as `reelyard up` prints it: the token must not stay in the address."""
    if not _is_known(token):
        return redirect(url_for("door.ask", wrong="1"))
    session.sign_in(token)
    return redirect(url_for("pages.overview") if request.endpoint in _OPEN else request.path, 303)


def _is_known(token: str) -> bool:
    """Asks the farm. Raises Unreachable when it is away."""
    if not token or not token.isascii() or not token.isprintable():
        return False
    try:
        parts().farm_for(token).overview(1)
    except Unauthorized:
        return False
    return True


def _form(wrong: str) -> str:
    if request.args.get("wrong"):
        wrong = "The token in that link is not one of this farm. Paste the current one."
    return render_template("sign_in.html", wrong=wrong, next=_next())


def _next() -> str:
    """Where to go afterwards: an address of ours, whatever the request says."""
    wanted = request.values.get("next", "/")
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and wanted.isprintable() else "/"


def _here() -> str | None:
    if request.method != "GET" or request.path == "/":
        return None
    return request.full_path.rstrip("?")
