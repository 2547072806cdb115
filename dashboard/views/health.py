"""Is the dashboard up? It is, even while the farm is away: then its pages say so."""

from __future__ import annotations

from importlib.metadata import version

from flask import Blueprint, Response, jsonify

bp = Blueprint("health", __name__)


@bp.get("/health")
def health() -> Response:
    """For whoever watches this process."""
    return jsonify(status="ok", version=version("reelyard"))
