"""`reelyard watch`: one job, live, until it ends; the exit code is its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.last import LAST, resolve
from reelyard.cli.speak import say, show_json

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.resources import JobView

_ENDINGS = frozenset({"job.done", "job.failed", "job.cancelled"})


def watch(
    job: Annotated[str, typer.Argument(help="A job's id, its beginning, or @last.")] = LAST,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="How long to watch at most.")
    ] = None,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Watch a job until it ends; the exit code is its outcome.

    With --json: its whole story from the beginning, one event a line.
    """
    from reelyard.cli.following import outcome
    from reelyard.cli.watching import headline

    with connect(url, token_file) as client:
        job_id = resolve(client.url, job)
        if as_json:
            ended = _events_to_end(client, job_id, timeout)
            say(f"{ended.id} {headline(ended)}")
        else:
            ended = watch_to_end(client, job_id, timeout)
    raise typer.Exit(outcome(ended))


def watch_to_end(client: Client, job_id: str, timeout: float | None) -> JobView:
    """The job when it has ended, shown on stderr until then."""
    from reelyard.cli.following import follow
    from reelyard.cli.watching import LiveJob
    from reelyard.clock import SystemClock

    with LiveJob() as live:
        return follow(job_id, lambda: client.job(job_id), live.show, SystemClock(), timeout)


def _events_to_end(client: Client, job_id: str, timeout: float | None) -> JobView:
    """The whole story of the job, from its beginning, one event a line."""
    from reelyard.cli.exits import TimedOut
    from reelyard.cli.following import interrupted
    from reelyard.clock import SystemClock

    job = client.job(job_id)
    deadline = None if timeout is None else SystemClock().monotonic() + timeout
    try:
        for event in client.events(job.id, after=0, deadline=deadline):
            show_json(event)
            if event.type in _ENDINGS:
                return client.job(job.id)
    except KeyboardInterrupt:
        raise interrupted(job.id) from None
    raise TimedOut(
        f"{job.id} has not ended after {timeout:g} s; it goes on.",
        f"Look again with `reelyard watch {job.id}`.",
    )
