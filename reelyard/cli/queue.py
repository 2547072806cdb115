"""`reelyard queue`: what waits, in the order it will be taken, job by job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.speak import say, show_json, show_table
from reelyard.cli.when import shown_moment

if TYPE_CHECKING:
    from reelyard.queue_views import QueuedJob

_HEADS = (
    *("#", "job", "owner", "band", "priority", "waiting", "running", "done"),
    *("due by", "it waits because", "title"),
)


def queue(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many jobs at most.")] = 100,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List what waits in the order it will be taken.

    Jobs that start later, are held or paused come last, without a number.
    """
    with connect(url, token_file) as client:
        found = client.queue.list(limit)
    if as_json:
        show_json(found)
    elif not found.data:
        say("nothing waits")
    else:
        show_table(_HEADS, (_row(job) for job in found.data))
        if found.has_more:
            say(f"there are more than {limit}: see --limit")


def _row(job: QueuedJob) -> tuple[str, ...]:
    return (
        "-" if job.position is None else str(job.position),
        job.id,
        job.owner,
        f"{job.band}{_moved(job)}",
        str(job.priority),
        str(job.waiting),
        str(job.running),
        str(job.done),
        shown_moment(job.deadline) or "-",
        _because(job),
        job.title,
    )


def _moved(job: QueuedJob) -> str:
    """Somebody put it where it is."""
    return "" if job.rank == 0 else (", in front" if job.rank < 0 else ", behind")


def _because(job: QueuedJob) -> str:
    if job.held_because is not None:
        return f"held: {job.held_because}"
    if job.state == "paused":
        return "paused"
    if job.position is None and job.start_after is not None:
        return f"starts {shown_moment(job.start_after)}"
    return job.because or "the scheduler has not looked at it yet"
