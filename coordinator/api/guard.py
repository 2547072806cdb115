"""Who may come in: everything but a few addresses needs a token of this farm, sent as Bearer."""

from __future__ import annotations

from ipaddress import ip_address
from typing import cast

from flask import Flask, g, request

from coordinator.api.parts import parts
from reelyard.errors import Unauthorized
from reelyard.resources import TokenView

_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})
_OPEN = frozenset({"/", "/openapi.json", "/api/v1/health"})


def install_guard(app: Flask) -> None:
    """Look at every request before its view does."""
    app.before_request(_look)


def owner() -> str:
    """The name on the token of this request."""
    return cast(TokenView, g.token).name


def _look() -> None:
    if request.url_rule is None or request.path in _OPEN:
        return  # an unknown address says so, whoever asks
    if request.path == "/metrics" and _may_measure():
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("This address needs a token.", "Send `Authorization: Bearer TOKEN`.")
    g.token = parts().tokens.check(token.strip())


def _may_measure() -> bool:
    """Without a token: where the settings say so, else on this machine, not through a proxy."""
    if "Authorization" in request.headers:
        return False
    return parts().settings.metrics_open or _is_local()


def _is_local() -> bool:
    if _FORWARDED & {name.lower() for name in request.headers.keys()}:  # noqa: SIM118
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
