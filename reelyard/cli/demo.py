"""`reelyard demo`: start a farm, render a film on it, say where it lies, stop everything."""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reelyard.cli.up import StopFlag, make_farm, tell
from reelyard.clock import Clock, SystemClock
from reelyard.embedded.farm import EmbeddedFarm
from reelyard.errors import NotFound, ReelyardError
from reelyard.resources import JobView
from reelyard.states import FINAL_JOB_STATES, JobState

_LOOK_SECONDS = 0.25


def demo(
    storyboard: Annotated[Path, typer.Argument(help="What to render.")] = Path(
        "examples/lighthouse.yaml"
    ),
    out: Annotated[Path, typer.Option(help="The folder for the film.")] = Path("out"),
    state: Annotated[Path, typer.Option(help="Where the demo's farm lives.")] = Path(
        ".reelyard/demo"
    ),
) -> None:
    """Render a film on a farm of its own: nothing to set up, nothing left running."""
    if not storyboard.is_file():
        raise NotFound(f"there is no file {storyboard}.", "Run it in a checkout, or name a file.")
    clock, stop = SystemClock(), StopFlag()
    began = clock.monotonic()
    with running_farm(state, clock, stop) as farm:
        started = clock.monotonic() - began
        job, film = render(farm, storyboard, out, clock, stop)
        took = clock.monotonic() - began
    summary(job, film, started, took)


@contextmanager
def running_farm(state: Path, clock: Clock, stop: StopFlag) -> Iterator[EmbeddedFarm]:
    """A farm on free ports that is stopped whatever happens."""
    farm = make_farm(state, 0, None, clock)
    stop.listen()
    farm.start(lambda _text: None)
    tell(f"farm is up: {farm.layout.dashboard}/?token={_token(farm)}")
    try:
        yield farm
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        farm.stop()


def render(
    farm: EmbeddedFarm, storyboard: Path, out: Path, clock: Clock, stop: StopFlag
) -> tuple[JobView, Path]:
    """Submit, watch, fetch. Raises ReelyardError when the job does not end well."""
    from reelyard.cli.watching import LiveJob
    from reelyard.client import Client

    client = Client(farm.layout.api, _token(farm))
    job_id = client.submit_file(storyboard).job.id
    with LiveJob() as live:
        job = _follow(lambda: client.job(job_id), live.show, farm, clock, stop)
    if job.state is not JobState.DONE:
        raise ReelyardError(f"the film was not made: {job.failure or job.state}.")
    return job, client.fetch_film(job_id, out / f"{storyboard.stem}.mp4")


def _follow(
    look: Callable[[], JobView],
    show: Callable[[JobView], None],
    farm: EmbeddedFarm,
    clock: Clock,
    stop: StopFlag,
) -> JobView:
    job = look()

    def unfinished() -> bool:
        nonlocal job
        job = look()
        show(job)
        clock.sleep(_LOOK_SECONDS)
        return job.state not in FINAL_JOB_STATES and not stop.raised

    farm.watch(unfinished, tell)
    return job


def summary(job: JobView, film: Path, started: float, took: float) -> None:
    """Where the film is, and how long each part took."""
    spent: dict[str, float] = defaultdict(float)
    for task in job.task_list:
        for attempt in task.attempts:
            spent["loading models"] += attempt.load_seconds or 0.0
            spent[task.kind.value] += attempt.run_seconds or 0.0
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("starting the farm", f"{started:6.1f} s")
    for part, seconds in spent.items():
        table.add_row(part, f"{seconds:6.1f} s")
    table.add_row("everything", f"{took:6.1f} s")
    console = Console(stderr=False)
    console.print(table)
    length = f"{job.film.seconds:.1f} s of film" if job.film else "the film"
    console.print(f"\n{length}: [bold]{film}[/] (subtitles and poster beside it)", soft_wrap=True)


def _token(farm: EmbeddedFarm) -> str:
    return farm.layout.token_file.read_text(encoding="utf-8").strip()
