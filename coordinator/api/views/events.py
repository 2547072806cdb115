"""Events as they happen: server-sent, with replay. One seat per listener, given back at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Response
from flask_openapi.openapi import OpenAPI

from coordinator.api.asked import JobPath, StreamHeader, StreamQuery
from coordinator.api.described import EVENTS, stream_answers
from coordinator.api.parts import parts
from coordinator.api.streams import HEARTBEAT_SECONDS, Heard, Streams
from reelyard.resources import EventView

Hear = Callable[[int], Heard | None]
"""What follows a number; None when the stream shall end."""


def add_events(app: OpenAPI) -> None:
    """The addresses of this file."""
    app.get("/api/v1/events", tags=EVENTS, responses=stream_answers())(stream_events)
    app.get("/api/v1/jobs/<job_id>/events", tags=EVENTS, responses=stream_answers(404))(stream_job)


def stream_events(query: StreamQuery, header: StreamHeader) -> Response:
    """Everything that happens, as it happens

    Begins after `Last-Event-ID` or `after`, else with the next event.
    """
    streams = parts().streams
    return _stream(streams, _wanted(query, header), lambda at: streams.after(at, HEARTBEAT_SECONDS))


def stream_job(path: JobPath, query: StreamQuery, header: StreamHeader) -> Response:
    """What happens to a job, as it happens

    Begins after `Last-Event-ID` or `after`, else with the next event.
    """
    given = parts()
    job_id = given.views.job_id(path.checked())

    def hear(position: int) -> Heard | None:
        heard = given.streams.after(
            position, HEARTBEAT_SECONDS, lambda seq, limit: given.story.after(seq, limit, job_id)
        )
        if heard is None:
            return None
        return Heard([e for e in heard.events if e.job_id == job_id], heard.position)

    return _stream(given.streams, _wanted(query, header), hear)


def _wanted(query: StreamQuery, header: StreamHeader) -> int | None:
    return query.after if header.last_event_id is None else header.last_event_id


def _stream(streams: Streams, wanted: int | None, hear: Hear) -> Response:
    position = streams.start(wanted)
    streams.take_seat()
    response = Response(_messages(hear, position), mimetype="text/event-stream")
    response.call_on_close(streams.leave_seat)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold it back
    return response


def _messages(hear: Hear, position: int) -> Iterator[str]:
    """The number to come back with is told at once, before anything happens."""
    yield f": the events of a reelyard farm\nid: {position}\n\n"
    while (heard := hear(position)) is not None:
        position = heard.position
        yield "".join(map(_message, heard.events)) or ": still here\n\n"


def _message(event: EventView) -> str:
    return f"id: {event.seq}\nevent: {event.type}\ndata: {event.model_dump_json()}\n\n"
