"""Trains the codec's painter: from a reduced, blurred picture to the clean one at full size.

    python -m training.painter_fit --out DIR --minutes 10
        noise and small shifts stand for the network's faults
    python -m training.painter_fit --out DIR --minutes 10 --real
        the network's own estimates, from DIR/checkpoint.pt

Pairs cost nothing: the same scene is drawn small, spoiled, and drawn large. Writes DIR/codec.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from training import world
from training.codec_fit import LENGTHS, LOW, block_times, random_specs, some_moments
from training.learner import Learner, build, prepared, restore
from training.pool import Normal
from worker.engines.demo.codec import PaintedPatches, placed

BATCH = 12  # frames in a step
POOL = 120  # scenes drawn at a time, used several times
FRAMES = 6  # of each scene
ROUNDS = 3
WIDTH = 56  # columns of the reduced picture around the figure: half of a wide one

Spoil = Callable[[list[world.Spec], Tensor, Tensor, Tensor], Tensor]
"""Captions, latents, their times and spans: the latents as the network would make them."""


def shaken(s: world.Scenes, g: torch.Generator) -> world.Scenes:
    """The same scenes about a pixel away: the network is never quite sure where an edge is."""
    n = len(s.colour)

    def move(v: Tensor, by: float) -> Tensor:
        return v + torch.randn(n, 1, generator=g) * by

    return replace(s, x=move(s.x, 0.006), y=move(s.y, 0.006), r=move(s.r, 0.004))


def noisy(normal: Normal, g: torch.Generator) -> Spoil:
    def spoil(_: list[world.Spec], z: Tensor, __: Tensor, ___: Tensor) -> Tensor:
        strength = torch.rand(len(z), 1, 1, 1, 1, generator=g) ** 2 * 0.25
        return normal.put(z) + torch.randn(z.shape, generator=g) * strength

    return spoil


def estimated(learner: Learner, g: torch.Generator) -> Spoil:
    """One step of the network from a half noisy clip: its own kind of blur, of a known clip."""

    def spoil(specs: list[world.Spec], z: Tensor, times: Tensor, span: Tensor) -> Tensor:
        x0 = learner.normal.put(z)
        t = torch.rand(len(z), generator=g) * 0.6 + 0.05
        s = t.view(-1, 1, 1, 1, 1)
        mixed = (1 - s) * x0 + s * torch.randn(x0.shape, generator=g)
        text = learner.text([world.caption(c) for c in specs])
        with learner.dit.at(times, span):
            made: Tensor = learner.dit(mixed, t * 1000, text, return_dict=False)[0]
        return made

    return spoil


@torch.no_grad()
def pairs(codec: PaintedPatches, spoil: Spoil, n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """What the painter sees, spoiled, and what it should paint; windows about the figure."""
    aspect = world.SQUARE if torch.rand(1, generator=g) < 0.15 else world.WIDE
    specs = random_specs(n, g, plain_share=0.25)
    true = world.scatter(specs, g, aspect)
    times, span = some_moments(n, 5, LENGTHS, g, first=False)
    z = 0.6 * _latents(codec, true, times, span)
    z = z + 0.4 * _latents(codec, shaken(true, g), times, span)
    spoiled = codec.expand(Normal(codec).take(spoil(specs, z, times, span)))

    some = torch.randperm(spoiled.shape[2], generator=g)[:FRAMES]
    when = block_times(times, span)[:, some]
    scale = int(codec.config.enlarge)
    large = (world.render(true, when, LOW * scale)[0] * 2 - 1).transpose(1, 2).flatten(0, 1)
    small = placed(spoiled[:, :, some].transpose(1, 2).flatten(0, 1))
    starts = _windows(true, when, small.shape[3], g)
    return _cut(small, starts, WIDTH), _cut(large, starts * scale, WIDTH * scale)


def _latents(codec: PaintedPatches, scenes: world.Scenes, times: Tensor, span: Tensor) -> Tensor:
    return codec.compress(world.render(scenes, block_times(times, span), LOW)[0] * 2 - 1)


def _windows(scenes: world.Scenes, when: Tensor, columns: int, g: torch.Generator) -> Tensor:
    """The first column of each frame's window."""
    x = torch.lerp(scenes.x[:, :1], scenes.x[:, 1:], when).flatten() * LOW
    aside = (torch.rand(len(x), generator=g) - 0.5) * WIDTH / 2
    return (x + aside - WIDTH / 2).round().long().clamp(0, columns - WIDTH)


def _cut(pictures: Tensor, starts: Tensor, width: int) -> Tensor:
    parts = zip(pictures, starts.tolist(), strict=True)
    return torch.stack([picture[:, :, at : at + width] for picture, at in parts])


def loss_of(codec: PaintedPatches, seen: Tensor, large: Tensor) -> Tensor:
    made = codec.painter.paint(seen)
    return 0.5 * l1_loss(made, large) + mse_loss(made, large) + l1_loss(_edges(made), _edges(large))


def deepened(codec: PaintedPatches, depth: int) -> PaintedPatches:
    """The same codec with more layers in its painter, which at first do next to nothing."""
    made = PaintedPatches(**{**codec.config, "painter_depth": depth})
    for new in made.painter.middle[codec.config.painter_depth :].parameters():
        torch.nn.init.normal_(new, std=1e-3)
    made.load_state_dict(codec.state_dict(), strict=False)
    return made


def _edges(v: Tensor) -> Tensor:
    return torch.cat(
        [(v[..., 1:] - v[..., :-1]).flatten(1), (v[..., 1:, :] - v[..., :-1, :]).flatten(1)], 1
    )


def run(
    codec: PaintedPatches, spoil: Spoil, rate: float, minutes: float, g: torch.Generator
) -> None:
    weights = list(codec.painter.parameters())
    opt = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.99))
    began, step, mean = time.perf_counter(), 0, 0.0
    while True:
        for seen, large in batches(codec, spoil, g):
            spent = time.perf_counter() - began
            if (part := spent / (minutes * 60)) >= 1:
                return
            opt.param_groups[0]["lr"] = rate * pace(part, step)
            loss = loss_of(codec, seen, large)
            opt.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            opt.step()
            step += 1
            mean += (float(loss.detach()) - mean) * max(0.02, 1 / step)
            if step % 50 == 0:
                print(f"{spent:6.0f} s, step {step}, loss {mean:.4f}", flush=True)


def batches(
    codec: PaintedPatches, spoil: Spoil, g: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Some newly drawn scenes, each frame ROUNDS times, in a new order every time."""
    drawn = [pairs(codec, spoil, BATCH, g) for _ in range(POOL // BATCH)]
    seen, large = (torch.cat(some) for some in zip(*drawn, strict=True))
    for _ in range(ROUNDS):
        order = torch.randperm(len(seen), generator=g)
        for done in range(0, len(seen), BATCH):
            pick = order[done : done + BATCH]
            yield seen[pick], large[pick]


def pace(part: float, step: int) -> float:
    """The learning rate's factor: a short rise, then a fall in the second half."""
    return min(1.0, (step + 1) / 50) * min(1.0, (1 - part) / 0.5 + 0.01)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--minutes", type=float, default=10)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--real", action="store_true", help="spoil with the trained network")
    p.add_argument("--depth", type=int, help="layers, if there should be more than now")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    g = torch.Generator().manual_seed(3)
    codec = prepared(a.out)
    if a.depth:
        codec = deepened(codec, a.depth)
    spoil = noisy(Normal(codec), g)
    if a.real:
        learner = build(codec)
        restore(learner, [], a.out)
        learner.use_average()
        spoil = estimated(learner, g)
    run(codec, spoil, a.rate, a.minutes, g)
    codec.save_pretrained(a.out / "codec")


if __name__ == "__main__":
    main()
