"""The words that templates may use: how figures are written, how states look, where files lie."""

from __future__ import annotations

from flask import Flask

from dashboard import format as written
from dashboard.assets import Assets
from dashboard.marks import mark
from dashboard.present import turns
from dashboard.session import form_proof
from dashboard.shield import nonce
from reelyard.artifact import Artifact


def install_words(app: Flask, assets: Assets) -> None:
    """Filters and globals of every template."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        span=written.span,
        seconds=written.seconds,
        brief=written.brief,
        gib=written.gib,
        size=written.size,
        percent=written.percent,
        stamp=written.stamp,
        when=written.when,
        short=written.short,
        mark=mark,
    )
    app.jinja_env.globals.update(
        asset=assets.url,
        edition=assets.edition,
        count=written.count,
        picture=picture_address,
        signs=turns.signs,
        where=turns.where,
    )
    app.context_processor(lambda: {"nonce": nonce, "form_proof": form_proof})


def picture_address(artifact: Artifact) -> str:
    """Where a page finds a file that a task made."""
    return f"/media/artifacts/{artifact.sha256}"
