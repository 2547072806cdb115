"""`reelyard demo`: start a farm, render a film on it, say where it lies, stop everything."""

from __future__ import annotations

import contextlib
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson
from reelyard.cli.exits import Interrupted
from reelyard.cli.speak import out as stdout
from reelyard.cli.speak import show_json
from reelyard.cli.up import StopFlag, make_farm, tell
from reelyard.clock import Clock, SystemClock
from reelyard.errors import InvalidInput, ReelyardError, Unreachable
from reelyard.states import FINAL_JOB_STATES, JobState

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.embedded.farm import EmbeddedFarm
    from reelyard.resources import JobView

_LOOK_SECONDS = 0.25


def demo(
    storyboard: Annotated[Path, typer.Argument(help="What to render.")] = Path(
        "examples/lighthouse.yaml"
    ),
    out: Annotated[Path, typer.Option(help="The folder for the film.")] = Path("out"),
    state: Annotated[Path, typer.Option(help="Where the demo's farm lives.")] = Path(
        ".reelyard/demo"
    ),
    as_json: AsJson = False,
) -> None:
    """Render a film on a farm that comes and goes with it."""
    _refuse_early(storyboard)
    clock, stop = SystemClock(), StopFlag()
    began = clock.monotonic()
    with running_farm(state, clock, stop) as farm:
        started = clock.monotonic() - began
        job, film = render(farm, storyboard, out, clock, stop)
        took = clock.monotonic() - began
    spent = {"starting the farm": started, **times(job), "everything": took}
    if as_json:
        show_json({"job": job.id, "film": str(film), "seconds": spent})
    else:
        summary(job, film, spent)


def _refuse_early(storyboard: Path) -> None:
    """What is wrong with the script is said before a farm is started for it."""
    from reelyard.catalog import load_catalog
    from reelyard.cli.validate import examine
    from reelyard.settings import read_settings

    settings = read_settings()
    findings = examine(str(storyboard), load_catalog(settings.catalog_file), settings)[1]
    if findings.problems:
        raise InvalidInput(findings.problems)


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
    from reelyard.client import Client

    with Client(farm.layout.api, _token(farm)) as client:
        job_id = client.submit_file(storyboard).job.id
        job = _follow(client, job_id, farm, clock, stop)
        if job.state is not JobState.DONE:
            raise ReelyardError(f"the film was not made: {job.failure or job.state}.")
        return job, client.fetch_film(job_id, out / f"{storyboard.stem}.mp4")


def _follow(
    client: Client, job_id: str, farm: EmbeddedFarm, clock: Clock, stop: StopFlag
) -> JobView:
    """The job when it has ended; the farm's processes are kept alive meanwhile."""
    from reelyard.cli.watching import LiveJob

    job = client.job(job_id)

    def unfinished() -> bool:
        nonlocal job
        with contextlib.suppress(Unreachable):  # an API that dies is started again
            job = client.job(job_id)
        live.show(job)
        clock.sleep(_LOOK_SECONDS)
        return job.state not in FINAL_JOB_STATES and not stop.raised

    with LiveJob() as live:
        farm.watch(unfinished, live.say)
    if stop.raised and job.state not in FINAL_JOB_STATES:
        with contextlib.suppress(ReelyardError):  # or it would be in the way of the next demo
            client.cancel(job_id, "the demo was stopped")
        raise Interrupted("you stopped the demo; nothing is left running.", "")
    return job


def times(job: JobView) -> dict[str, float]:
    """How long each kind of work took, in seconds."""
    spent: dict[str, float] = defaultdict(float)
    for task in job.task_list:
        for attempt in task.attempts:
            spent["loading models"] += attempt.load_seconds or 0.0
            spent[task.kind.value] += attempt.run_seconds or 0.0
    return dict(spent)


def summary(job: JobView, film: Path, spent: dict[str, float]) -> None:
    """Where the film is, and how long each part took."""
    console = stdout()
    for part, seconds in spent.items():
        console.print(f"{part:<18} {seconds:6.1f} s")
    length = f"{job.film.seconds:.1f} s of film" if job.film else "the film"
    console.print(f"\n{length}: {film} (subtitles and poster beside it)", soft_wrap=True)


def _token(farm: EmbeddedFarm) -> str:
    return farm.layout.token_file.read_text(encoding="utf-8").strip()
