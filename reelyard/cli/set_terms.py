"""`reelyard set`: changes a job's priority, band, times, pools or tags, and shows what is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.last import resolve
from reelyard.cli.speak import show, show_json
from reelyard.cli.terms import After, By, Pools, Tags, lines, moments
from reelyard.states import Band

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reelyard.client import Client
    from reelyard.resources import JobSummary

_NEVER, _NOW, _ANY = "never", "now", "any"


def set_terms(
    job: Annotated[str, typer.Argument(help="An id, its beginning, or @last.")],
    priority: Annotated[
        int | None, typer.Option(min=0, max=100, help="Within a band, higher goes first.")
    ] = None,
    band: Annotated[
        Band | None, typer.Option("--band", help="A band is served before the next.")
    ] = None,
    by: By = "",
    after: After = "",
    pool: Pools = None,
    tag: Tags = None,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Change what was asked of a job, or see it when nothing is to be changed.

    --by never, --after now, --pool any and --tag any take away what was asked.
    """
    changes = _times(by, after)
    changes |= {} if priority is None else {"priority": priority}
    changes |= {} if band is None else {"band": band.value}
    for name, given in (("pools", pool), ("tags", tag)):
        changes |= {} if given is None else {name: _names(given)}
    with connect(url, token_file) as client:
        asked = resolve(client.url, job)
        found = client.queue.change(asked, changes) if changes else summary(client, asked)
    if as_json:
        show_json(found)
    else:
        _tell(found)


def summary(client: Client, job_id: str) -> JobSummary:
    """The job without all that belongs to it."""
    from reelyard.resources import JobSummary

    return JobSummary.model_validate(client.job(job_id).model_dump())


def _times(by: str, after: str) -> dict[str, Any]:
    asked = {"--by": "" if by == _NEVER else by, "--after": "" if after == _NOW else after}
    deadline, start_after = moments(asked)
    changes: dict[str, Any] = {"deadline": deadline} if by else {}
    return changes | ({"start_after": start_after} if after else {})


def _names(given: Sequence[str]) -> list[str]:
    return [] if list(given) == [_ANY] else list(given)


def _tell(job: JobSummary) -> None:
    show(f"{job.title}  {job.id}")
    for name, value in lines(job):
        show(f"  {name:<10} {value}")
