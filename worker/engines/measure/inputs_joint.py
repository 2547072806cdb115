"""Inputs of denoisers whose text tokens join the picture's in one attention: CogVideoX, both
HunyuanVideos, Mochi. See inputs.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from worker.engines.measure.clip import Grid, half, single, whole, yes_or_no

IMAGE_WORDS: Final[Mapping[str, int]] = {"latent_concat": 288, "token_replace": 144}
"""Tokens that HunyuanVideo's LLaVA adds for the first picture: 576, every second or fourth kept."""
GLYPHS, VISION = 256, 729
"""HunyuanVideo 1.5: tokens of its ByT5 (text in quotes) and of its image encoder."""


class Asked(Protocol):
    """As inputs.py has it."""

    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def grid(self) -> Grid: ...
    @property
    def batch(self) -> int: ...
    @property
    def words(self) -> int: ...


def cogvideox(asked: Asked) -> dict[str, Any]:
    """CogVideoX: frames before channels; the larger ones with rotary tables from outside."""
    config, g, b = asked.config, asked.grid, asked.batch
    given: dict[str, Any] = {
        "hidden_states": half(b, g.frames, config["in_channels"], g.rows, g.columns),
        "encoder_hidden_states": half(b, asked.words, config["text_embed_dim"]),
        "timestep": whole(b),
    }
    if config["use_rotary_positional_embeddings"]:
        width = config["attention_head_dim"]
        given["image_rotary_emb"] = (single(g.tokens, width), single(g.tokens, width))
    if config.get("ofs_embed_dim"):
        given["ofs"] = half(1)
    return given


def hunyuan(asked: Asked) -> dict[str, Any]:
    """HunyuanVideo, with or without a first picture."""
    config, g, b = asked.config, asked.grid, asked.batch
    words = asked.words + IMAGE_WORDS.get(config.get("image_condition_type") or "", 0)
    given: dict[str, Any] = {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "timestep": whole(b),
        "encoder_hidden_states": half(b, words, config["text_embed_dim"]),
        "encoder_attention_mask": whole(b, words),
        "pooled_projections": half(b, config["pooled_projection_dim"]),
    }
    if config["guidance_embeds"]:
        given["guidance"] = half(b)
    return given


def hunyuan15(asked: Asked) -> dict[str, Any]:
    """HunyuanVideo 1.5: two texts and a picture's tokens; zeros stand for a picture that is not."""
    config, g, b = asked.config, asked.grid, asked.batch
    return {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "timestep": half(b),
        "encoder_hidden_states": half(b, asked.words, config["text_embed_dim"]),
        "encoder_attention_mask": whole(b, asked.words),
        "encoder_hidden_states_2": half(b, GLYPHS, config["text_embed_2_dim"]),
        "encoder_attention_mask_2": whole(b, GLYPHS),
        "image_embeds": half(b, VISION, config["image_embed_dim"]),
    }


def mochi(asked: Asked) -> dict[str, Any]:
    """Mochi."""
    config, g, b = asked.config, asked.grid, asked.batch
    return {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "encoder_hidden_states": half(b, asked.words, config["text_embed_dim"]),
        "timestep": whole(b),
        "encoder_attention_mask": yes_or_no(b, asked.words),
    }
