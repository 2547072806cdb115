"""`reelyard why`: why something waits, with the answer of every device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.last import LAST, resolve
from reelyard.cli.show import find_task, is_task
from reelyard.cli.speak import show, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reelyard.resources import JobView, WhyView
from reelyard.stamps import span


def why(
    what: Annotated[
        str, typer.Argument(metavar="[JOB|TASK]", help="A job, a task, or @last.")
    ] = LAST,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Say why a job or a task waits, and what every device answers."""
    with connect(url, token_file) as client:
        asked = resolve(client.url, what)
        if is_task(asked):
            task = find_task(client, asked)
            job, answers = client.job(task.job_id), [client.why(task.id)]
        else:
            job = client.job(asked)
            answers = client.why_each(job.id).data
    if as_json:
        tasks = [answer.model_dump(mode="json") for answer in answers]
        show_json({"job": job.id, "state": job.state.value, "tasks": tasks})
        return
    if not answers:
        show(f"{job.id} is {job.state}: nothing of it waits")
    for alike in different(job, answers):
        _answer(job, alike)


def different(job: JobView, answers: Sequence[WhyView]) -> list[list[WhyView]]:
    """Answers that say the same of the same kind of task, together: hundreds may be alike."""
    kinds = {task.id: (task.kind, task.model) for task in job.task_list}
    groups: dict[object, list[WhyView]] = {}
    for answer in answers:
        groups.setdefault((kinds.get(answer.task_id), answer.because), []).append(answer)
    return list(groups.values())


def _answer(job: JobView, alike: list[WhyView]) -> None:
    answer = alike[0]
    label = next((task.label for task in job.task_list if task.id == answer.task_id), "")
    more = f" (and {len(alike) - 1} more like it)" if len(alike) > 1 else ""
    show(f"{label}{more}  {answer.task_id}")
    show(f"  {answer.state}: {answer.because or 'it is not waiting'}")
    if answer.queue_position is not None:
        show(f"  number {answer.queue_position} of those that wait for a device")
    if answer.starts_in_seconds is not None:
        soonest, latest = answer.starts_in_seconds
        show(f"  starts in {span(soonest)} to {span(latest)}, as far as can be told")
    if not answer.can_ever_run:
        show("  no device of this farm can ever run it")
    if answer.devices:
        rows = ((f"  {d.worker_id}", d.name, _verdict(d.can), d.because) for d in answer.devices)
        show_table(("  worker", "device", "can", "because"), rows)


def _verdict(can: bool) -> str:
    return "yes" if can else "no"
