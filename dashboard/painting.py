"""Renders a screen outside a request, for the live stream: what went wrong is a fragment too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from flask import Flask, render_template

from dashboard.farm import Farm
from dashboard.screens import Screen, context, fragments
from reelyard.clock import Clock
from reelyard.errors import ReelyardError

TROUBLE = "trouble"
"""The element that says why a page is not up to date; empty when it is."""

_LOG = logging.getLogger(__name__)


def painter(
    app: Flask, farm_for: Callable[[str], Farm], clock: Clock
) -> Callable[[str, Screen], Mapping[str, str]]:
    """A function from (token, screen) to HTML by element id. It never raises."""

    def paint(token: str, screen: Screen) -> Mapping[str, str]:
        with app.app_context():
            try:
                return {**pieces(farm_for(token), screen, clock), TROUBLE: ""}
            except ReelyardError as wrong:
                return {TROUBLE: render_template("fragments/trouble.html", wrong=wrong)}
            except Exception:
                _LOG.exception("%s could not be rendered", screen)
                ours = ReelyardError("This page could not be brought up to date.", "Reload it.")
                return {TROUBLE: render_template("fragments/trouble.html", wrong=ours)}

    return paint


def partial(target: str, html: str) -> str:
    """A fragment as htmx puts it in: morphed, so that focus, scroll and players stay."""
    return f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{html}</hx-partial>'


def pieces(farm: Farm, screen: Screen, clock: Clock) -> dict[str, str]:
    """The fragments of a screen, as the farm is now."""
    return fragments(screen, context(farm, screen, clock))
