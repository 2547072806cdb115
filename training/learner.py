"""The networks in training with their running average, and every way to begin with them.

From nothing, from the checkpoint of an earlier training, or from a packaged pipeline folder.
Never takes a training step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training import codec_fit, network, world
from training.pool import Normal
from worker.engines.demo.codec import PaintedPatches

CHANNELS = 48
AVERAGED_OVER = 0.995
TIED = "encoder.embed_tokens.weight"  # the same as "shared.weight", so it is saved once


@dataclass
class Learner:
    """Codec (fixed), text encoder and transformer (learning), and the average of their weights."""

    codec: PaintedPatches
    tok: Any
    encoder: nn.Module
    dit: Any  # PlacedWan; diffusers' base of it carries no types
    step: int = 0
    average: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.normal = Normal(self.codec)
        self.weights: list[Tensor] = [*self.dit.parameters(), *self.encoder.parameters()]
        self.average = [p.detach().clone() for p in self.weights]

    def text(self, captions: list[str]) -> Tensor:
        return network.encode(self.tok, self.encoder, captions)

    @torch.no_grad()
    def track(self) -> None:
        decay = min(AVERAGED_OVER, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, self.weights, 1 - decay)

    def use_average(self) -> None:
        for mean, p in zip(self.average, self.weights, strict=True):
            p.data = mean.clone()


def build(codec: PaintedPatches) -> Learner:
    """New networks for this codec: random weights."""
    words = world.words()
    z = codec.config.z_dim
    return Learner(
        codec, network.tokenizer(words), network.text_encoder(len(words)), network.transformer(z)
    )


def keep(learner: Learner, opts: list[torch.optim.Optimizer], out: Path) -> None:
    """Writes `out`/checkpoint.pt; a training killed while writing leaves the one before."""
    state = {
        "step": learner.step,
        "weights": [p.data for p in learner.weights],
        "average": learner.average,
        "optimisers": [o.state_dict() for o in opts],
    }
    torch.save(state, out / "checkpoint.new")
    (out / "checkpoint.new").replace(out / "checkpoint.pt")


def restore(learner: Learner, opts: list[torch.optim.Optimizer], out: Path) -> None:
    state = torch.load(out / "checkpoint.pt")
    learner.step = state["step"]
    for mine, kept in ((learner.weights, state["weights"]), (learner.average, state["average"])):
        for x, y in zip(mine, kept, strict=True):
            x.data.copy_(y)
    for opt, kept in zip(opts, state["optimisers"], strict=False):
        opt.load_state_dict(kept)


def unpack(folder: Path, out: Path) -> None:
    """Puts the codec of a packaged pipeline where `prepared` looks for it."""
    _opened(folder / "vae").save_pretrained(out / "codec")


def warm(learner: Learner, folder: Path) -> None:
    """Starts from packaged weights; what the optimisers knew is gone, so the rate rises anew."""
    learner.dit.load_state_dict(
        _full(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    )
    missing, strange = learner.encoder.load_state_dict(
        _full(folder / "text_encoder" / "model.safetensors"), strict=False
    )
    if strange or set(missing) - {TIED}:
        raise ValueError(f"{folder}: its text encoder is another: {strange or missing}")
    learner.average = [p.detach().clone() for p in learner.weights]


def _full(file: Path) -> dict[str, Tensor]:
    """Weights in single precision, which training needs."""
    return {name: value.float() for name, value in load_file(file).items()}


def prepared(out: Path) -> PaintedPatches:
    """The codec in `out`, fitted first if it is not there."""
    if not (out / "codec").exists():
        codec_fit.fit(CHANNELS).save_pretrained(out / "codec")
    return _opened(out / "codec")


def _opened(folder: Path) -> PaintedPatches:
    codec: PaintedPatches = PaintedPatches.from_pretrained(  # type: ignore[no-untyped-call]
        folder, torch_dtype=torch.float32
    )
    return codec
