"""Tasks: one in full, and why it waits."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI

from coordinator.api.answers import shown, shown_if_new
from coordinator.api.asked import TaskPath
from coordinator.api.described import TASKS, answers
from coordinator.api.parts import parts
from coordinator.api.why import why
from reelyard.resources import TaskView, WhyView


def add_tasks(app: OpenAPI) -> None:
    """The addresses of this file."""
    app.get("/api/v1/tasks/<task_id>", tags=TASKS, responses=answers(TaskView, 404))(show_task)
    app.get("/api/v1/tasks/<task_id>/why", tags=TASKS, responses=answers(WhyView, 404))(why_task)


def show_task(path: TaskPath) -> Response:
    """Show a task with its tries and what it made"""
    return shown_if_new(parts().views.task(path.checked()))


def why_task(path: TaskPath) -> Response:
    """Why a task waits, with every device's answer"""
    given = parts()
    task = given.views.task(path.checked())
    return shown(why(given.database, given.catalog, given.clock.now(), task))
