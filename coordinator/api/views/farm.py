"""The farm: what is where, workers, health, figures, the API's own description."""

from __future__ import annotations

from flask import Response, current_app, jsonify, request
from flask_openapi.openapi import OpenAPI

from coordinator.api.answers import shown
from coordinator.api.asked import OverviewQuery, WorkerPath
from coordinator.api.described import ANYBODY, FARM, Described, answers, problem_answers
from coordinator.api.parts import parts
from reelyard import __version__
from reelyard.resources import (
    HealthView,
    IndexView,
    OverviewView,
    WorkerList,
    WorkerView,
)


def add_farm(app: OpenAPI) -> None:
    """The addresses of this file."""
    tags = FARM
    app.get("/", tags=tags, security=ANYBODY, responses=answers(IndexView, guarded=False))(index)
    app.get("/openapi.json", doc_ui=False)(document)
    app.get("/metrics", tags=tags, responses=_metrics_answers())(metrics)
    app.get(
        "/api/v1/health",
        tags=tags,
        security=ANYBODY,
        responses={**answers(HealthView, guarded=False), 503: HealthView},
    )(health)
    app.get("/api/v1/overview", tags=tags, responses=answers(OverviewView))(overview)
    app.get("/api/v1/workers", tags=tags, responses=answers(WorkerList))(list_workers)
    app.get("/api/v1/workers/<worker_id>", tags=tags, responses=answers(WorkerView, 404))(
        show_worker
    )


def index() -> Response:
    """What is where"""
    return shown(IndexView(version=__version__))


def document() -> Response:
    """This description of the API"""
    assert isinstance(current_app, OpenAPI)
    return jsonify(current_app.api_doc)


def metrics() -> Response:
    """Figures for Prometheus

    Needs no token on the machine itself, or where REELYARD_METRICS_OPEN is set.
    """
    body, content_type = parts().metrics.page(request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)


def health() -> Response:
    """Is the farm well?

    `down` (503) without its database; `degraded` when the broker, the artifact store or the
    scheduler's loop does not answer: jobs are taken and wait.
    """
    found = parts().health.view()
    return shown(found, 503 if found.status == "down" else 200)


def overview(query: OverviewQuery) -> Response:
    """The farm at a glance"""
    given = parts()
    return shown(given.farm.overview(given.clock.now(), query.minutes))


def list_workers() -> Response:
    """Every worker that was ever seen, online first"""
    return shown(parts().farm.workers())


def show_worker(path: WorkerPath) -> Response:
    """Show a worker with its devices"""
    return shown(parts().farm.worker(path.worker_id))


def _metrics_answers() -> Described:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {200: {"description": "Prometheus text.", "content": content}, **problem_answers(401)}
