"""Do picture and sound agree at every cut of a finished film?

    python -m bench.sync [--scenes 24] [--fps 7 12 16 24 25 30]

Composes films of marked scenes of odd lengths (a flash on every scene's first picture, a click on
its line's first sample) by the ordinary compose step, decodes them and compares. Prints one JSON
object per frame rate; the exit code is 1 if any flash or click is not where it belongs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from reelyard.task import ComposeWork, FilmScene
from tests.support.desk import PlainDesk, plain_desk
from tests.support.films import Decoded, decode
from tests.support.marked import HEIGHT, WIDTH, clicks, is_flash, marked_clip, marked_voice
from worker.steps import compose

_VOICE_RATES = (16_000, 22_050, 24_000, 44_100, 48_000)
_SHORTEST, _LONGEST = 0.7, 3.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was found in one film."""

    fps: int
    scenes: int
    seconds: float
    flashes_off_their_frame: int
    worst_click_samples: int
    sound_seconds_too_many: float
    lufs: float | None
    true_peak_db: float | None
    compose_seconds: float

    @property
    def holds(self) -> bool:
        """Nothing is anywhere else than it should be."""
        exact = self.flashes_off_their_frame == self.worst_click_samples == 0
        return exact and self.sound_seconds_too_many == 0


def a_film(desk: PlainDesk, fps: int, count: int) -> ComposeWork:
    """Scenes of odd lengths, each filled to its last sample by a voice of some rate."""
    dice = random.Random(fps)
    scenes = []
    for number in range(count):
        frames = round(dice.uniform(_SHORTEST, _LONGEST) * fps) | 1
        rate = dice.choice(_VOICE_RATES)
        voice = marked_voice(desk, round(frames * rate / fps), rate, seed=number)
        clip = marked_clip(desk, number, frames, fps)
        scenes.append(FilmScene(frames=frames, clips=(clip,), voice=voice))
    return ComposeWork(
        title="Sync", width=WIDTH, height=HEIGHT, fps=fps, scenes=tuple(scenes), language="eng"
    )


def compare(work: ComposeWork, film: Decoded) -> tuple[int, int, float]:
    """Flashes off their frame, samples of the worst click, seconds of sound too many."""
    lengths = [scene.frames for scene in work.scenes]
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    flashes = {index for index, picture in enumerate(film.frames) if is_flash(picture)}
    samples = [round(start * film.sample_rate / work.fps) for start in starts]
    rates = [scene.voice.sample_rate for scene in work.scenes if scene.voice]
    worst = max(np.abs(clicks(film.sound, samples, rates)))
    wanted = round(sum(lengths) * film.sample_rate / work.fps)
    extra = float(film.sound_seconds) - wanted / film.sample_rate
    return len(flashes ^ set(starts)), int(worst), extra


def measure(fps: int, scenes: int) -> Agreement:
    """One film."""
    with tempfile.TemporaryDirectory() as folder:
        desk = plain_desk(Path(folder))
        work = a_film(desk, fps, scenes)
        began = time.perf_counter()
        result = compose.run(work, desk)
        took = time.perf_counter() - began
        off, worst, extra = compare(work, decode(desk.get(result.film)))
    return Agreement(
        fps=fps,
        scenes=scenes,
        seconds=round(result.seconds, 3),
        flashes_off_their_frame=off,
        worst_click_samples=worst,
        sound_seconds_too_many=round(extra, 9),
        lufs=result.lufs,
        true_peak_db=result.true_peak_db,
        compose_seconds=round(took, 2),
    )


def main() -> int:
    """The figures of every frame rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--fps", type=int, nargs="+", default=[7, 12, 16, 24, 25, 30])
    asked = parser.parse_args()
    found = [measure(fps, asked.scenes) for fps in asked.fps]
    for agreement in found:
        print(json.dumps(asdict(agreement)))
    return 0 if all(agreement.holds for agreement in found) else 1


if __name__ == "__main__":
    sys.exit(main())
