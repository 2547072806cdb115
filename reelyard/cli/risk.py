"""`reelyard risk`: which deadlines will be held, and what would hold the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.exits import ExitCode
from reelyard.cli.last import resolve
from reelyard.cli.speak import say, show, show_json, show_table
from reelyard.cli.when import shown_moment

if TYPE_CHECKING:
    from reelyard.risk_views import JobRisk, RiskList

_HEADS = ("job", "due by", "verdict", "ends at about", "late by", "last part", "title")


def risk(
    job: Annotated[
        str, typer.Argument(metavar="[JOB]", help="Only this: an id, its beginning, or @last.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 when a deadline will be missed.")
    ] = False,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which deadlines will be held, and what would hold the others.

    Foreseen by playing the farm forward from now. With --check exit code 1: some job that is not
    over misses its deadline as things stand (late, overdue, stopped, impossible).
    """
    from reelyard.risk_views import MISSED

    with connect(url, token_file) as client:
        found = client.risk(resolve(client.url, job) if job else "")
    if as_json:
        show_json(found)
    else:
        _show(found, bool(job))
    if check and any(one.verdict in MISSED for one in found.data):
        raise typer.Exit(ExitCode.FAILED)


def _show(found: RiskList, is_one: bool) -> None:
    if not found.data:
        say(next(iter(found.notes), "no job that is not over has a deadline"))
        return
    if is_one:
        for one in found.data:
            _tell(one)
    else:
        show_table(_HEADS, (_row(one) for one in found.data))
        for one in found.data:
            if one.remedy is not None or one.ending is None:
                show("")
                _tell(one)
    for note in found.notes:
        say(f"note: {note}")


def _row(one: JobRisk) -> tuple[str, ...]:
    return (
        one.job_id,
        shown_moment(one.deadline),
        one.verdict,
        (shown_moment(one.ending.likely) if one.ending else "") or "-",
        _late(one),
        one.last.label if one.last else "-",
        one.title,
    )


def _late(one: JobRisk) -> str:
    from reelyard.stamps import span

    return span(one.late_seconds) if one.late_seconds and one.late_seconds > 0 else "-"


def _tell(one: JobRisk) -> None:
    """The sentences of one job."""
    show(f"{one.title}  {one.job_id}")
    estimated = " (estimated by volume)" if one.is_estimate else ""
    show(f"  {one.verdict}: {one.because}{estimated}")
    if one.remedy is not None:
        then = one.remedy.ends
        ends = f"; it would then end at about {shown_moment(then)}" if then else ""
        show(f"  {one.remedy.sentence}{ends}")
        if one.remedy.command:
            show(f"  {one.remedy.command}")
