"""Jobs: submit, try out, list, show, call off, and their story."""

from __future__ import annotations

from flask import Response, url_for
from flask_openapi.openapi import OpenAPI

from coordinator.api.answers import shown, shown_if_new
from coordinator.api.asked import (
    CancelBody,
    JobPath,
    JobsQuery,
    StoryQuery,
    SubmitHeader,
)
from coordinator.api.bodies import read_small, read_source
from coordinator.api.described import JOBS, answers, small_body, storyboard_body
from coordinator.api.guard import owner
from coordinator.api.parts import parts
from coordinator.api.quotes import quote, sound
from coordinator.api.terms import SubmitQuery
from coordinator.api.why import why_each
from reelyard.resources import (
    EventList,
    JobList,
    JobSummary,
    JobView,
    Submitted,
    ValidationView,
    WhyList,
)
from reelyard.states import TaskState


def add_jobs(app: OpenAPI) -> None:
    """The addresses of this file."""
    tags = JOBS
    app.get("/api/v1/jobs", tags=tags, responses=answers(JobList))(list_jobs)
    app.post(
        "/api/v1/jobs",
        tags=tags,
        request_body=storyboard_body(),
        responses=answers(Submitted, 409, 413, 415, status=202),
    )(submit_job)
    app.post(
        "/api/v1/jobs/validate",
        tags=tags,
        request_body=storyboard_body(),
        responses=answers(ValidationView, 413, 415),
    )(validate_job)
    app.get("/api/v1/jobs/<job_id>", tags=tags, responses=answers(JobView, 404))(show_job)
    app.post(
        "/api/v1/jobs/<job_id>/cancel",
        tags=tags,
        request_body=small_body(CancelBody, required=False),
        responses=answers(JobSummary, 404, 409, 413, 415),
    )(cancel_job)
    app.get("/api/v1/jobs/<job_id>/story", tags=tags, responses=answers(EventList, 404))(job_story)
    app.get("/api/v1/jobs/<job_id>/why", tags=tags, responses=answers(WhyList, 404))(job_why)


def list_jobs(query: JobsQuery) -> Response:
    """List jobs, newest first

    Go on with `after=next_cursor` while `has_more`.
    """
    return shown(parts().views.jobs(query.state, query.limit, query.after, query.q))


def submit_job(query: SubmitQuery, header: SubmitHeader) -> Response:
    """Submit a storyboard

    The same `Idempotency-Key` gives the same job again; with another body it is refused (409).
    """
    given, source = parts(), read_source()
    storyboard, notes = sound(source, given, query.terms)
    job_id, created = given.intake.submit(
        storyboard,
        owner(),
        header.idempotency_key,
        source.text,
        query.priority,
        given.settings.max_running_jobs,
        query.terms,
    )
    answer = given.intake.admit(storyboard)
    response = shown(
        Submitted(
            job=given.views.summary(job_id),
            created=created,
            is_possible=answer.possible is not False,
            because=answer.because,
            queue_position=given.queue.position(job_id, given.clock.now()),
            notes=list(notes),
        ),
        202,
    )
    response.headers["Location"] = url_for("show_job", job_id=job_id)
    return response


def validate_job(query: SubmitQuery) -> Response:
    """Try a storyboard out: nothing is stored

    Answers 200 with `ok: false` and every problem when it would be refused.
    """
    return shown(quote(read_source(), parts(), query.terms))


def show_job(path: JobPath) -> Response:
    """Show a job with its tasks and its film

    The beginning of an id is enough while only one job begins so.
    """
    return shown_if_new(parts().views.job(path.checked()))


def cancel_job(path: JobPath) -> Response:
    """Call a job off

    Running tasks are stopped between two steps. 409 when the job has ended already.
    """
    given, why = parts(), read_small(CancelBody).because
    job_id = given.views.job_id(path.checked())
    given.intake.cancel(job_id, owner(), why)
    return shown(given.views.summary(job_id))


def job_story(path: JobPath, query: StoryQuery) -> Response:
    """What happened to a job, oldest first

    Go on with `after` = the last `seq` while `has_more`.
    """
    given = parts()
    job_id = given.views.job_id(path.checked())
    return shown(given.story.page(job_id, query.after, query.limit))


def job_why(path: JobPath) -> Response:
    """Why the tasks of a job wait, with every device's answer"""
    given = parts()
    tasks = given.views.job(path.checked()).task_list
    waiting = [task for task in tasks if task.state is TaskState.WAITING]
    return shown(WhyList(data=why_each(given.database, given.catalog, given.clock.now(), waiting)))
