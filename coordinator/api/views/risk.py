"""Deadlines: which will be held, by how much the others are missed, what would hold them."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field

from coordinator.api.answers import shown
from coordinator.api.described import JOBS, answers
from coordinator.api.parts import parts
from reelyard.errors import NotFound
from reelyard.ids import is_id
from reelyard.risk_views import RiskList


class RiskQuery(BaseModel):
    """Whose deadline."""

    job: str | None = Field(
        default=None, max_length=100, description="A job's id, or enough of its beginning."
    )


def add_risk(app: OpenAPI) -> None:
    """The addresses of this file."""
    app.get("/api/v1/risk", tags=JOBS, responses=answers(RiskList, 404))(show_risk)


def show_risk(query: RiskQuery) -> Response:
    """Show which deadlines will be held, and what would hold the others

    Of jobs that are not over, the soonest deadline first. The farm is played forward from now with
    its own scheduler and what is predicted; an answer is told again for up to ten seconds while
    nobody changes anything.
    """
    given = parts()
    if query.job is None:
        return shown(given.risks.of())
    if not is_id(query.job):
        raise NotFound(f"There is no job {query.job[:100]!r}.")
    return shown(given.risks.of(given.views.job_id(query.job)))
