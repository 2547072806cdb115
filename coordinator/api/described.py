"""How operations are described in the OpenAPI document: answers, problems, bodies. Data only."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask_openapi.models.tag import Tag
from pydantic import BaseModel

from coordinator.api.problems import MEDIA_TYPE
from reelyard.resources import ProblemDetails
from reelyard.script import JSON, PLAIN, YAML

Described = dict[Any, Any]
Tags = list[Tag | dict[str, Any]]

JOBS: Tags = [Tag(name="jobs", description="What people ask for: submitted, watched, called off.")]
FILMS: Tags = [Tag(name="films", description="Finished films and every other file, with ranges.")]
TASKS: Tags = [
    Tag(name="tasks", description="The units that the scheduler places, and why they wait.")
]
FARM: Tags = [Tag(name="farm", description="Workers, health, figures.")]
MODELS: Tags = [
    Tag(name="models", description="What there is, where it fits, what was learned, predictions.")
]
RULES: Tags = [
    Tag(name="rules", description="How the farm is shared: owners, pools, hours, limits, prices.")
]
EVENTS: Tags = [Tag(name="events", description="Everything that happens, as it happens.")]
TOKENS: Tags = [Tag(name="tokens", description="Who may come in.")]

ANYBODY: list[dict[str, list[Any]]] = [{}]
"""The security of an operation that needs no token."""


def answers(
    shape: type[BaseModel] | None, *problems: int, status: int = 200, guarded: bool = True
) -> Described:
    """An answer of this shape, and the problems that may take its place."""
    also = (401,) if guarded else ()
    return {status: shape, **problem_answers(*also, *problems)}


def problem_answers(*statuses: int) -> Described:
    """A problem document for each of these, and for what nobody foresaw."""
    return {status: _problem(status) for status in sorted({*statuses, 422, 500})}


def file_answers(*media_types: str) -> Described:
    """A file, whole or in part."""
    body = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(media_types, body)
    return {
        200: {"description": "The whole file.", "content": content},
        206: {"description": "The range that was asked for.", "content": content},
        304: {"description": "You have it already."},
        **problem_answers(401, 404, 416, 503),
    }


def stream_answers(*problems: int) -> Described:
    """Events until the client leaves."""
    said = "`id`, `event` and JSON `data` (an EventView) per message; a comment each 15 s."
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        200: {"description": said, "content": content},
        **problem_answers(401, 503, *problems),
    }


def storyboard_body() -> dict[str, Any]:
    """A storyboard in any of its three forms."""
    shape = {"schema": {"$ref": "#/components/schemas/Storyboard"}}
    plain = {"schema": {"type": "string"}}
    return {
        "description": "A storyboard as YAML or JSON, or a plain-text script.",
        "content": {YAML: shape, JSON: shape, PLAIN: plain},
        "required": True,
    }


def text_body(media_type: str, said: str) -> dict[str, Any]:
    """A text of this type, or the same as plain text."""
    shape = {"schema": {"type": "string"}}
    return {"description": said, "content": {media_type: shape, PLAIN: shape}, "required": True}


def small_body(shape: type[BaseModel], required: bool) -> dict[str, Any]:
    """A JSON object of this shape; `bare_app` adds the shape itself to the document."""
    reference = {"$ref": f"#/components/schemas/{shape.__name__}"}
    return {"content": {JSON: {"schema": reference}}, "required": required}


def tidied(document: Described) -> Described:
    """The document without what flask-openapi adds for its own pages."""
    for path in document["paths"].values():
        for operation in path.values():
            if "description" in operation:
                words = operation["description"].replace("<br/>", " ")
                operation["description"] = " ".join(words.split())
            if not operation.get("deprecated"):
                operation.pop("deprecated", None)
    return document


def _problem(status: int) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": reference}},
    }
