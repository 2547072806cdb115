"""Turns a training's checkpoint into a pipeline folder that any program can load with diffusers.

    python -m training.package --out DIR --to worker/models/reelyard-demo

Weights are the running average, stored as bfloat16; the codec's matrix as float16, which keeps more of a
picture's tones. Leaves the model card and the vocabulary in the folder alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler, WanPipeline

from training import network, train


def scheduler() -> UniPCMultistepScheduler:
    """The network says what the clean clip is ("sample"), along straight paths (flow sigmas)."""
    return UniPCMultistepScheduler(
        prediction_type="sample",
        use_flow_sigmas=True,
        num_train_timesteps=1000,
        flow_shift=network.SHIFT,
    )


def package(out: Path, to: Path) -> int:
    """Returns the training steps behind the weights."""
    learner = train.build(train.prepared(out))
    train.restore(learner, [], out)
    learner.use_average()
    WanPipeline(
        tokenizer=learner.tok,
        text_encoder=learner.encoder,
        vae=learner.codec.to(torch.float16),
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
