"""`reelyard hold`, `release`, `pause`, `resume`, `jump`: whether jobs have their turn, and when.

Several jobs may be named; what cannot be done for one is said and keeps nobody else from it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.exits import ExitCode, code_of, code_of_many
from reelyard.cli.last import resolve
from reelyard.cli.speak import error_object, say, say_error, show, show_json
from reelyard.errors import ReelyardError

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.resources import JobSummary

Jobs = Annotated[list[str], typer.Argument(help="Ids, their beginnings, or @last.")]
Because = Annotated[str, typer.Option(help="Others can read it.")]


def hold(
    job: Jobs,
    because: Because = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold jobs: nothing new of them is started until they are released."""
    each(job, "held", lambda client, one: client.queue.hold(one, because), url, token_file, as_json)


def release(
    job: Jobs,
    because: Because = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Release jobs that are held."""
    each(
        job,
        "released",
        lambda client, one: client.queue.release(one, because),
        url,
        token_file,
        as_json,
    )


def pause(
    job: Jobs,
    because: Because = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Pause jobs: what runs is finished, nothing new is started."""
    each(
        job,
        "paused",
        lambda client, one: client.queue.pause(one, because),
        url,
        token_file,
        as_json,
    )


def resume(
    job: Jobs,
    because: Because = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let paused jobs go on."""
    each(
        job,
        "resumed",
        lambda client, one: client.queue.resume(one, because),
        url,
        token_file,
        as_json,
    )


def jump(
    job: Jobs,
    behind: Annotated[bool, typer.Option("--behind", help="Behind it instead.")] = False,
    because: Because = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Put jobs in front of their band, the first one named foremost."""

    def move(client: Client, one: str) -> JobSummary:
        queue = client.queue
        return queue.put_behind(one, because) if behind else queue.jump(one, because)

    where = "put behind their band" if behind else "put in front of their band"
    each(job if behind else job[::-1], where, move, url, token_file, as_json)


def each(
    jobs: list[str],
    done: str,
    change: Callable[[Client, str], JobSummary],
    url: str,
    token_file: Path | None,
    as_json: bool,
) -> None:
    """Do it to each job; prints their ids, or them as they are then. Exit code 7: not all could
    be."""
    changed: list[JobSummary] = []
    failed, codes = list[dict[str, object]](), list[ExitCode]()
    with connect(url, token_file) as client:
        for asked in jobs:
            try:
                changed.append(change(client, resolve(client.url, asked)))
                codes.append(ExitCode.OK)
            except ReelyardError as wrong:
                failed.append({"job": asked, **error_object(wrong)})
                codes.append(code_of(wrong))
                if not as_json:
                    say_error(wrong, as_json=False)
    if as_json:
        show_json({"jobs": [one.model_dump(mode="json") for one in changed], "failed": failed})
    else:
        _summary(changed, done, len(failed))
    raise typer.Exit(code_of_many(codes))


def _summary(changed: list[JobSummary], done: str, failed: int) -> None:
    for job in changed:
        show(job.id)
    count = "1 job" if len(changed) == 1 else f"{len(changed)} jobs"
    said = [f"{count} {done}"] if changed else []
    said += [f"{failed} could not be"] if failed else []
    say(", ".join(said))
