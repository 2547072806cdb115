"""A job as it goes on, on stderr: a live picture on a terminal, a line per change otherwise.

Only draws what it is shown; asks nobody anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reelyard.cli.speak import err
from reelyard.states import FINAL_JOB_STATES, TaskState

if TYPE_CHECKING:
    from reelyard.resources import JobView, TaskView

_PASSING = re.compile(r"(waits for|is busy with) .*|\d+(?:\.\d+)?")
_BAR_WIDTH = 20
_LINES_AROUND = 4
_STYLES = {
    "done": "green",
    "running": "cyan",
    "assigned": "cyan",
    "failed": "bold red",
    "cancelled": "yellow",
    "paused": "yellow",
}
_INTEREST = {
    TaskState.FAILED: 0,
    TaskState.RUNNING: 1,
    TaskState.ASSIGNED: 2,
    TaskState.WAITING: 3,
    TaskState.DONE: 4,
    TaskState.CANCELLED: 5,
}


class LiveJob:
    """Shows a job again and again until the block ends."""

    def __init__(self) -> None:
        self._console = err()
        self._live: Live | None = None
        self._told: dict[str, str] = {}

    def __enter__(self) -> LiveJob:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, wrong, trace)

    def show(self, job: JobView) -> None:
        """How it stands now."""
        if self._live is not None:
            self._live.update(picture(job, self._console.height - _LINES_AROUND), refresh=True)
            return
        for line in self._changes(job):
            self._console.print(Text(line), soft_wrap=True)

    def say(self, text: str) -> None:
        """A line above the picture."""
        self._console.print(Text(text), soft_wrap=True)

    def _changes(self, job: JobView) -> Iterator[str]:
        for task in job.task_list:
            has_said = task.because or task.state is not TaskState.WAITING
            if has_said and self._is_news(task.id, _gist(task)):
                yield f"{job.id}  {task.label}: {task_line(task)}"
        for warning in job.warnings:
            if self._is_news(f"warning {warning}", warning):
                yield f"{job.id}  warning: {warning}"
        if self._is_news(job.id, job.state):
            yield f"{job.id}  {headline(job)}"

    def _is_news(self, about: str, gist: str) -> bool:
        if self._told.get(about) == gist:
            return False
        self._told[about] = gist
        return True


def picture(job: JobView, rows: int) -> RenderableType:
    """Title, a bar per task, and what was left out for want of rows."""
    tasks = pick(job.task_list, max(rows, 3))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, min_width=max((len(task.label) for task in tasks), default=0))
    table.add_column(min_width=_BAR_WIDTH)
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for task in tasks:
        style = _STYLES.get(task.state, "")
        bar = ProgressBar(total=1.0, completed=task.progress, width=_BAR_WIDTH)
        table.add_row(Text(task.label, style=style), bar, Text(task_line(task), style=style))
    parts: list[RenderableType] = [Text(f"{job.title}  {job.id}  {headline(job)}", "bold"), table]
    if left_out := len(job.task_list) - len(tasks):
        parts.append(Text(f"and {left_out} more tasks", style="dim"))
    parts += [Text(f"warning: {warning}", style="yellow") for warning in job.warnings]
    return Group(*parts)


def pick(tasks: Sequence[TaskView], rows: int) -> list[TaskView]:
    """The tasks that fit, what is under way first, in their own order."""
    if len(tasks) <= rows:
        return list(tasks)
    kept = sorted(range(len(tasks)), key=lambda index: (_INTEREST[tasks[index].state], index))
    return [tasks[index] for index in sorted(kept[:rows])]


def headline(job: JobView) -> str:
    """`running, 42 %, 3 of 11 tasks done` or how it ended."""
    if job.state in FINAL_JOB_STATES:
        return f"{job.state}: {job.failure}" if job.failure else str(job.state)
    done = sum(task.state is TaskState.DONE for task in job.task_list)
    return f"{job.state}, {job.progress:.0%}, {done} of {len(job.task_list)} tasks done"


def task_line(task: TaskView) -> str:
    """What one task does or waits for."""
    if task.state is TaskState.RUNNING:
        step = f"step {task.step}/{task.steps}" if task.steps else ""
        where = f"on {task.worker_id}" if task.worker_id else ""
        return " ".join(part for part in ("running", step, task.phase, where) if part)
    if task.state is TaskState.DONE:
        tries = f", {len(task.attempts)} tries" if len(task.attempts) > 1 else ""
        return f"done in {task.seconds:.1f} s{tries}" if task.seconds is not None else "done"
    return f"{task.state}: {task.because}" if task.because else str(task.state)


def _gist(task: TaskView) -> str:
    """What makes a change worth a line: the state, where, and the kind of reason, but not what it
    waits for just now."""
    because = _PASSING.sub(r"\1", task.because)
    reason = because if task.state is TaskState.WAITING else ""
    return f"{task.state} {task.worker_id} {len(task.attempts)} {reason}"
