"""From an answer of the HTTP API that says no to one of our errors, with every problem it lists.

Never raises for a body that is no problem+json: the status alone says enough.
"""

from __future__ import annotations

import httpx2
from pydantic import ValidationError

from reelyard.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    ReelyardError,
    Unauthorized,
    Unreachable,
)
from reelyard.resources import ProblemDetails, ProblemItem

_KINDS: dict[int, type[ReelyardError]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    429: Unreachable,
    502: Unreachable,
    503: Unreachable,
    504: Unreachable,
}
_THE_ASKER_CAN_MEND = frozenset({400, 405, 411, 413, 414, 415, 422})


def error_of(answer: httpx2.Response) -> ReelyardError:
    """What the body says, as one of our errors. The body has been read."""
    details = _details(answer)
    said, remedy = details.detail or details.title, details.remedy or None
    if details.errors:
        return InvalidInput([problem_of(item) for item in details.errors])
    if kind := _KINDS.get(answer.status_code):
        return kind(said, remedy)
    if answer.status_code in _THE_ASKER_CAN_MEND:
        return InvalidInput([Problem("request", said, remedy=details.remedy)])
    return ReelyardError(said, remedy)


def problem_of(item: ProblemItem) -> Problem:
    """The problem as the rest of Reelyard speaks of it."""
    return Problem(item.field, item.message, item.value, item.limit, item.remedy, item.line)


def _details(answer: httpx2.Response) -> ProblemDetails:
    try:
        return ProblemDetails.model_validate_json(answer.content)
    except ValidationError:
        said = f"{answer.request.url} answered {answer.status_code}."
        return ProblemDetails(title="", status=answer.status_code, detail=said)
