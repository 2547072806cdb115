"""Does the predictor agree with runs of our own, once it has learned from others?

    python -m bench.own_runs [NAME ...]

Renders clips on the CPU, each in a process of its own, learns from the first two as a farm would
and prints what it then says of a third, larger clip: the growth of resident memory at the peak, and
seconds, against what was measured. A NAME is the model that ships with Reelyard, or a tiny pipeline
of random weights through the real classes, which is measured on the meta device first, as
`reelyard models add` does.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelyard.catalog import Catalog, load_catalog
from reelyard.plan import Plan
from reelyard.predict.forecast import Circumstances, forecast, key_of
from reelyard.predict.lessons import Lesson, Lessons, Seen, gathered, learn
from reelyard.predict.memory import footprint
from reelyard.predict.shape import Shape
from reelyard.predict.subject import Subject, subject

DEMO = "reelyard-demo"
NAMES = (DEMO, "cogvideox")
DEMO_FOLDER = Path(__file__).parent.parent / "worker" / "models" / DEMO
TIMES = 2
MIB = 1024.0**2
_STEADY = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
}
"""One thread, and tensors that go back to the system when they die: what is resident is what lives,
and a busy machine changes less."""
_PLAN = Plan()


@dataclass(frozen=True, slots=True)
class Clips:
    """Sizes to learn from and to ask about, frames and steps."""

    taught: tuple[tuple[int, int], ...]
    asked: tuple[int, int]
    frames: int
    steps: int


def clips_of(name: str) -> Clips:
    """What this machine renders in seconds, and is large beside what a process needs anyway."""
    if name == DEMO:
        return Clips(((384, 256), (448, 256)), (512, 320), 97, 10)
    return Clips(((128, 128), (192, 128)), (192, 192), 17, 3)


@dataclass(frozen=True, slots=True)
class Run:
    """One clip, as measured: growth in bytes, seconds."""

    growth: float
    seconds: float


def of(family: str, folder: Path) -> Catalog:
    """A catalog with the family's entry, measured from its folder."""
    if family == DEMO:
        return load_catalog()
    file = folder / f"{family}.toml"
    command = [sys.executable, "-m", "worker.cli", "measure", str(folder / family)]
    made = subprocess.run(
        [*command, "--id", family, "--no-tiles"], capture_output=True, text=True, check=True
    )
    file.write_text(made.stdout, encoding="utf-8")
    return load_catalog(file)


def asked(catalog: Catalog, family: str, size: tuple[int, int]) -> Subject:
    """A clip of this size on the CPU."""
    model = catalog.models[family]
    clips = clips_of(family)
    frames = model.frames_for(clips.frames)
    shape = Shape(*size, frames, clips.steps, guided=model.guidance > 1)
    return subject(model, catalog, shape, catalog.devices["cpu"])


def activations(one: Subject) -> float:
    """Predicted bytes beyond what is held already."""
    return max(stage.activations_gib for stage in footprint(one, _PLAN).stages) * 1024.0**3


def rendered(one: Subject, folder: Path) -> Run:
    """The clip in a process of its own, so that nothing is left from another."""
    shape = one.shape
    numbers = [str(n) for n in (shape.width, shape.height, shape.frames, shape.steps)]
    name = one.model.id
    place = [str(folder / name), str(folder / f"{name}.toml"), name]
    if name == DEMO:
        place = [str(DEMO_FOLDER), "", name]
    command = [sys.executable, "-m", "bench.own_runs", "--render", *place, *numbers]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | _STEADY
    ).stdout
    found = json.loads(said.splitlines()[-1])
    return Run(found["growth"], found["seconds"])


def render(folder: str, file: str, name: str, numbers: Sequence[int]) -> Run:
    """Load, one small clip to warm up, then the clip: its growth over what was held before, and
    the least of its times."""
    from reelyard.task import VideoWork
    from worker.engines.video.render import Visit, load_engine

    model = load_catalog(Path(file) if file else None).models[name]
    engine = load_engine(model, folder, "cpu", False, _PLAN)
    engine.follow(_PLAN)

    def clip(width: int, height: int, frames: int, steps: int) -> float:
        began = time.perf_counter()
        work = VideoWork(
            model=name, prompt="a red circle", width=width, height=height, fps=8,
            frames=frames, steps=steps, guidance=model.guidance, seed=1,
        )  # fmt: skip
        engine.render(work, work.prompt, None, Visit(lambda *_: None))
        return time.perf_counter() - began

    side = model.size_multiple
    clip(2 * side, 2 * side, model.frames_for(1), 1)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before = _resident("VmRSS")
    seconds = [clip(*numbers) for _ in range(TIMES)]
    return Run(_resident("VmHWM") - before, min(seconds))


def _resident(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return float(line.split()[1]) * 1024


def taught(catalog: Catalog, family: str, folder: Path) -> tuple[Lesson, Lessons]:
    """What the first clips teach."""
    sizes = clips_of(family).taught
    lesson = Lesson(key_of(asked(catalog, family, sizes[0]), _PLAN))
    for size in sizes:
        one = asked(catalog, family, size)
        run, law = rendered(one, folder), forecast(one, _PLAN).seconds
        seen = Seen(memory=run.growth / activations(one), seconds=run.seconds / (law or 1.0))
        lesson = learn(lesson, seen)
    return lesson, gathered([lesson])


def row(family: str, folder: Path) -> tuple[str, float, float]:
    """The line to print, and the two errors."""
    catalog = of(family, folder)
    lesson, lessons = taught(catalog, family, folder)
    one = asked(catalog, family, clips_of(family).asked)
    run = rendered(one, folder)
    growth = activations(one) * lesson.memory
    seconds = (forecast(one, _PLAN).seconds or 0.0) * lesson.seconds
    guess = forecast(one, _PLAN, Circumstances(lessons=lessons)).seconds or 0.0
    memory_off, time_off = growth / run.growth - 1, seconds / run.seconds - 1
    return (
        f"{family:13s} {run.growth / MIB:8.0f} {growth / MIB:9.0f} {memory_off:+8.1%}"
        f" {run.seconds:9.2f} {seconds:9.2f} {time_off:+8.1%}"
        f"   after two runs it says {guess:.2f} s (law x{lesson.seconds:.2f})",
        memory_off,
        time_off,
    )


@contextlib.contextmanager
def made(families: Sequence[str]) -> Iterator[Path]:
    """A folder with the families' pipelines."""
    from tests.support.tiny_pipelines import make

    with tempfile.TemporaryDirectory() as folder:
        for family in families:
            if family == DEMO:
                continue
            make(family, Path(folder))
        yield Path(folder)


def main(arguments: Sequence[str]) -> int:
    """0 when every clip is within 20 %."""
    if arguments[:1] == ["--render"]:
        folder, file, name, *numbers = arguments[1:]
        run = render(folder, file, name, [int(n) for n in numbers])
        print(json.dumps({"growth": run.growth, "seconds": run.seconds}))
        return 0
    print("model         MiB grown predicted    error   seconds predicted    error")
    worst = 0.0
    with made(arguments or NAMES) as folder:
        for family in arguments or NAMES:
            line, memory_off, time_off = row(family, folder)
            print(line, flush=True)
            worst = max(worst, abs(memory_off), abs(time_off))
    return 0 if worst <= 0.2 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
