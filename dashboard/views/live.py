"""What keeps an open page up to date: a stream of fragments, or the fragments on request.

htmx puts in only messages without a name; each holds `<hx-partial>` elements that say where they
belong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from dashboard import session
from dashboard.live.hub import Listener
from dashboard.painting import TROUBLE, pieces
from dashboard.parts import parts
from dashboard.screens import Screen
from reelyard.errors import ReelyardError, Unauthorized, Unreachable

bp = Blueprint("live", __name__)

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
    response = Response(_messages(listener), mimetype="text/event-stream", headers=_STREAM)
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
    """Fragments as htmx puts them in: morphed, so that focus, scroll and players stay."""
    return "\n".join(
        f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{html}</hx-partial>'
        for target, html in found.items()
    )


def _messages(listener: Listener) -> Iterator[str]:
    yield ": connected\n\n"
    for change in listener:
        if change.pieces:
            lines = "".join(f"data: {line}\n" for line in partials(change.pieces).splitlines())
            yield f"id: {change.position}\n{lines}\n"
        else:
            yield ": still here\n\n"


def _poll_instead(screen: Screen, why: Unreachable) -> str:
    address = f"/fragments/{screen.kind}?{screen.query}"
    poller = render_template("fragments/poller.html", address=address, why=why)
    return partials({"polling": Markup(poller)})
