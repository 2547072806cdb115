"""What commands take and say about when, how urgent and where: one spelling for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.when import read_moment, shown_moment
from reelyard.errors import InvalidInput, Problem
from reelyard.states import FINAL_JOB_STATES, Band

if TYPE_CHECKING:
    from reelyard.resources import JobSummary
    from reelyard.terms import Terms

_WHEN = "tomorrow 07:00, Fri 18:00, +8h, 2026-11-27 07:00"

By = Annotated[str, typer.Option("--by", metavar="WHEN", help=f"When it should be done: {_WHEN}.")]
After = Annotated[
    str, typer.Option("--after", metavar="WHEN", help="Start nothing of it before; as with --by.")
]
Pools = Annotated[
    list[str] | None,
    typer.Option("--pool", metavar="NAME", help="Only on devices of this pool, or another named."),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="NAME", help="Only on workers that have this tag, and others."),
]
HowUrgent = Annotated[Band, typer.Option("--band", help="A band is served before the next.")]


def terms_of(
    band: Band,
    by: str,
    after: str,
    pools: Sequence[str] | None,
    tags: Sequence[str] | None,
    hold: bool = False,
    because: str = "",
) -> Terms:
    """What was asked for. Raises InvalidInput with every moment that is none."""
    from reelyard.terms import Terms

    if because and not hold:
        problem = Problem("--because", "goes with --hold only", because[:80], "", "Give both.")
        raise InvalidInput([problem])
    deadline, start_after = moments({"--by": by, "--after": after})
    held = because if hold else None
    return Terms(band, deadline, start_after, held, tuple(pools or ()), tuple(tags or ()))


def moments(asked: dict[str, str]) -> list[float | None]:
    """Each text by its flag as a moment; an empty one is None. Raises InvalidInput with all that
    are none."""
    found, problems = list[float | None](), list[Problem]()
    for flag, text in asked.items():
        try:
            found.append(read_moment(text, flag) if text else None)
        except InvalidInput as wrong:
            problems += wrong.problems
    if problems:
        raise InvalidInput(problems)
    return found


def standing(job: JobSummary) -> str:
    """`queued`, and what keeps it: `queued, held`, `queued, starts Fri 27 Nov 2026 22:00 CET`."""
    if job.state in FINAL_JOB_STATES:
        return str(job.state)
    if job.held_because is not None:
        return f"{job.state}, held"
    if job.start_after is not None and job.started_at is None:
        return f"{job.state}, starts {shown_moment(job.start_after)}"
    return str(job.state)


def asked(job: JobSummary) -> str:
    """What is not usual, on one line: `band batch; held: the client looks first`."""
    usual = {"band": "normal", "due by": "never", "not before": "now", "held": "no"}
    usual |= {"priority": str(job.priority), "pools": "any", "tags": "any"}
    return "; ".join(f"{name} {value}" for name, value in lines(job) if usual[name] != value)


def lines(job: JobSummary) -> Iterator[tuple[str, str]]:
    """Everything that was asked of a job's turn, as it is now."""
    yield "priority", str(job.priority)
    yield "band", str(job.band)
    yield "due by", shown_moment(job.deadline) or "never"
    yield "not before", shown_moment(job.start_after) or "now"
    yield "pools", ", ".join(job.pools) or "any"
    yield "tags", ", ".join(job.tags) or "any"
    yield "held", "no" if job.held_because is None else job.held_because
