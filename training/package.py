"""Turns a training's checkpoint into a pipeline folder that any program can load with diffusers.

    python -m training.package --out DIR --to worker/models/reelyard-demo

Weights are the running average, stored as bfloat16; the codec's matrix as float16, which keeps more
of a picture's tones. Leaves the model card and the vocabulary in the folder alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from diffusers import UniPCMultistepScheduler, WanPipeline

from training import network
from training.learner import build, prepared, restore


def scheduler() -> UniPCMultistepScheduler:
    """The network says what the clean clip is ("sample"), along straight paths (flow sigmas)."""
    kind: Any = UniPCMultistepScheduler  # diffusers has no types for what it makes
    made: UniPCMultistepScheduler = kind(
        prediction_type="sample",
        use_flow_sigmas=True,
        num_train_timesteps=1000,
        flow_shift=network.SHIFT,
    )
    return made


def package(out: Path, to: Path) -> int:
    """Returns the training steps behind the weights."""
    learner = build(prepared(out))
    restore(learner, [], out)
    learner.use_average()
    codec: Any = learner.codec.to(torch.float16)
    codec.register_to_config(_name_or_path="")  # where it lay is of no use to anybody
    kind: Any = WanPipeline
    kind(
        tokenizer=learner.tok,
        text_encoder=learner.encoder,
        vae=codec,
        transformer=learner.dit.to(torch.bfloat16),
        scheduler=scheduler(),
    ).save_pretrained(to)
    return learner.step


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", type=Path, required=True, help="folder of the training")
    p.add_argument("--to", type=Path, required=True, help="folder of the pipeline")
    a = p.parse_args()
    print(f"packed the weights of step {package(a.out, a.to)}")


if __name__ == "__main__":
    main()
