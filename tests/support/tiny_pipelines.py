"""Whole diffusers video pipelines with tiny random weights: real classes, pictures of noise.

Made in a moment, saved as ordinary pipeline folders, loaded offline. `catalog_entry` says what
Reelyard would know of them.
"""

# mypy: disable-error-code="no-untyped-call,attr-defined,misc"
# (diffusers and transformers leave their constructors untyped)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

from reelyard.catalog import GuidanceBy, Part, Role, VideoModel
from reelyard.plan import Precision
from worker.engines.video.cosmos import Unguarded

_WORDS = "a red green blue circle square triangle moving left right up down on black white"
_TEXT_WIDTH = 32


def make(name: str, folder: Path, seed: int = 0) -> Path:
    """The tiny pipeline `name` as a folder of its own in `folder`."""
    torch.manual_seed(seed)
    PIPELINES[name]().save_pretrained(folder / name)
    return folder / name


def catalog_entry(name: str, repo: str) -> VideoModel:
    """What the catalog would say of it: 64 x 64 pixels, 9 or 17 frames and so on."""
    pipeline, image_pipeline, frame_step = _KNOWN[name]
    return VideoModel(
        id=f"tiny-{name}",
        name=f"Tiny {name}",
        repo=repo,
        pipeline=pipeline,
        image_pipeline=image_pipeline,
        licence="Apache-2.0",
        width=64,
        height=64,
        fps=8,
        frame_step=frame_step,
        min_frames=frame_step + 1,
        max_frames=4 * frame_step + 1,
        size_multiple=32,
        steps=3,
        guidance=3.0,
        guidance_by=GuidanceBy.EMBEDDED if name == "hunyuan" else GuidanceBy.CALLS,
        negative=name != "hunyuan",
        pixels_per_token=16,
        time_factor=4,
        max_text_tokens=16,
        parts=_parts(name),
    )


def _parts(name: str) -> tuple[Part, ...]:
    """A Wan's VAE needs fp32; Wan 2.2 has two denoisers, Hunyuan two text encoders."""
    full = Precision.FP32 if name.startswith("wan") else None
    parts = [
        Part(role=Role.TEXT, component=f"tiny-{name}-text"),
        Part(role=Role.DENOISER, component=f"tiny-{name}"),
        Part(role=Role.VAE, component=f"tiny-{name}-vae", resident=full),
    ]
    again = {"wan2.2": [parts[1]], "hunyuan": [parts[0]]}.get(name, [])
    return (*parts, *again)


def _tokenizer(length: int = 226) -> PreTrainedTokenizerFast:
    """Whole words to numbers."""
    words = dict.fromkeys(["<pad>", "</s>", "<unk>", *_WORDS.split()])
    tokens = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
    tokens.normalizer, tokens.pre_tokenizer = Lowercase(), Whitespace()
    tokens.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=length,
    )


def _t5(model: Any = T5EncoderModel, config: Any = T5Config) -> Any:
    return model(
        config(
            vocab_size=64,
            d_model=_TEXT_WIDTH,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
        )
    ).eval()


def _wan() -> Any:
    """As Wan 2.2: a residual VAE with patches. Saved for text alone, as many folders are."""
    return diffusers.WanPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_t5(UMT5EncoderModel, UMT5Config),
        transformer=_wan_transformer(),
        vae=diffusers.AutoencoderKLWan(
            base_dim=16,
            decoder_base_dim=16,
            z_dim=8,
            dim_mult=[1, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[True, True],
            is_residual=True,
            patch_size=2,
            in_channels=12,
            out_channels=12,
            latents_mean=[0.0] * 8,
            latents_std=[1.0] * 8,
            scale_factor_spatial=8,
            scale_factor_temporal=4,
        ),
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            num_train_timesteps=1000,
            flow_shift=3.0,
        ),
    )


def _wan_transformer() -> Any:
    return diffusers.WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=24,
        in_channels=8,
        out_channels=8,
        text_dim=_TEXT_WIDTH,
        freq_dim=32,
        ffn_dim=96,
        num_layers=2,
        rope_max_seq_len=32,
    )


def _wan_of_two() -> Any:
    """As Wan 2.2 A14B: one denoiser for the noisy steps, one for the rest."""
    parts = _wan().components | {"transformer_2": _wan_transformer()}
    return diffusers.WanPipeline(**parts, boundary_ratio=0.9)


def _ltx() -> Any:
    return diffusers.LTXPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_t5(),
        transformer=diffusers.LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=24,
            cross_attention_dim=48,
            num_layers=2,
            caption_channels=_TEXT_WIDTH,
        ),
        vae=diffusers.AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8,) * 4,
            decoder_block_out_channels=(8,) * 4,
            layers_per_block=(1,) * 5,
            decoder_layers_per_block=(1,) * 5,
            spatio_temporal_scaling=(True, True, False, False),
            decoder_spatio_temporal_scaling=(True, True, False, False),
            decoder_inject_noise=(False,) * 5,
            upsample_residual=(False,) * 4,
            upsample_factor=(1,) * 4,
            timestep_conditioning=False,
            patch_size=1,
            patch_size_t=1,
            encoder_causal=True,
            decoder_causal=False,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
    )


def _cogvideox() -> Any:
    return diffusers.CogVideoXPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_t5(),
        transformer=diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=4,
            out_channels=4,
            time_embed_dim=2,
            text_embed_dim=_TEXT_WIDTH,
            num_layers=2,
            sample_width=8,
            sample_height=8,
            sample_frames=17,
            patch_size=2,
            temporal_compression_ratio=4,
            max_text_seq_length=16,
        ),
        vae=diffusers.AutoencoderKLCogVideoX(
            in_channels=3,
            out_channels=3,
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8,) * 4,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
            temporal_compression_ratio=4,
        ),
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    )


def _cosmos() -> Any:
    pipeline = diffusers.CosmosTextToWorldPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_t5(),
        transformer=diffusers.CosmosTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=2,
            mlp_ratio=2,
            text_embed_dim=_TEXT_WIDTH,
            adaln_lora_dim=4,
            max_size=(8, 32, 32),
            extra_pos_embed_type="learnable",
        ),
        vae=diffusers.AutoencoderKLCosmos(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            encoder_block_out_channels=(8,) * 4,
            decode_block_out_channels=(8,) * 4,
            attention_resolutions=(8,),
            resolution=64,
            num_layers=2,
            patch_size=4,
            patch_type="haar",
            scaling_factor=1.0,
            spatial_compression_ratio=4,
            temporal_compression_ratio=4,
        ),
        scheduler=diffusers.EDMEulerScheduler(
            sigma_min=0.002,
            sigma_max=80,
            sigma_data=0.5,
            sigma_schedule="karras",
            num_train_timesteps=1000,
            prediction_type="epsilon",
            rho=7.0,
            final_sigmas_type="sigma_min",
        ),
        safety_checker=Unguarded(),
    )
    pipeline.register_modules(safety_checker=None)  # cannot be saved
    return pipeline


def _mochi() -> Any:
    return diffusers.MochiPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_t5(),
        transformer=diffusers.MochiTransformer3DModel(
            patch_size=2,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=2,
            pooled_projection_dim=16,
            in_channels=12,
            text_embed_dim=_TEXT_WIDTH,
            time_embed_dim=4,
            max_sequence_length=16,
        ),
        vae=diffusers.AutoencoderKLMochi(
            latent_channels=12,
            encoder_block_out_channels=(32, 32, 32, 32),
            decoder_block_out_channels=(32, 32, 32, 32),
            layers_per_block=(1, 1, 1, 1, 1),
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(
            num_train_timesteps=1000, invert_sigmas=True
        ),
    )


def _hunyuan() -> Any:
    return diffusers.HunyuanVideoPipeline(
        tokenizer=_tokenizer(512),
        text_encoder=_llama(),
        tokenizer_2=_tokenizer(77),
        text_encoder_2=_clip(),
        transformer=diffusers.HunyuanVideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            patch_size=1,
            patch_size_t=1,
            guidance_embeds=True,
            text_embed_dim=_TEXT_WIDTH,
            pooled_projection_dim=8,
            rope_axes_dim=(2, 4, 4),
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo(
            latent_channels=4,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=4,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
    )


def _llama() -> Any:
    return LlamaModel(
        LlamaConfig(
            vocab_size=64,
            hidden_size=_TEXT_WIDTH,
            intermediate_size=37,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            pad_token_id=0,
            eos_token_id=1,
        )
    ).eval()


def _clip() -> Any:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=64,
            hidden_size=8,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=32,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=2,
        )
    ).eval()


PIPELINES: dict[str, Callable[[], Any]] = {
    "wan": _wan,
    "wan2.2": _wan_of_two,
    "ltx": _ltx,
    "cogvideox": _cogvideox,
    "cosmos": _cosmos,
    "mochi": _mochi,
    "hunyuan": _hunyuan,
}

_KNOWN: dict[str, tuple[str, str | None, int]] = {
    "wan": ("WanPipeline", "WanImageToVideoPipeline", 4),
    "wan2.2": ("WanPipeline", None, 4),
    "ltx": ("LTXPipeline", "LTXImageToVideoPipeline", 4),
    "cogvideox": ("CogVideoXPipeline", None, 4),
    "cosmos": ("CosmosTextToWorldPipeline", None, 4),
    "mochi": ("MochiPipeline", None, 6),
    "hunyuan": ("HunyuanVideoPipeline", None, 4),
}
