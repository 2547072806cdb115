"""Inputs of a denoiser that makes picture and sound together: LTX-2. See inputs.py."""

from __future__ import annotations

from typing import Any, Protocol

from reelyard.catalog import VideoModel
from worker.engines.measure.clip import Clip, half, single, whole
from worker.engines.measure.inputs_joint import Asked as AskedOfAny

SOUND_LATENTS_PER_SECOND = 25.0
"""16,000 samples a second, hops of 160, four to a latent, as in the released model."""


class Asked(AskedOfAny, Protocol):
    """As inputs.py has it; the sound lasts as long as the clip."""

    @property
    def model(self) -> VideoModel: ...
    @property
    def clip(self) -> Clip: ...


def ltx2(asked: Asked) -> dict[str, Any]:
    """LTX-2: two lists of tokens, each with its own text and the places of its tokens."""
    config, g, b = asked.config, asked.grid, asked.batch
    sound = round(asked.clip.frames / asked.model.fps * SOUND_LATENTS_PER_SECOND)
    text = config["caption_channels"]
    return {
        "hidden_states": half(b, g.tokens, config["in_channels"]),
        "audio_hidden_states": half(b, sound, config["audio_in_channels"]),
        "encoder_hidden_states": half(b, asked.words, text),
        "audio_encoder_hidden_states": half(b, asked.words, text),
        "timestep": whole(b),
        "sigma": whole(b),
        "encoder_attention_mask": whole(b, asked.words),
        "audio_encoder_attention_mask": whole(b, asked.words),
        "num_frames": g.frames,
        "height": g.rows,
        "width": g.columns,
        "fps": float(asked.model.fps),
        "audio_num_frames": sound,
        "video_coords": single(b, 3, g.tokens, 2),
        "audio_coords": single(b, 1, sound, 2),
    }
