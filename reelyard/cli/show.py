"""`reelyard show`: a job with its tasks, reasons, notes and files; or one task with its tries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.last import LAST, resolve
from reelyard.cli.speak import show as show_line
from reelyard.cli.speak import show_json, show_table

if TYPE_CHECKING:
    from reelyard.artifact import Artifact
    from reelyard.client import Client
    from reelyard.resources import JobView, TaskView


def show(
    job: Annotated[
        str, typer.Argument(help="A job or a task: id, its beginning, or @last.")
    ] = LAST,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a job or a task: reasons, notes, warnings, files."""
    with connect(url, token_file) as client:
        asked = resolve(client.url, job)
        found = find_task(client, asked) if is_task(asked) else client.job(asked)
    if as_json:
        show_json(found)
    elif is_task(asked):
        _task(found)  # type: ignore[arg-type]
    else:
        _job(found)  # type: ignore[arg-type]


def is_task(text: str) -> bool:
    """Task ids have a dot: `job-7k3m9x2qab.s01.voice`."""
    return "." in text


def find_task(client: Client, text: str) -> TaskView:
    """A task by its id or its beginning; the job's part may be short too. Raises NotFound."""
    from reelyard.errors import NotFound

    beginning, _, rest = text.partition(".")
    job = client.job(beginning)
    wanted = f"{job.id}.{rest}"
    fitting = [task for task in job.task_list if task.id.startswith(wanted)]
    exact = [task for task in fitting if task.id == wanted]
    if len(exact or fitting) == 1:
        return client.task((exact or fitting)[0].id)
    listed = ", ".join(task.id for task in (fitting or job.task_list)[:6])
    which = "more than one task" if fitting else "no task"
    raise NotFound(f"{text!r} is {which} of {job.id}.", f"There are: {listed}.")


def _job(job: JobView) -> None:
    from reelyard.cli.terms import asked
    from reelyard.cli.watching import headline, task_line

    show_line(f"{job.title}  {job.id}")
    show_line(f"{headline(job)}; of {job.owner}, priority {job.priority}, {when(job)}")
    if said := asked(job):
        show_line(said)
    for warning in job.warnings:
        show_line(f"warning: {warning}")
    show_line("")
    show_table(
        ("task", "what", "how it stands"),
        ((task.id, task.label, task_line(task)) for task in job.task_list),
    )
    notes = [f"{task.label}: {note}" for task in job.task_list for note in task.notes]
    for note in notes:
        show_line(f"note: {note}")
    _files(job)


def _files(job: JobView) -> None:
    film = job.film
    made = [] if film is None else [film.film, film.poster, film.sheet, film.subtitles]
    files = [file for file in made if file is not None]
    files += [file for task in job.task_list for file in task.artifacts if file not in files]
    if files:
        show_line("")
        show_table(("file", "bytes", "sha256"), (_file(file) for file in files))


def _file(file: Artifact) -> tuple[str, str, str]:
    return file.name, str(file.size_bytes), file.sha256


def _task(task: TaskView) -> None:
    from reelyard.cli.watching import task_line

    show_line(f"{task.label}  {task.id}")
    show_line(task_line(task))
    if task.because:
        show_line(f"because: {task.because}")
    for attempt in task.attempts:
        peak = f", peak {attempt.peak_gib:.2f} GiB" if attempt.peak_gib is not None else ""
        ran = f", ran {attempt.run_seconds:.1f} s" if attempt.run_seconds is not None else ""
        show_line(
            f"try {attempt.number}: {attempt.state} on {attempt.device_id}{ran}{peak}; "
            f"{attempt.failure or attempt.because}"
        )
    for note in task.notes:
        show_line(f"note: {note}")
    if task.artifacts:
        show_table(("file", "bytes", "sha256"), (_file(file) for file in task.artifacts))


def when(job: JobView) -> str:
    """When it came, in this machine's zone."""
    return f"submitted {job.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
