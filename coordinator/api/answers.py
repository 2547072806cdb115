"""How resources leave: JSON, with an ETag where a reader comes back for the same thing."""

from __future__ import annotations

import hashlib

from flask import Response, request
from pydantic import BaseModel


def shown(resource: BaseModel, status: int = 200) -> Response:
    """The resource as JSON."""
    return Response(resource.model_dump_json(), status, mimetype="application/json")


def shown_if_new(resource: BaseModel) -> Response:
    """The resource with an ETag; 304 without a body for who has it already."""
    response = shown(resource)
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32], weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response
