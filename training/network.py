"""The parts of the demo model before training, and sampling without a pipeline.

Text encoder, tokenizer and transformer; everything is tiny. The classes are those of the ordinary
Wan pipeline, or of `worker.engines.demo`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from worker.engines.demo.transformer import PlacedWan

TEXT_WIDTH = 64
TEXT_LENGTH = 16
SHIFT = 3.0


def transformer(channels: int, layers: int = 4, heads: int = 6, head_dim: int = 32) -> PlacedWan:
    return PlacedWan(
        patch_size=(1, 2, 2),
        num_attention_heads=heads,
        attention_head_dim=head_dim,
        in_channels=channels,
        out_channels=channels,
        text_dim=TEXT_WIDTH,
        freq_dim=64,
        ffn_dim=512,
        num_layers=layers,
        cross_attn_norm=True,
        rope_max_seq_len=32,
    )


def text_encoder(words: int) -> nn.Module:
    from transformers import UMT5Config, UMT5EncoderModel

    encoder = UMT5EncoderModel(
        UMT5Config(
            vocab_size=words,
            d_model=TEXT_WIDTH,
            d_kv=16,
            d_ff=128,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
        )
    )
    nn.init.normal_(encoder.shared.weight, std=0.5)
    return encoder


def tokenizer(words: list[str]) -> Any:
    """One number per word; the first three words are <pad>, </s>, <unk>."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    t.normalizer, t.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=t,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=TEXT_LENGTH,
    )


def encode(tok: Any, encoder: nn.Module, captions: list[str]) -> Tensor:
    """[n, length, width] with zeros after the real tokens, as WanPipeline does it."""
    x = tok(
        captions, padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
    )
    states = encoder(x.input_ids, x.attention_mask).last_hidden_state
    kept: Tensor = states * x.attention_mask[..., None]
    return kept


def sample(
    dit: Any, text: Tensor, shape: tuple[int, ...], steps: int = 10, seed: int = 0
) -> Tensor:
    """Euler steps along the same path as the pipeline's scheduler takes; latents [n, *shape]."""
    z = torch.randn(len(text), *shape, generator=torch.Generator().manual_seed(seed))
    t = torch.linspace(1, 0, steps + 1)
    t = SHIFT * t / (1 + (SHIFT - 1) * t)
    t[0] = 0.999
    for now, then in pairwise(t):
        clean = dit(z, torch.full((len(z),), float(now) * 1000), text, return_dict=False)[0]
        noise = (z - (1 - now) * clean) / now
        z = (1 - then) * clean + then * noise
    return z
