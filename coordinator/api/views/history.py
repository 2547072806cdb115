"""What the farm has done, for the simulator to play again."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field

from coordinator.api.answers import shown
from coordinator.api.described import FARM, answers
from coordinator.api.parts import parts
from coordinator.store.view_history import read_recorded
from reelyard.history_views import RecordedTasks


class RecordedQuery(BaseModel):
    """Which part of the history."""

    since: float = Field(
        default=0.0, ge=0, le=1e11, description="Tasks that ended then or later, in unix seconds."
    )
    after: str | None = Field(
        default=None, max_length=200, description="`next_cursor` of the page before."
    )
    limit: int = Field(default=1000, ge=1, le=5000)


def add_history(app: OpenAPI) -> None:
    """The addresses of this file."""
    app.get("/api/v1/history/workload", tags=FARM, responses=answers(RecordedTasks))(show_workload)


def show_workload(query: RecordedQuery) -> Response:
    """Finished tasks as a workload

    In the order in which they ended, with what their shapes took here on average. `reelyard
    history` writes them as a file for `reelyard simulate`.
    """
    found = read_recorded(parts().database, query.since, query.after, query.limit)
    return shown(found)
