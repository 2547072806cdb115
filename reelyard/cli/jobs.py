"""`reelyard jobs` and `reelyard cancel`: the list of jobs, and calling some of them off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.exits import ExitCode, code_of, code_of_many
from reelyard.cli.last import resolve
from reelyard.cli.speak import error_object, say, say_error, show, show_json, show_table
from reelyard.cli.terms import standing
from reelyard.errors import Conflict, InvalidInput, Problem, ReelyardError

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.clock import Clock
    from reelyard.resources import JobList, JobSummary

_PAGE = 200
_WATCH_SECONDS = 2.0


def jobs(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only these states; may be repeated.")
    ] = None,
    query: Annotated[str, typer.Option("--query", "-q", help="Words of the title.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again and again; a line per change in a pipe.")
    ] = False,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first.

    With --watch --json: one line per job that changed.
    """
    states = _checked(state or [])
    with connect(url, token_file) as client:
        if watch:
            _watch(client, states, query, limit, as_json)
        found = _pages(client, states, query, limit)
    if as_json:
        show_json(found)
        return
    _table(found.data)
    if found.has_more:
        say(f"there are more than {limit}: see --limit")


def cancel(
    job: Annotated[list[str], typer.Argument(help="Ids, their beginnings, or @last.")],
    because: Annotated[str, typer.Option(help="Others can read it.")] = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Call jobs off; what has ended already is skipped.

    Exit code 7: not all of them could be.
    """
    cancelled, failed, codes = [], [], []
    with connect(url, token_file) as client:
        for asked in job:
            try:
                ended = client.cancel(resolve(client.url, asked), because)
                cancelled.append(ended.id)
                codes.append(ExitCode.OK)
            except ReelyardError as wrong:
                failed.append({"job": asked, **error_object(wrong)})
                codes.append(code_of(wrong))
                if not as_json:
                    say_error(wrong, as_json=False)
    if as_json:
        show_json({"cancelled": cancelled, "failed": failed})
    else:
        _summary(cancelled, codes)
    raise typer.Exit(code_of_many(codes))


def _summary(cancelled: list[str], codes: list[ExitCode]) -> None:
    for job_id in cancelled:
        show(job_id)
    ended = codes.count(code_of(Conflict("")))
    others = len(codes) - len(cancelled) - ended
    parts = [f"{len(cancelled)} cancelled"]
    parts += [f"{ended} skipped (already ended)"] if ended else []
    parts += [f"{others} could not be"] if others else []
    say(", ".join(parts))


def _checked(states: list[str]) -> list[str]:
    from reelyard.states import JobState

    asked = [part for state in states for part in state.split(",") if part]
    known = [state.value for state in JobState]
    problems = [
        Problem("--state", "is no state of a job", name, ", ".join(known), "Choose some of those.")
        for name in asked
        if name not in known
    ]
    if problems:
        raise InvalidInput(problems)
    return asked


def _pages(client: Client, states: list[str], query: str, limit: int) -> JobList:
    """As many pages as it takes."""
    found = client.jobs(states, query, limit=min(limit, _PAGE))
    while found.has_more and found.next_cursor and len(found.data) < limit:
        left = min(limit - len(found.data), _PAGE)
        more = client.jobs(states, query, found.next_cursor, left)
        found = more.model_copy(update={"data": [*found.data, *more.data]})
    return found


def _table(found: list[JobSummary]) -> None:
    if not found:
        say("no jobs; make one with `reelyard submit FILE`")
        return
    heads = ("job", "state", "done", "scenes", "owner", "submitted", "title")
    show_table(heads, (_row(job) for job in found))


def _row(job: JobSummary) -> tuple[str, ...]:
    submitted = f"{job.created_at.astimezone():%Y-%m-%d %H:%M}"
    done = f"{job.progress:.0%}"
    return job.id, standing(job), done, str(job.scenes), job.owner, submitted, job.title


def _watch(client: Client, states: list[str], query: str, limit: int, as_json: bool) -> None:
    """Until Ctrl-C."""
    from reelyard.cli.speak import out
    from reelyard.clock import SystemClock

    console = out()
    for found, changed in _changes(client, states, query, limit, SystemClock()):
        if as_json:
            for job in changed:
                show_json(job)
        elif console.is_terminal:
            console.clear()
            _table(found.data)
        else:
            for job in changed:
                show("  ".join(_row(job)))


def _changes(
    client: Client, states: list[str], query: str, limit: int, clock: Clock
) -> Iterator[tuple[JobList, list[JobSummary]]]:
    """The list again and again, and which jobs are not as they were."""
    known: dict[str, JobSummary] = {}
    while True:
        found = _pages(client, states, query, limit)
        changed = [job for job in reversed(found.data) if known.get(job.id) != job]
        known |= {job.id: job for job in changed}
        yield found, changed
        clock.sleep(_WATCH_SECONDS)
