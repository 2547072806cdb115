"""What keeps an open page up to date: a stream of fragments, or the fragments on request.

htmx puts in only messages without a name; each holds `<hx-partial>` elements that say where they
belong.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from dashboard import session
from dashboard.live.hub import Listener
from dashboard.painting import TROUBLE, partial, pieces
from dashboard.parts import parts
from dashboard.screens import Screen
from reelyard.errors import ReelyardError, Unauthorized, Unreachable

bp = Blueprint("live", __name__)

_LOOKS_PER_HEARTBEAT = 7
_ONLY_LOOK = socket.MSG_PEEK | socket.MSG_DONTWAIT
_STREAM = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


@bp.get("/live/<kind>")
def stream(kind: str) -> Response | tuple[str, int]:
    """Fragments as they change, until the tab goes."""
    screen = Screen.of(kind, request.args.to_dict())
    position = request.headers.get("Last-Event-ID", "")
    try:
        listener = parts().hub.listen(session.token(), screen, position)
    except Unreachable as full:
        return _poll_instead(screen, full), 503
    messages = _messages(listener, _connection())
    response = Response(messages, mimetype="text/event-stream", headers=_STREAM)
    response.call_on_close(listener.close)
    return response


@bp.get("/fragments/<kind>")
def now(kind: str) -> Response:
    """The same fragments once, for pages that cannot have a stream."""
    screen = Screen.of(kind, request.args.to_dict())
    farm = parts().farm_for(session.token())
    try:
        found = {**pieces(farm, screen, parts().clock), TROUBLE: ""}
    except Unauthorized:
        raise
    except ReelyardError as wrong:
        found = {TROUBLE: render_template("fragments/trouble.html", wrong=wrong)}
    return Response(partials(found), mimetype="text/html")


def partials(found: Mapping[str, str]) -> str:
    """Several fragments in one message."""
    return "\n".join(partial(target, html) for target, html in found.items())


def _messages(listener: Listener, connection: socket.socket | None) -> Iterator[str]:
    yield ": connected\n\n"
    silent = 0
    for change in listener:
        silent = 0 if change.pieces else silent + 1
        if change.pieces:
            lines = "".join(f"data: {line}\n" for line in partials(change.pieces).splitlines())
            yield f"id: {change.position}\n{lines}\n"
        elif has_gone(connection):
            return
        elif silent % _LOOKS_PER_HEARTBEAT == 0:
            yield ": still here\n\n"


def has_gone(connection: socket.socket | None) -> bool:
    """The tab closed its end. Writing would tell too, but late: people who click would fill every
    seat."""
    try:
        return connection is not None and not connection.recv(1, _ONLY_LOOK)
    except (BlockingIOError, ValueError):
        return False
    except OSError:
        return True


def _connection() -> socket.socket | None:
    """What the server says it answers on; one behind TLS cannot be looked into."""
    found = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    return found if isinstance(found, socket.socket) else None


def _poll_instead(screen: Screen, why: Unreachable) -> str:
    address = f"/fragments/{screen.kind}?{screen.query}"
    poller = render_template("fragments/poller.html", address=address, why=why)
    return partials({"polling": Markup(poller)})
