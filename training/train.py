"""Trains the demo model on a CPU until it obeys its captions.

    python -m training.train --out DIR --minutes 60            writes DIR/checkpoint.pt as it goes
    python -m training.train --out DIR --minutes 20 --resume   goes on from there
    python -m training.train --out DIR --from FOLDER           starts from a packaged pipeline

The network predicts the clean latents x0 from x_t = (1 - t) x0 + t noise, with t drawn towards
noise, where layout and motion are decided; cells that show the figure weigh more than empty ground.
In a share of the steps the first latent frame is given clean, as when a shot continues another.
`training.package` turns the checkpoint into a pipeline folder.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from training.learner import Learner, build, keep, prepared, restore, unpack, warm
from training.muon import Muon
from training.pool import KINDS, Pool, fill
from worker.engines.demo.codec import PaintedPatches

KEEP_EVERY_S = 150.0
FIGURE_WEIGHT = 5.0
CAPTIONS_DROPPED = 0.02


def optimisers(learner: Learner, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices in the blocks, where it learns twice as fast; AdamW for the rest."""
    inner = [
        p for n, p in learner.dit.named_parameters() if n.startswith("blocks.") and p.ndim == 2
    ]
    known = {id(p) for p in inner}
    rest = [p for p in learner.weights if id(p) not in known]
    return [
        Muon(inner, lr=rate, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.99), weight_decay=0.01),
    ]


def loss_of(learner: Learner, pool: Pool, g: torch.Generator) -> Tensor:
    kind = pool.kind
    pick = torch.randint(len(pool.captions), (kind.batch,), generator=g)
    x0 = pool.latents[pick].float()
    dropped = (torch.rand(kind.batch, generator=g) < CAPTIONS_DROPPED).tolist()
    captions = ["" if d else pool.captions[i] for d, i in zip(dropped, pick.tolist(), strict=True)]
    t = torch.sigmoid(torch.randn(kind.batch, generator=g) * 1.2 + 1.0).clamp(0.02, 0.999)
    s = t.view(-1, 1, 1, 1, 1)
    noisy = (1 - s) * x0 + s * torch.randn(x0.shape, generator=g)
    clock, weight = t * 1000, 1 + FIGURE_WEIGHT * pool.figure_here[pick].float()
    if kind.onward:
        noisy = torch.cat([x0[:, :, :1], noisy[:, :, 1:]], 2)
        clock = _clocks(clock, x0.shape)
        weight = torch.cat([weight[:, :, :1] * 0, weight[:, :, 1:]], 2)
    with learner.dit.at(pool.times[pick], pool.span[pick]):
        made = learner.dit(noisy, clock, learner.text(captions), return_dict=False)[0]
    errors: Tensor = weight / weight.mean() * (made - x0) ** 2 / s.clamp_min(0.25)
    return errors.mean()


def _clocks(t: Tensor, shape: torch.Size) -> Tensor:
    """One time per token, zero for those of the first frame."""
    tokens = shape[3] * shape[4] // 4
    rows = torch.ones(shape[2], tokens)
    rows[0] = 0
    return t[:, None] * rows.flatten()[None]


def pace(part: float, step: int) -> float:
    """The learning rate's factor: a short rise, a long level, a fall in the last third."""
    return min(1.0, (step + 1) / 60) * (1.0 if part < 0.6 else 0.02 + 0.98 * (1 - part) / 0.4)


def run(
    learner: Learner,
    pools: list[Pool],
    opts: list[torch.optim.Optimizer],
    rate: float,
    minutes: float,
    out: Path,
    g: torch.Generator,
) -> None:
    shares = torch.tensor([p.kind.share for p in pools])
    began = kept = time.perf_counter()
    first, mean = learner.step, 0.0
    while (part := (time.perf_counter() - began) / (minutes * 60)) < 1:
        for opt in opts:
            opt.param_groups[0]["lr"] = rate * pace(part, learner.step - first)
            opt.zero_grad()
        loss = loss_of(learner, pools[int(torch.multinomial(shares, 1, generator=g))], g)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learner.weights, 1.0)
        for opt in opts:
            opt.step()
        learner.step += 1
        learner.track()
        mean += (float(loss.detach()) - mean) * max(0.02, 1 / (learner.step - first))
        if learner.step % 50 == 0:
            print(
                f"{time.perf_counter() - began:6.0f} s, step {learner.step}, loss {mean:.4f}",
                flush=True,
            )
        if time.perf_counter() - kept > KEEP_EVERY_S:
            keep(learner, opts, out)
            kept = time.perf_counter()
    keep(learner, opts, out)


def drawn(
    codec: PaintedPatches, out: Path, share: float, times: float, g: torch.Generator
) -> list[Pool]:
    """The clips to learn from, kept in `out` for the next time."""
    kept = out / "clips.pt"
    if not kept.exists():
        torch.save([fill(codec, kind.times(times), share, g) for kind in KINDS], kept)
    pools: list[Pool] = torch.load(kept, weights_only=False)
    return pools


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=11)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument(
        "--compile", action="store_true", help="a quarter faster, if there is a compiler"
    )
    p.add_argument("--from", dest="origin", type=Path, help="start from a packaged pipeline folder")
    p.add_argument("--plain-share", type=float, default=0.4, help="of the clips: the plain world")
    p.add_argument("--clips", type=float, default=1.0, help="how many, against the usual number")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    a.out.mkdir(parents=True, exist_ok=True)
    g = torch.Generator().manual_seed(a.seed)
    if a.origin:
        unpack(a.origin, a.out)
    learner = build(prepared(a.out))
    if a.origin:
        warm(learner, a.origin)
    opts = optimisers(learner, a.rate)
    if a.resume:
        restore(learner, opts, a.out)
    began = time.perf_counter()
    pools = drawn(learner.codec, a.out, a.plain_share, a.clips, g)
    print(f"drew the clips in {time.perf_counter() - began:.0f} s", flush=True)
    if a.compile:
        for block in learner.dit.blocks:
            block.compile(dynamic=False)
    run(learner, pools, opts, a.rate, a.minutes, a.out, g)


if __name__ == "__main__":
    main()
