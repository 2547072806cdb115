"""`reelyard history`: what the farm has done, as a workload for `reelyard simulate`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.speak import say, show, show_json
from reelyard.errors import InvalidInput, NotFound, Problem

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.clock import Clock
    from reelyard.history_views import RecordedTask

_AGO = re.compile(r"(?:\d{1,5}[dhm])+", re.ASCII)


def history(
    as_workload: Annotated[
        Path, typer.Option("--as-workload", metavar="FILE", help="Write the finished tasks there.")
    ],
    since: Annotated[
        str,
        typer.Option(metavar="WHEN", help="Only what ended since: 7d, 12h or 2026-11-27 07:00."),
    ] = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Write what the farm has done as a workload that `reelyard simulate` plays again."""
    from reelyard.clock import SystemClock

    begin = since_moment(since, SystemClock()) if since else 0.0
    with connect(url, token_file) as client:
        found, left_out = _all(client, begin)
    if not found:
        raise NotFound("No finished task is known of that time.", "Give an earlier --since.")
    first = min(task.at for task in found)
    lines = [json.dumps(line(task, first), ensure_ascii=False) for task in _by_arrival(found)]
    as_workload.write_text("\n".join(lines) + "\n", encoding="utf-8")
    types = sorted({name for task in found for name in task.seconds})
    if left_out:
        say(f"left out: {left_out} that nobody measured on a device of a known type", "yellow")
    if as_json:
        about = {"file": str(as_workload), "tasks": len(found), "left_out": left_out}
        show_json({**about, "starts": first, "types": types})
    else:
        many = "1 task" if len(found) == 1 else f"{len(found):,} tasks"
        show(f"{many} written to {as_workload}; types of devices: {', '.join(types)}")


def since_moment(text: str, clock: Clock, environment: dict[str, str] | None = None) -> float:
    """`7d`, `12h`: so long ago; else a moment as for other commands. Raises InvalidInput."""
    from reelyard.cli.when import zone_name
    from reelyard.rules.moment import moment

    now = clock.now()
    if _AGO.fullmatch(text.strip()):
        return max(0.0, 2 * now - moment(f"+{text.strip()}", now, field="--since"))
    zone = zone_name(dict(os.environ) if environment is None else environment)
    found = moment(text, now, zone, "--since")
    if found > now:
        said, remedy = "is not over yet", "Give a day with its date, or 7d for a week ago."
        raise InvalidInput([Problem("--since", said, text, remedy=remedy)])
    return found


def line(task: RecordedTask, first: float) -> dict[str, Any]:
    """A workload's line. Times are counted from `first`; what is usual is left out."""
    usual = {"gang": 1, "priority": 50, "band": "normal"}
    said = {
        "at": round(task.at - first, 3),
        **task.model_dump(exclude={"at", "ended_at", "deadline"}),
    }
    if task.deadline is not None and task.deadline >= first:
        said["deadline"] = round(task.deadline - first, 3)
    return {name: value for name, value in said.items() if usual.get(name) != value}


def _all(client: Client, since: float) -> tuple[list[RecordedTask], int]:
    """Every page."""
    found: list[RecordedTask] = []
    left_out, after = 0, None
    while True:
        page = client.recorded_tasks(since, after)
        found += page.data
        left_out += page.left_out
        if not page.has_more:
            return found, left_out
        after = page.next_cursor


def _by_arrival(found: list[RecordedTask]) -> list[RecordedTask]:
    return sorted(found, key=lambda task: (task.at, task.id))
