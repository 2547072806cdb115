"""How well clips obey their captions: what share the judge reads back, and floors that must hold.

    python -m training.score --out DIR

scores DIR/checkpoint.pt on small pictures, without the painter;

`bench/demo_model.py` scores the shipped pipeline at full size. Never renders a true clip.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from training import judge, network, world
from training.learner import Learner, build, prepared, restore

FLOORS: Final = {
    "colour": 0.95,
    "background": 0.98,
    "motion": 0.95,
    "subject": 0.75,
    "present_and_moving": 1.0,
}


def unseen(plain: bool, count: int, seed: int = 1234) -> list[world.Spec]:
    """Captions that training never showed; repeated if there are fewer than asked."""
    known = [s for s in world.specs(plain) if world.held_back(s)]
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(seed)).tolist()
    return [known[order[k % len(order)]] for k in range(count)]


def rates(asked: Sequence[world.Spec], readings: Sequence[judge.Reading]) -> dict[str, float]:
    pairs = list(zip(asked, readings, strict=True))

    def share(hits: Sequence[bool]) -> float:
        return round(sum(hits) / len(pairs), 3)

    return {
        "colour": share([r.colour == s.colour for s, r in pairs]),
        "background": share([r.ground == s.ground for s, r in pairs]),
        "motion": share([r.motion == s.motion for s, r in pairs]),
        "subject": share([r.subject == s.subject for s, r in pairs]),
        "present_and_moving": share([r.present and r.moving for s, r in pairs]),
        "all": share([(r.colour, r.subject, r.motion, r.ground) == tuple(s) for s, r in pairs]),
        "explained": round(sum(r.explained for _, r in pairs) / len(pairs), 3),
    }


def shortfalls(found: dict[str, float]) -> list[str]:
    return [f"{k} {found[k]} < {floor}" for k, floor in FLOORS.items() if found[k] < floor]


@torch.no_grad()
def quickly(
    learner: Learner, specs: list[world.Spec], latents: int, steps: int, seed: int
) -> Tensor:
    """Small clips [n, 3, F, 64, 112] in [0, 1]."""
    shape = (learner.codec.config.z_dim, latents, 8, 14)
    z = network.sample(
        learner.dit, learner.text([world.caption(s) for s in specs]), shape, steps, seed
    )
    return learner.codec.expand(learner.normal.take(z))[:, :, 3:] / 2 + 0.5


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--clips", type=int, default=60)
    p.add_argument("--latents", type=int, default=9)
    p.add_argument("--steps", type=int, default=10)
    a = p.parse_args()
    torch.set_num_threads(1)
    learner = build(prepared(a.out))
    restore(learner, [], a.out)
    learner.use_average()
    for plain in (True, False):
        specs = unseen(plain, a.clips)
        parts = [specs[k : k + 20] for k in range(0, len(specs), 20)]
        clips = torch.cat(
            [quickly(learner, part, a.latents, a.steps, k) for k, part in enumerate(parts)]
        )
        found = rates(specs, [judge.read(c) for c in clips])
        print(learner.step, "plain" if plain else "picture book", json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
