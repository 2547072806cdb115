"""The API put together: routes first, which need nothing, then the parts that they use.

`make_app` must run in the process that serves: its parts hold connections and start threads.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, request
from flask_openapi.models.info import Info
from flask_openapi.models.schema import Schema
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel

from coordinator.api.asked import CancelBody, PredictionsBody, TokenBody
from coordinator.api.checks import check_broker, check_led
from coordinator.api.described import tidied
from coordinator.api.files import Files
from coordinator.api.fits import Fits
from coordinator.api.guard import install_guard
from coordinator.api.health import Health
from coordinator.api.parts import KEY, Parts
from coordinator.api.problems import install_problems, of_validation
from coordinator.api.risks import Risks
from coordinator.api.streams import Streams
from coordinator.api.terms import ChangeBody, ReasonBody
from coordinator.api.views.events import add_events
from coordinator.api.views.farm import add_farm
from coordinator.api.views.films import add_films
from coordinator.api.views.history import add_history
from coordinator.api.views.jobs import add_jobs
from coordinator.api.views.models import add_models
from coordinator.api.views.queue import add_queue
from coordinator.api.views.risk import add_risk
from coordinator.api.views.rules import add_rules
from coordinator.api.views.tasks import add_tasks
from coordinator.api.views.tokens import add_tokens
from coordinator.app import broker_of, make_database, make_intake
from coordinator.intake import Intake
from coordinator.metrics import RATIO_BOUNDS, TASK_BOUNDS, Metrics
from coordinator.steering import Steering
from coordinator.store.database import Database
from coordinator.store.tokens import Tokens
from coordinator.store.view_events import Story
from coordinator.store.view_farm import FarmViews
from coordinator.store.view_measures import read_measures
from coordinator.store.view_queue import Queue
from coordinator.store.views import Views
from reelyard import __version__
from reelyard.catalog import Catalog, load_catalog
from reelyard.clock import Clock, SystemClock
from reelyard.predict.views import LessonList
from reelyard.resources import ProblemDetails
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore
from reelyard.storage.locate import open_store
from reelyard.storyboard import Storyboard

_BEARER: Any = {"bearer": {"type": "http", "scheme": "bearer"}}
_VIEWS = (
    add_jobs,
    add_queue,
    add_risk,
    add_films,
    add_tasks,
    add_events,
    add_farm,
    add_history,
    add_models,
    add_rules,
    add_tokens,
)
_BODIES: tuple[type[BaseModel], ...] = (
    Storyboard,
    CancelBody,
    ReasonBody,
    ChangeBody,
    TokenBody,
    LessonList,
    PredictionsBody,
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ABOUT = (
    "A rendering farm for AI video and voice: a storyboard goes in, a film comes out. "
    "Every address but `/`, `/openapi.json` and `/api/v1/health` needs a token, sent as Bearer. "
    "Every refusal is a problem document (RFC 9457) with what is wrong and what to do."
)


def make_app(settings: Settings) -> OpenAPI:
    """The API of the farm that the settings name."""
    clock, catalog = SystemClock(), load_catalog(settings.catalog_file)
    database = make_database(settings)
    intake = make_intake(settings, database, catalog, clock)
    store, broker = open_store(settings), broker_of(settings)
    checks = {"broker": lambda: check_broker(broker)}
    return with_parts(make_parts(settings, database, store, intake, catalog, clock, checks))


def make_parts(
    settings: Settings,
    database: Database,
    store: ArtifactStore,
    intake: Intake,
    catalog: Catalog,
    clock: Clock,
    checks: dict[str, Any] | None = None,
) -> Parts:
    """The surroundings of the views. `checks` are of what only the caller knows."""
    views, story = Views(database), Story(database)
    streams = Streams(story.after, story.last, clock)
    health = {"database": database.check, **(checks or {}), "store": store.check}
    health["loop"] = lambda: check_led(database, clock.now())
    return Parts(
        settings=settings,
        clock=clock,
        catalog=catalog,
        database=database,
        intake=intake,
        steering=Steering(database, clock, intake.wake),
        tokens=Tokens(database, clock),
        views=views,
        queue=Queue(database),
        risks=Risks(database, catalog, clock),
        farm=FarmViews(database),
        story=story,
        streams=streams,
        files=Files(store, views),
        fits=Fits(catalog),
        health=Health(health, clock),
        metrics=Metrics(
            lambda: read_measures(database, clock.now(), TASK_BOUNDS, RATIO_BOUNDS),
            lambda: streams.listeners,
        ),
    )


def with_parts(given: Parts) -> OpenAPI:
    """An app that serves."""
    app = bare_app()
    app.config["MAX_CONTENT_LENGTH"] = given.settings.max_script_bytes + 1
    app.extensions[KEY] = given
    app.before_request(lambda: _note_start(given))
    install_guard(app)
    app.after_request(lambda response: _finish(given, response))
    return app


def bare_app() -> OpenAPI:
    """All addresses and their description, without anything behind them."""
    app = OpenAPI(
        "coordinator.api",
        info=Info(title="Reelyard", version=__version__, description=_ABOUT),
        security_schemes=_BEARER,
        openapi_extensions={"security": [{"bearer": []}]},
        validation_error_model=ProblemDetails,
        validation_error_callback=of_validation,
        operation_id_callback=lambda *, name, path, method: name,
        static_folder=None,
        doc_ui=False,
    )
    install_problems(app)
    for add in _VIEWS:
        add(app)
    for shape in _BODIES:
        _add_shape(app, shape)
    app.spec_json = tidied(app.api_doc)
    return app


def _add_shape(app: OpenAPI, shape: type[BaseModel]) -> None:
    """Of a body that a view reads itself."""
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, part in schema.pop("$defs", {}).items():
        app.components_schemas[name] = Schema(**part)
    app.components_schemas[shape.__name__] = Schema(**schema)


def _note_start(given: Parts) -> None:
    g.began = given.clock.monotonic()


def _finish(given: Parts, response: Response) -> Response:
    """Counted, and fit for browsers: nothing is sniffed, nothing is kept that does not say so."""
    route = request.url_rule.rule if request.url_rule else "unknown"
    seconds = given.clock.monotonic() - g.get("began", given.clock.monotonic())
    method = request.method if request.method in _METHODS else "other"
    given.metrics.count(method, route, response.status_code, seconds)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
