"""The dashboard's composition root: everything it is made of is put together here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx2
from flask import Flask, Response

from dashboard import session, troubles
from dashboard.assets import Assets
from dashboard.farm import Farm, HttpFarm
from dashboard.live.hub import MOST_STREAMS, Hub
from dashboard.painting import painter
from dashboard.parts import KEY, Parts
from dashboard.shield import install_shield
from dashboard.template_words import install_words
from dashboard.views import (
    deadlines,
    door,
    files,
    health,
    jobs,
    live,
    models,
    pages,
    rules,
    submit,
    turns,
)
from reelyard.clock import Clock
from reelyard.settings import Settings

_MOST_CONNECTIONS = 256
_SIGNED_IN_DAYS = 30
_SPARE_BYTES = 64_000


def make_app(
    settings: Settings,
    clock: Clock,
    farm_for: Callable[[str], Farm] | None = None,
    most_streams: int = MOST_STREAMS,
) -> Flask:
    """A dashboard of the farm at `settings.url`, or of another one for tests."""
    app = Flask("dashboard", static_folder=None)
    _configure(app, settings)
    assets = Assets.of()
    farms = farm_for or http_farms(settings)
    hub = Hub(painter(app, farms, clock), lambda token: farms(token).events, clock, most_streams)
    app.extensions[KEY] = Parts(settings, clock, assets, farms, hub)
    install_words(app, assets)
    install_shield(app)
    door.install_guard(app)
    troubles.install(app)
    views = (health, door, pages, jobs, turns, deadlines, models, rules, submit, files, live)
    for view in views:
        app.register_blueprint(view.bp)
    return app


def http_farms(settings: Settings) -> Callable[[str], Farm]:
    """One pool of connections for everybody."""
    connections = httpx2.HTTPTransport(limits=httpx2.Limits(max_connections=_MOST_CONNECTIONS))
    return lambda token: HttpFarm(settings.url, token, connections)


def _configure(app: Flask, settings: Settings) -> None:
    app.response_class = Response
    app.session_interface = session.HouseCookies()
    app.config.update(
        SECRET_KEY=session.signing_key(settings.state),
        SESSION_COOKIE_NAME=session.cookie_name(settings.url),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=_SIGNED_IN_DAYS),
        MAX_CONTENT_LENGTH=settings.max_script_bytes + _SPARE_BYTES,
    )
