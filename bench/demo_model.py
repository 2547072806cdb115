"""Does the demo model do what its captions say?

    python -m bench.demo_model [--clips 100] [--frames 33] [--verbose]

Renders captions that training never showed and reads them back by measurement. Runs the shipped
folder through the ordinary WanPipeline, at its native size, once for the plain world and once for
the picture book. Prints one JSON object; the exit code is 1 if the plain world is under a floor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging

from training import judge, score, world
from worker.engines.demo.load import load

FOLDER = Path(__file__).parent.parent / "worker" / "models" / "reelyard-demo"


def clip(pipe: Any, caption: str, frames: int, seed: int, steps: int) -> torch.Tensor:
    """[3, F, H, W] in [0, 1]"""
    made = pipe(
        prompt=caption,
        height=256,
        width=448,
        num_frames=frames,
        num_inference_steps=steps,
        guidance_scale=1.0,
        max_sequence_length=16,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="pt",
    ).frames[0]
    return torch.as_tensor(made).permute(1, 0, 2, 3)


def measure(pipe: Any, plain: bool, a: argparse.Namespace) -> dict[str, Any]:
    specs = score.unseen(plain, a.clips)
    readings, seconds = [], []
    for seed, spec in enumerate(specs):
        began = time.perf_counter()
        frames = clip(pipe, world.caption(spec), a.frames, seed, a.steps)
        seconds.append(time.perf_counter() - began)
        readings.append(judge.read(frames))
        if a.verbose and (readings[-1].subject, readings[-1].motion) != (spec.subject, spec.motion):
            print(f"{world.caption(spec)!r}, seed {seed}: {readings[-1]}", file=sys.stderr)
    found: dict[str, Any] = score.rates(specs, readings)
    under = score.shortfalls(found)
    return found | {"under_floor": under, "median_s_per_clip": round(statistics.median(seconds), 2)}


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--folder", type=Path, default=FOLDER)
    p.add_argument("--clips", type=int, default=100)
    p.add_argument("--frames", type=int, default=33)
    p.add_argument("--steps", type=int, default=10)
    p.add_argument("--verbose", action="store_true")
    a = p.parse_args()
    logging.set_verbosity_error()
    pipe: Any = load(a.folder)
    pipe.set_progress_bar_config(disable=True)
    worlds = {"plain": measure(pipe, True, a), "picture_book": measure(pipe, False, a)}
    settings = {
        "clips": a.clips,
        "frames": a.frames,
        "steps": a.steps,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps({"settings": settings, "floors": score.FLOORS, **worlds}, indent=2))
    return 1 if worlds["plain"]["under_floor"] else 0


if __name__ == "__main__":
    sys.exit(main())
