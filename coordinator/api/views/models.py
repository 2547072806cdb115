"""Models: what the farm has, where each fits, what runs have taught, predictions."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI

from coordinator.api.answers import shown
from coordinator.api.asked import FitQuery, PredictionsBody
from coordinator.api.bodies import read_small
from coordinator.api.described import MODELS, answers, small_body
from coordinator.api.parts import parts
from coordinator.core.fits import columns, with_residents
from coordinator.core.learning import trusted
from coordinator.store.farm import read_devices
from coordinator.store.lessons import read_all, read_lessons, take_over
from reelyard.predict.answer import Answer
from reelyard.predict.ask import predict
from reelyard.predict.exchange import lesson_list
from reelyard.predict.matrix import catalog_columns
from reelyard.predict.request import Request
from reelyard.predict.views import FitMatrix, LessonList, PredictionList
from reelyard.resources import ModelList


def add_models(app: OpenAPI) -> None:
    """The addresses of this file."""
    learned = "/api/v1/models/learned"
    app.get("/api/v1/models", tags=MODELS, responses=answers(ModelList))(list_models)
    app.get("/api/v1/models/fit", tags=MODELS, responses=answers(FitMatrix))(fit)
    app.get(learned, tags=MODELS, responses=answers(LessonList))(list_lessons)
    app.put(
        learned,
        tags=MODELS,
        request_body=small_body(LessonList, required=True),
        responses=answers(LessonList, 413, 415),
    )(import_lessons)
    app.post(
        "/api/v1/predictions",
        tags=MODELS,
        request_body=small_body(PredictionsBody, required=True),
        responses=answers(PredictionList, 413, 415),
    )(make_predictions)


def list_models() -> Response:
    """What the farm renders and speaks with"""
    given = parts()
    return shown(given.farm.models(given.catalog))


def fit(query: FitQuery) -> Response:
    """Which models fit which devices

    Every model of the catalog at its own size, over the kinds of devices that the farm has; with
    `all`, over every type of device that the catalog knows.
    """
    given = parts()
    with given.database.read() as connection:
        devices = read_devices(connection, given.catalog)
        lessons = read_lessons(connection)
    here = catalog_columns(given.catalog) if query.all else columns(given.catalog, devices)
    return shown(with_residents(given.fits.of(here, lessons), devices))


def list_lessons() -> Response:
    """What finished runs have taught

    Measured over predicted, per model, plan and type of device. It can be taken to another farm.
    """
    with parts().database.read() as connection:
        return shown(lesson_list(read_all(connection)))


def import_lessons() -> Response:
    """Take over what another farm has learned

    A lesson that this farm has already is replaced only by one of more runs.
    """
    given = parts()
    lessons = trusted(read_small(LessonList))
    with given.database.write() as connection:
        take_over(connection, lessons, given.clock.now())
    return list_lessons()


def make_predictions() -> Response:
    """Say what runs would need

    Memory, time, energy and the best plan for each question, with what this farm has learned.
    """
    given = parts()
    asked = read_small(PredictionsBody).requests
    with given.database.read() as connection:
        lessons = read_lessons(connection)
    known: dict[Request, Answer] = {}
    for request in asked:
        if request not in known:
            known[request] = predict(request, given.catalog, lessons)
    return shown(PredictionList(data=[known[request] for request in asked]))
