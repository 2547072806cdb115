"""Headers that keep a page to itself: nothing from elsewhere, no inline scripts, no framing.

Scripts run by a nonce that is new in every answer, so that no file a job made can ever be one.
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

_PAGE = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_FILE = "default-src 'none'; sandbox; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def nonce() -> str:
    """The one of this answer."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def install_shield(app: Flask) -> None:
    """On every answer."""
    app.after_request(_cover)


def _cover(response: Response) -> Response:
    response.headers.update(_ALWAYS)
    policy = _FILE if request.path.startswith("/media/") else _PAGE.format(nonce=nonce())
    response.headers["Content-Security-Policy"] = policy
    response.headers.setdefault("Cache-Control", "no-store")
    return response
