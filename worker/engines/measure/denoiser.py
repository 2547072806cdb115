"""The card of a denoiser: calls of the real-size module at a few clips, and the laws through them.

Fitted on clips of two sizes and two lengths, checked on a third of each. Never loads weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reelyard.catalog import DenoiserCard, VideoModel
from worker.engines.measure import fit
from worker.engines.measure.build import Network, build
from worker.engines.measure.clip import Clip, Grid, batch
from worker.engines.measure.clips import denoiser_clips
from worker.engines.measure.counts import count
from worker.engines.measure.inputs import Asked, denoiser_inputs
from worker.engines.measure.tracker import CUDNN_COPIES, Tally, tracked

_STRAIGHT = 0.01
"""A line that is further off its own points than this is none."""
_LONGER = {"LatteTransformer3DModel": "video_length"}
"""Configuration entries that fix a table to one number of frames, and hold no parameter."""


@dataclass(frozen=True, slots=True)
class Call:
    """One measured call."""

    clip: Clip
    grid: Grid
    tally: Tally

    @property
    def act_bytes(self) -> int:
        """At the peak, beyond weights."""
        return self.tally.peak_bytes - self.tally.held_bytes


def denoiser_card(network: Network, model: VideoModel) -> DenoiserCard:
    """Measures and fits. Raises InvalidInput where the class's inputs are not known."""
    config, blocks = _facts(network)
    width, head_dim = _widths(config)
    clips = denoiser_clips(model, bool(config.get("use_learned_positional_embeddings")))
    calls = [one_call(network, model, clip) for clip in clips.fitted]
    laws = _laws(calls)
    checks = [one_call(network, model, clip) for clip in clips.checked]
    return DenoiserCard.model_validate(
        {
            "batch": batch(model),
            **laws,
            "layers": blocks or config["num_layers"],
            "width": width,
            "head_dim": head_dim,
            "kernels": calls[-1].tally.operations,
            "error": fit.digits(max(_error(laws, call) for call in checks), 2),
        }
    )


def one_call(network: Network, model: VideoModel, clip: Clip) -> Call:
    """One call in bf16, under the tracker."""
    module, config = _module(network, model, clip)
    asked = Asked(config, model, clip)
    given = denoiser_inputs(network.class_name, asked)
    tally = tracked(module, given, lambda: module(**given, return_dict=False), CUDNN_COPIES)
    return Call(clip, asked.grid, tally)


def _module(network: Network, model: VideoModel, clip: Clip) -> tuple[nn.Module, Mapping[str, Any]]:
    if length := _LONGER.get(network.class_name):
        network = network.with_config(**{length: model.latent_frames(clip.frames)})
    module: Any = build(network, torch.bfloat16)
    return module, module.config


def _facts(network: Network) -> tuple[Mapping[str, Any], int]:
    module: Any = build(network)
    return module.config, count(module).blocks


def _widths(config: Mapping[str, Any]) -> tuple[int, int]:
    """Of the hidden states, and of one head."""
    if "model_dim" in config:  # Kandinsky
        return config["model_dim"], sum(config["axes_dims"])
    head_dim = config["attention_head_dim"]
    return config["num_attention_heads"] * head_dim, head_dim


def _laws(calls: list[Call]) -> dict[str, Any]:
    line = [(1.0, call.grid.tokens) for call in calls]
    pairs = [_pairs(call.grid) for call in calls]
    attention = [call.tally.attention_flops for call in calls]
    return {
        **_memory_law(calls),
        "gemm_flops": fit.law(line, [call.tally.gemm_flops for call in calls]),
        "attention_flops": fit.nonnegative_law(pairs, attention),
        "traffic_bytes": fit.law(line, [call.tally.traffic_bytes for call in calls]),
    }


def _memory_law(calls: list[Call]) -> dict[str, Any]:
    """A line; where that is off, a pair's bytes too."""
    act = [call.act_bytes for call in calls]
    line = [(1.0, float(call.grid.tokens)) for call in calls]
    found = fit.law(line, act)
    if fit.error(found, line, act) < _STRAIGHT:
        return {"act_bytes": found}
    base, each, pair = fit.law([(*row, row[1] ** 2) for row in line], act)
    return {"act_bytes": (base, each), "act_square": max(0.0, pair)}


def _pairs(g: Grid) -> tuple[float, float, float, float]:
    """S, S^2, S P, S T."""
    s = float(g.tokens)
    return s, s * s, s * g.per_frame, s * g.token_frames


def _error(laws: Mapping[str, Any], call: Call) -> float:
    tokens, tally = float(call.grid.tokens), call.tally
    line, curve = [(1.0, tokens)], [(1.0, tokens, tokens**2)]
    memory = (*laws["act_bytes"], laws.get("act_square", 0.0))
    return max(
        fit.error(memory, curve, [call.act_bytes]),
        fit.error(laws["gemm_flops"], line, [tally.gemm_flops]),
        fit.error(laws["attention_flops"], [_pairs(call.grid)], [tally.attention_flops]),
        fit.error(laws["traffic_bytes"], line, [tally.traffic_bytes]),
    )
