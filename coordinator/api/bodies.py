"""Reads what a request carries: a storyboard, or a small JSON object. Stores nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeVar

from flask import abort, request
from pydantic import BaseModel, ValidationError

from coordinator.api.parts import parts
from coordinator.api.problems import Refused, of_validation
from reelyard.errors import InvalidInput, Problem
from reelyard.script import JSON, PLAIN, YAML

_DROPPED_BYTES = 64 << 20
_PIECE_BYTES = 1 << 16

Shape = TypeVar("Shape", bound=BaseModel)

_TYPES = {
    YAML: YAML,
    "application/x-yaml": YAML,
    "text/yaml": YAML,
    "text/x-yaml": YAML,
    JSON: JSON,
    PLAIN: PLAIN,
}
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})


@dataclass(frozen=True, slots=True)
class Source:
    """A storyboard as it was sent."""

    body: bytes
    media_type: str

    @property
    def text(self) -> str:
        """As text; only of what could be read."""
        return self.body.decode("utf-8-sig")


def read_source() -> Source:
    """The body of this request. Raises Refused: 415 for its type, 413 for its size."""
    media_type = _media_type()
    return Source(_body(), media_type)


def read_small(shape: type[Shape]) -> Shape:
    """The JSON object of this request; no body at all is an empty one.

    Raises Refused (415), InvalidInput, or aborts with a 422 that names each field.
    """
    _refuse_encodings()
    body = _body()
    if body and request.mimetype != JSON:
        raise Refused(415, f"{request.mimetype[:80]!r} is not read here.", f"Send {JSON}.")
    try:
        return shape.model_validate(_object(body))
    except ValidationError as wrong:
        abort(of_validation(wrong))


def read_text(*media_types: str) -> str:
    """The text of this request, sent as one of these types or as plain text.

    Raises Refused: 415 for its type, 413 for its size; InvalidInput for what is not UTF-8.
    """
    _refuse_encodings()
    if request.mimetype not in (*media_types, PLAIN):
        shown = request.mimetype[:80] or "no content type"
        raise Refused(415, f"{shown!r} is not read here.", f"Send {media_types[0]} or {PLAIN}.")
    try:
        return _body().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        remedy = "Save it as UTF-8 and send it again."
        raise InvalidInput([Problem("body", f"is not UTF-8: {wrong}", remedy=remedy)]) from None


def _body() -> bytes:
    """All of it. Flask would cut a body of untold length at its limit without a word, so its limit
    is one byte further out than ours (`with_parts`)."""
    most = parts().settings.max_script_bytes
    told = request.content_length or 0
    body = b"" if told > most else request.get_data(cache=False)
    if max(told, len(body)) > most:
        _drop_the_rest()
        shown = f"{told} bytes" if told else "larger"
        raise Refused(413, f"The body is {shown}; the limit is {most} bytes.")
    return body


def _drop_the_rest() -> None:
    """Who still sends does not listen: read on for a while, so that the refusal is heard."""
    rest, left = request.environ["wsgi.input"], _DROPPED_BYTES
    while left > 0 and (piece := rest.read(_PIECE_BYTES)):
        left -= len(piece)


def _object(body: bytes) -> object:
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError) as wrong:
        said = f"is not JSON: {wrong}" if isinstance(wrong, ValueError) else "is nested too deeply"
        raise InvalidInput([Problem("body", said[:200], remedy="Correct it.")]) from None
    if not isinstance(found, dict):
        raise InvalidInput(
            [Problem("body", "must be a JSON object", remedy="Put braces around its fields.")]
        )
    return found


def _refuse_encodings() -> None:
    if request.content_encoding:
        raise Refused(415, f"A body that is {request.content_encoding[:40]!r} cannot be read.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in _UTF_8:
        raise Refused(415, f"The charset {charset[:40]!r} is not read.", "Send it in UTF-8.")


def _media_type() -> str:
    _refuse_encodings()
    if request.mimetype not in _TYPES:
        shown = request.mimetype[:80] or "no content type"
        raise Refused(415, f"A storyboard cannot be read from {shown!r}.")
    return _TYPES[request.mimetype]
