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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from training import world
from training.codec_fit import LENGTHS, LOW, block_times, random_specs, some_moments
from training.learner import Learner, build, prepared, restore
from training.pool import Normal
from worker.engines.demo.codec import PaintedPatches

SCENES = 8  # in a step
POOL = 240  # scenes drawn at a time, used several times
ROUNDS = 3

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
    """Spoiled small frames and clean large ones, in [-1, 1]."""
    normal = Normal(codec)
    aspect = world.SQUARE if torch.rand(1, generator=g) < 0.15 else world.WIDE
    specs = random_specs(n, g, plain_share=0.25)
    true = world.scatter(specs, g, aspect)
    times, span = some_moments(n, 5, LENGTHS, g, first=False)
    z = torch.zeros(())
    shares = (0.6, 0.4)
    for share in shares:
        small, _ = world.render(
            shaken(true, g) if share < 0.5 else true, block_times(times, span), LOW
        )
        z = z + share * codec.compress(small * 2 - 1)
    spoiled = codec.expand(normal.take(spoil(specs, z, times, span)))
    frame = int(torch.randint(spoiled.shape[2], (1,), generator=g))
    when = block_times(times, span)[:, frame : frame + 1]
    large, _ = world.render(true, when, LOW * int(codec.config.enlarge))
    return spoiled[:, :, frame], large[:, :, 0] * 2 - 1


def loss_of(codec: PaintedPatches, small: Tensor, large: Tensor) -> Tensor:
    made = codec.painter(small)
    return 0.5 * l1_loss(made, large) + mse_loss(made, large) + l1_loss(_edges(made), _edges(large))


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
        drawn = [pairs(codec, spoil, SCENES, g) for _ in range(POOL // SCENES)]
        for small, large in drawn * ROUNDS:
            part = (time.perf_counter() - began) / (minutes * 60)
            if part >= 1:
                return
            opt.param_groups[0]["lr"] = (
                rate * min(1.0, (step + 1) / 50) * min(1.0, (1 - part) / 0.5 + 0.01)
            )
            loss = loss_of(codec, small, large)
            opt.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            opt.step()
            step += 1
            mean += (float(loss.detach()) - mean) * max(0.02, 1 / step)
            if step % 50 == 0:
                print(
                    f"{time.perf_counter() - began:6.0f} s, step {step}, loss {mean:.4f}",
                    flush=True,
                )


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--minutes", type=float, default=10)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--real", action="store_true", help="spoil with the trained network")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    g = torch.Generator().manual_seed(3)
    codec = prepared(a.out)
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
