"""A job as it goes on: what the picture shows, what is left out for want of rows, the lines of a
pipe."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from reelyard.cli.watching import headline, pick, picture, task_line
from reelyard.resources import JobView, TaskView
from tests.support.farm_on_paper import job, task


def view(*tasks: dict[str, Any], **fields: Any) -> JobView:
    return JobView.model_validate(job(task_list=list(tasks), **fields))


def drawn(shown: JobView, width: int = 100, rows: int = 30) -> list[str]:
    console = Console(force_terminal=True, width=width, color_system=None)
    with console.capture() as captured:
        console.print(picture(shown, rows))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [60, 100, 200])
def test_labels_and_bars_are_whole_at_every_width(width: int) -> None:
    waits = task("s02.video1", label="Scene 2 - picture", because="needs 31.2 GiB " * 20)
    runs = {"state": "running", "phase": "denoise", "step": 14, "steps": 30, "progress": 0.5}
    lines = drawn(view(waits, task("s01.video1", label="Scene 1 - picture", **runs)), width)
    assert lines[1].startswith("Scene 2 - picture ")
    assert lines[1].rstrip().endswith("…")
    assert "━" in lines[2] and "step 14/30" in lines[2]
    assert all(len(line) <= width for line in lines)


def test_what_is_under_way_comes_first_when_rows_are_few() -> None:
    states = ["done", "waiting", "running", "waiting", "failed", "done"]
    tasks = [TaskView.model_validate(task(f"t{n}", state=s)) for n, s in enumerate(states)]
    assert [each.role for each in pick(tasks, 3)] == ["t1", "t2", "t4"]
    assert pick(tasks, 6) == tasks
    shown = view(*[task(f"t{n}") for n in range(40)])
    assert drawn(shown, rows=8)[-1].strip() == "and 32 more tasks"


def test_a_headline_says_how_far_or_how_it_ended() -> None:
    some = view(task("a", state="done"), task("b"), state="running", progress=0.425)
    assert headline(some) == "running, 42%, 1 of 2 tasks done"
    assert headline(view(state="done")) == "done"
    assert headline(view(state="failed", failure="out of memory")) == "failed: out of memory"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"because": "no device is free"}, "waiting: no device is free"),
        ({"state": "running", "phase": "load", "worker_id": "w"}, "running load on w"),
        ({"state": "running", "phase": "x", "step": 1, "steps": 9}, "running step 1/9 x"),
        ({"state": "running"}, "running"),
        ({"state": "done", "seconds": 1.25}, "done in 1.2 s"),
        ({"state": "failed", "because": "too large"}, "failed: too large"),
    ],
)  # fmt: skip
def test_a_task_in_one_line(fields: dict[str, Any], said: str) -> None:
    assert task_line(TaskView.model_validate(task("a", **fields))) == said


def test_warnings_and_titles_are_text_not_markup() -> None:
    lines = drawn(view(title="[red]x[/nonsense]", warnings=["[bold]w"]))
    assert lines[0].startswith("[red]x[/nonsense]")
    assert lines[-1] == "warning: [bold]w"
