"""What a pipeline hands its denoiser in one step, by the denoiser's class.

Shapes and number formats are as the pipelines of diffusers make them; there is no content.

To add a family: write a function from an Asked to keyword arguments, after the call of
`self.transformer(...)` in its pipeline, and name it in INPUTS. Never runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reelyard.catalog import VideoModel
from reelyard.errors import InvalidInput, Problem
from worker.engines.measure import inputs_joint, inputs_sound
from worker.engines.measure.clip import Clip, Grid, batch, grid, half, patch_of, single, whole

Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the denoiser: its configuration, its model, the clip."""

    config: Mapping[str, Any]
    model: VideoModel
    clip: Clip

    @property
    def grid(self) -> Grid:
        """The latent film."""
        return grid(self.model, self.clip, patch_of(self.config))

    @property
    def batch(self) -> int:
        """Samples of one call."""
        return batch(self.model)

    @property
    def words(self) -> int:
        """Text tokens, as the pipeline pads them."""
        return self.model.max_text_tokens


def denoiser_inputs(class_name: str, asked: Asked) -> Given:
    """Keyword arguments of one call. Raises InvalidInput for a class that is not known."""
    known = INPUTS.get(class_name)
    if known is None:
        raise InvalidInput(
            [
                Problem(
                    field="denoiser",
                    message="its inputs are not known, so it cannot be measured",
                    value=class_name,
                    limit=", ".join(sorted(INPUTS)),
                    remedy="Add a function for it to worker/engines/measure/inputs.py.",
                )
            ]
        )
    return known(asked)


def wan(asked: Asked) -> Given:
    """Wan, and what grew from it. Where a picture has no channels of its own, every token has its
    own time step (`expand_timesteps`), in text-to-video runs too."""
    config, g, b = asked.config, asked.grid, asked.batch
    has_own_steps = asked.model.image_pipeline and config["in_channels"] == config["out_channels"]
    given: Given = {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "timestep": whole(b, g.tokens) if has_own_steps else whole(b),
        "encoder_hidden_states": half(b, asked.words, config["text_dim"]),
    }
    if config.get("image_dim"):
        given["encoder_hidden_states_image"] = half(b, 257, config["image_dim"])
    return given


def placed_wan(asked: Asked) -> Given:
    """The demo model: started from words; its pictures come with a step for every token."""
    return {**wan(asked), "timestep": whole(asked.batch)}


def cosmos(asked: Asked) -> Given:
    """Cosmos 1 and Predict 2. One channel more than the latent film has: the frames that are
    given; Predict 2 then counts time for each frame."""
    config, g, b = asked.config, asked.grid, asked.batch
    is_conditioned = config["in_channels"] > config["out_channels"]
    per_frame = is_conditioned and asked.model.pipeline.startswith("Cosmos2")
    given: Given = {
        "hidden_states": half(b, config["out_channels"], *g.size),
        "timestep": half(b, 1, g.frames, 1, 1) if per_frame else half(b),
        "encoder_hidden_states": half(b, asked.words, config["text_embed_dim"]),
        "fps": asked.model.fps,
        "padding_mask": half(1, 1, asked.clip.height, asked.clip.width),
    }
    if is_conditioned:
        given["condition_mask"] = half(b, 1, *g.size)
    return given


def ltx(asked: Asked) -> Given:
    """LTX-Video: the latent film as a list of tokens."""
    config, g, b = asked.config, asked.grid, asked.batch
    return {
        "hidden_states": half(b, g.tokens, config["in_channels"]),
        "encoder_hidden_states": half(b, asked.words, config["caption_channels"]),
        "timestep": whole(b),
        "encoder_attention_mask": whole(b, asked.words),
        "num_frames": g.frames,
        "height": g.rows,
        "width": g.columns,
        "rope_interpolation_scale": (asked.model.time_factor / asked.model.fps, 32, 32),
    }


def latte(asked: Asked) -> Given:
    """Latte: blocks that look within a frame, and blocks that look along time, in turn."""
    config, g, b = asked.config, asked.grid, asked.batch
    return {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "timestep": whole(b),
        "encoder_hidden_states": half(b, asked.words, config["caption_channels"]),
    }


def allegro(asked: Asked) -> Given:
    """Allegro: three rotary tables and the token's place along each axis."""
    config, g, b = asked.config, asked.grid, asked.batch
    width = config["attention_head_dim"] // 3
    sides = (g.token_frames, g.rows // patch_of(config), g.columns // patch_of(config))
    tables = tuple((single(side, width), single(side, width)) for side in sides)
    places = tuple(whole(1, g.tokens) for _ in range(3))
    return {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "encoder_hidden_states": half(b, 1, asked.words, config["caption_channels"]),
        "timestep": whole(b),
        "encoder_attention_mask": whole(b, asked.words),
        "image_rotary_emb": (tables, places),
    }


def sana(asked: Asked) -> Given:
    """SANA-Video: linear attention over the film, cross-attention to the text."""
    config, g, b = asked.config, asked.grid, asked.batch
    return {
        "hidden_states": half(b, config["in_channels"], *g.size),
        "encoder_hidden_states": half(b, asked.words, config["caption_channels"]),
        "encoder_attention_mask": whole(b, asked.words),
        "timestep": whole(b),
    }


def kandinsky(asked: Asked) -> Given:
    """Kandinsky 5: channels last; where it can continue from a picture, twice the channels and a
    mask."""
    config, g, b = asked.config, asked.grid, asked.batch
    channels = config["in_visual_dim"]
    channels = 2 * channels + 1 if config["visual_cond"] else channels
    patch = patch_of(config)
    return {
        "hidden_states": half(b, *g.size, channels),
        "encoder_hidden_states": half(b, asked.words, config["in_text_dim"]),
        "pooled_projections": half(b, config["in_text_dim2"]),
        "timestep": half(b),
        "visual_rope_pos": [whole(g.frames), whole(g.rows // patch), whole(g.columns // patch)],
        "text_rope_pos": whole(asked.words),
    }


INPUTS: Final[Mapping[str, Callable[[Asked], Given]]] = {
    "WanTransformer3DModel": wan,
    "SkyReelsV2Transformer3DModel": wan,
    "PlacedWan": placed_wan,
    "CosmosTransformer3DModel": cosmos,
    "LTXVideoTransformer3DModel": ltx,
    "LTX2VideoTransformer3DModel": inputs_sound.ltx2,
    "LatteTransformer3DModel": latte,
    "SanaVideoTransformer3DModel": sana,
    "Kandinsky5Transformer3DModel": kandinsky,
    "AllegroTransformer3DModel": allegro,
    "CogVideoXTransformer3DModel": inputs_joint.cogvideox,
    "HunyuanVideoTransformer3DModel": inputs_joint.hunyuan,
    "HunyuanVideo15Transformer3DModel": inputs_joint.hunyuan15,
    "MochiTransformer3DModel": inputs_joint.mochi,
}
