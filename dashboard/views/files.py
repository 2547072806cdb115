"""Files: our own static ones, and what jobs made. The farm's token stays on this side."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from dashboard import session
from dashboard.parts import parts
from reelyard.ids import is_id

bp = Blueprint("files", __name__)

_SHA256 = re.compile(r"^[0-9a-f]{64}\Z")
_PARTS = {"film": "", "subtitles": "/subtitles", "poster": "/poster", "sheet": "/sheet"}
_SENT_ON = ("Range", "If-Range", "If-None-Match", "If-Modified-Since")
_PASSED_BACK = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Disposition",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
    "Cache-Control",
)
_SHOWN = re.compile(r"^(video|audio)/[\w.+-]+$|^image/(png|jpeg|webp|gif)$|^text/(vtt|plain)$")


@bp.get("/static/<edition>/<path:name>")
def static(edition: str, name: str) -> AnyResponse:
    """A file of ours."""
    return parts().assets.answer(edition, name)


@bp.get("/favicon.ico")
def favicon() -> AnyResponse:
    """For browsers that ask for it whatever the page says."""
    return redirect(parts().assets.url("icons/idle.svg"))


@bp.get("/media/artifacts/<sha256>")
def artifact(sha256: str) -> Response:
    """What a task made, by its content."""
    if not _SHA256.match(sha256):
        abort(404)
    response = _through(f"/artifacts/{sha256}")
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@bp.get("/media/jobs/<job_id>/<part>")
def film(job_id: str, part: str) -> Response:
    """The film of a job, or what lies beside it."""
    if part not in _PARTS or not is_id(job_id):
        abort(404)
    query = "?download=true" if request.args.get("download") else ""
    return _through(f"/jobs/{job_id}/film{_PARTS[part]}{query}")


def _through(path: str) -> Response:
    sent = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
    media = parts().farm_for(session.token()).media(path, sent)
    known = {name.lower(): value for name, value in media.headers.items()}
    back = {name: known[name.lower()] for name in _PASSED_BACK if name.lower() in known}
    response = Response(media.chunks, media.status, back)
    response.call_on_close(media.close)
    if not _SHOWN.match(known.get("content-type", "").split(";")[0].strip()):
        # Nothing a job made may run as a page of ours.
        response.headers["Content-Type"] = "application/octet-stream"
        response.headers["Content-Disposition"] = "attachment"
    return response
