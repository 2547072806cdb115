"""From what went wrong to what the caller reads: application/problem+json (RFC 9457), always.

Never shows a traceback; what nobody foresaw is logged and answered as a plain 500.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from coordinator.store.database import AWAY
from reelyard.errors import (
    ArtifactDamaged,
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    ReelyardError,
    Unauthorized,
    Unreachable,
)
from reelyard.resources import ProblemDetails, ProblemItem

_LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_LONGEST_VALUE = 80

_STATUS: tuple[tuple[type[ReelyardError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (Conflict, 409),
    (Unauthorized, 401),
    (Unreachable, 503),
    (ArtifactDamaged, 500),
)
_REMEDIES = {
    404: "The addresses of this API are listed in /openapi.json.",
    405: "The methods of each address are listed in /openapi.json.",
    413: "Split the script, or raise REELYARD_MAX_SCRIPT_BYTES on the coordinator.",
    415: "Send application/yaml, application/json or text/plain.",
    416: "Ask for a range inside the file; a HEAD request tells its length.",
    500: "This is a defect of Reelyard: the coordinator's log has the details.",
}


class Refused(ReelyardError):
    """A request that is wrong as HTTP: too large, of the wrong type, one stream too many."""

    def __init__(
        self,
        status: int,
        message: str,
        remedy: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, remedy or _REMEDIES.get(status, ""))
        self.status, self.headers = status, headers or {}


def install_problems(app: Flask) -> None:
    """Every error of this app leaves as a problem document."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(ReelyardError, _ours)
    app.register_error_handler(HTTPException, _http)
    for kind in AWAY:
        app.register_error_handler(kind, _away)
    app.register_error_handler(Exception, _unforeseen)


def answer(details: ProblemDetails) -> Response:
    """The problem as a response."""
    text = json.dumps(details.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
    # What was sent may hold half a surrogate pair, which no JSON can carry.
    response = Response(text.encode(errors="replace"), details.status, mimetype=MEDIA_TYPE)
    if details.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="reelyard"'
    return response


def of_validation(wrong: ValidationError) -> Response:
    """What pydantic found in a path, query, header or body, as a 422."""
    items = [
        ProblemItem(
            field=".".join(str(part) for part in error["loc"]) or "body",
            pointer=_pointer([str(part) for part in error["loc"]]),
            message=error["msg"],
            value=_shown(error.get("input")),
            remedy="Correct it and send the request again.",
        )
        for error in wrong.errors(include_url=False, include_context=False)
    ]
    return answer(_invalid(items))


def item_of(problem: Problem) -> ProblemItem:
    """One problem of a storyboard as the API shows it: `scenes[2].seconds`, `/scenes/2/seconds`."""
    parts = problem.field.replace("[", ".").replace("]", "").split(".")
    return ProblemItem(
        field=problem.field,
        pointer=_pointer([part for part in parts if part]),
        message=problem.message,
        value=problem.value,
        limit=problem.limit,
        remedy=problem.remedy,
        line=problem.line,
    )


def _invalid(items: list[ProblemItem]) -> ProblemDetails:
    count = "1 problem" if len(items) == 1 else f"{len(items)} problems"
    first = f"{items[0].field}: {items[0].message}" if items else "it cannot be read"
    return ProblemDetails(
        title="Invalid input",
        status=422,
        detail=f"{count}; the first: {first}",
        remedy="Correct what `errors` lists and send it again.",
        errors=items,
    )


def _ours(wrong: ReelyardError) -> Response:
    if isinstance(wrong, InvalidInput):
        return answer(_invalid([item_of(problem) for problem in wrong.problems]))
    status = next((code for kind, code in _STATUS if isinstance(wrong, kind)), 500)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("%s %s: %s", request.method, request.path, wrong)
    return answer(_details(status, wrong.message, wrong.remedy))


def _refused(wrong: Refused) -> Response:
    response = answer(_details(wrong.status, wrong.message, wrong.remedy))
    response.headers.update(wrong.headers)
    return response


def _http(wrong: HTTPException) -> Response:
    if wrong.response is not None and isinstance(wrong.response, Response):
        return wrong.response
    status = wrong.code or 500
    response = answer(_details(status, wrong.description or "", _REMEDIES.get(status, "")))
    for name, value in wrong.get_headers():
        if name.lower() in {"allow", "content-range", "retry-after", "location"}:
            response.headers[name] = value
    return response


def _away(wrong: Exception) -> Response:
    _LOG.error("%s %s: the database: %s", request.method, request.path, _cause(wrong))
    response = answer(
        _details(503, "The database does not answer.", "Try again; see /api/v1/health.")
    )
    response.headers["Retry-After"] = "5"
    return response


def _cause(wrong: Exception) -> object:
    """The driver's own words: SQLAlchemy's would repeat the statement and its values."""
    return getattr(wrong, "orig", None) or type(wrong).__name__


def _unforeseen(wrong: Exception) -> Response:
    _LOG.error("%s %s", request.method, request.path, exc_info=wrong)
    return answer(_details(500, "Something went wrong inside the coordinator.", _REMEDIES[500]))


def _details(status: int, detail: str, remedy: str) -> ProblemDetails:
    return ProblemDetails(
        title=HTTPStatus(status).phrase, status=status, detail=detail, remedy=remedy
    )


def _pointer(parts: list[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
