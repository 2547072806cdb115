"""The card of a text or image encoder: one call of the real-size module for one prompt or picture.

Never loads weights.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from reelyard.catalog import EncoderCard, VideoModel
from worker.engines.measure import fit
from worker.engines.measure.build import Network, build
from worker.engines.measure.clip import half, whole
from worker.engines.measure.inputs_joint import GLYPHS
from worker.engines.measure.tracker import CUDNN_COPIES, tracked

TEMPLATE: Final = {"HunyuanVideo15": 108, "HunyuanVideoImageToVideo": 103, "HunyuanVideo": 95}
"""Tokens that a pipeline puts before the prompt, by the beginning of its name; first match."""
IMAGE_TOKENS = 576
"""Of the picture that HunyuanVideo's LLaVA reads with the prompt."""
_EVERY_LAYER = ("Llama", "Llava", "Qwen2", "Gemma3")
"""Encoders of which the pipelines keep the states of every layer."""


def encoder_card(network: Network, model: VideoModel) -> EncoderCard:
    """Measures one call in bf16."""
    module: Any = build(network, torch.bfloat16)
    module.requires_grad_(False)
    given, tokens = _given(module, network, model)
    tally = tracked(module, given, lambda: module(**given), CUDNN_COPIES)
    return EncoderCard(
        tokens=tokens,
        act_bytes=fit.digits(tally.peak_bytes - tally.held_bytes),
        flops=fit.digits(tally.flops),
        traffic_bytes=fit.digits(tally.traffic_bytes),
    )


def _given(module: Any, network: Network, model: VideoModel) -> tuple[dict[str, Any], int]:
    if network.class_name == "LTX2TextConnectors":
        tokens, config = model.max_text_tokens, module.config
        states = half(1, tokens, config["caption_channels"] * config["text_proj_in_factor"])
        return {"text_encoder_hidden_states": states, "attention_mask": whole(1, tokens)}, tokens
    vision = getattr(module.config, "vision_config", module.config)
    if "Vision" in network.class_name:
        side = vision.image_size
        return {"pixel_values": half(1, 3, side, side)}, (side // vision.patch_size) ** 2 + 1
    tokens = text_tokens(network, model, module.config)
    given: dict[str, Any] = {"input_ids": whole(1, tokens)}
    if network.class_name.startswith(_EVERY_LAYER):
        given["output_hidden_states"] = True
    return given, tokens


def text_tokens(network: Network, model: VideoModel, config: Any) -> int:
    """What the pipeline pads a prompt to for this encoder."""
    longest = getattr(config, "max_position_embeddings", None) or model.max_text_tokens
    if network.class_name.startswith("CLIP"):
        return min(int(longest), model.max_text_tokens)
    if network.class_name.startswith("T5"):
        return GLYPHS if model.pipeline.startswith("HunyuanVideo15") else model.max_text_tokens
    before = next((n for name, n in TEMPLATE.items() if model.pipeline.startswith(name)), 0)
    seen = IMAGE_TOKENS if network.class_name.startswith("Llava") else 0
    return model.max_text_tokens + before + seen
