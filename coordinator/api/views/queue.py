"""The queue, and what people change about a job's turn. Every answer is the job as it is then."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response
from flask_openapi.openapi import OpenAPI

from coordinator.api.answers import shown
from coordinator.api.asked import JobPath, QueueQuery
from coordinator.api.bodies import read_small
from coordinator.api.described import JOBS, answers, small_body
from coordinator.api.guard import owner
from coordinator.api.parts import parts
from coordinator.api.pools import unknown_pools
from coordinator.api.terms import ChangeBody, ReasonBody
from coordinator.steering import Steering
from reelyard.errors import InvalidInput
from reelyard.queue_views import QueueList
from reelyard.resources import JobSummary

_Steer = Callable[[Steering, str, str, str], None]


def add_queue(app: OpenAPI) -> None:
    """The addresses of this file."""
    app.get("/api/v1/queue", tags=JOBS, responses=answers(QueueList))(show_queue)
    app.patch(
        "/api/v1/jobs/<job_id>",
        tags=JOBS,
        request_body=small_body(ChangeBody, required=True),
        responses=answers(JobSummary, 404, 409, 413, 415),
    )(change_job)
    steered = {
        "hold": hold_job,
        "release": release_job,
        "pause": pause_job,
        "resume": resume_job,
        "jump": jump_job,
        "behind": put_job_behind,
    }
    for word, view in steered.items():
        app.post(
            f"/api/v1/jobs/<job_id>/{word}",
            tags=JOBS,
            request_body=small_body(ReasonBody, required=False),
            responses=answers(JobSummary, 404, 409, 413, 415),
        )(view)


def show_queue(query: QueueQuery) -> Response:
    """Show what waits, in the order it will be taken

    By job. Jobs that start later, are held or paused come last and have no position.
    """
    given = parts()
    return shown(given.queue.list(given.clock.now(), query.limit))


def change_job(path: JobPath) -> Response:
    """Change a job's priority, band, times, pools or tags

    What is not said stays as it is; the answer has the values as they are now.
    """
    given, asked = parts(), read_small(ChangeBody).asked
    job_id = given.views.job_id(path.checked())
    if problems := unknown_pools(given.database, asked.get("pools", ())):
        raise InvalidInput(problems)
    given.steering.change(job_id, owner(), asked)
    return shown(given.views.summary(job_id))


def hold_job(path: JobPath) -> Response:
    """Hold a job: nothing new of it is started until it is released

    What runs goes on. Held again, it has another reason.
    """
    return _steered(path, Steering.hold)


def release_job(path: JobPath) -> Response:
    """Release a job that is held

    409 when it is not held.
    """
    return _steered(path, Steering.release)


def pause_job(path: JobPath) -> Response:
    """Pause a job: what runs is finished, nothing new is started

    409 when it is paused already.
    """
    return _steered(path, Steering.pause)


def resume_job(path: JobPath) -> Response:
    """Let a paused job go on

    409 when it is not paused.
    """
    return _steered(path, Steering.resume)


def jump_job(path: JobPath) -> Response:
    """Put a job in front of its band"""
    return _steered(path, Steering.jump)


def put_job_behind(path: JobPath) -> Response:
    """Put a job behind its band"""
    return _steered(path, Steering.put_behind)


def _steered(path: JobPath, steer: _Steer) -> Response:
    given, because = parts(), read_small(ReasonBody).because
    job_id = given.views.job_id(path.checked())
    steer(given.steering, job_id, owner(), because)
    return shown(given.views.summary(job_id))
