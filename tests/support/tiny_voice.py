"""A VITS voice with random weights, on disk as a hub would have it: letters in, noise out."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import VitsConfig, VitsModel, VitsTokenizer

LETTERS = " abcdefghijklmnopqrstuvwxyz'"


def make_voice(folder: Path, phonemize: bool = False, stochastic: bool = True) -> Path:
    """Writes the voice; its hop is 256 samples at 16 kHz."""
    folder.mkdir(parents=True)
    vocabulary = {letter: number for number, letter in enumerate(LETTERS, start=1)}
    words = folder / "vocab.json"
    words.write_text(json.dumps({"_": 0, **vocabulary, "<unk>": len(vocabulary) + 1}))
    tokenizer = VitsTokenizer(
        str(words), pad_token="_", unk_token="<unk>", phonemize=phonemize, is_uroman=False
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = VitsConfig(
        vocab_size=len(vocabulary) + 2,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        ffn_dim=64,
        flow_size=32,
        spectrogram_bins=33,
        use_stochastic_duration_prediction=stochastic,
        duration_predictor_filter_channels=32,
        upsample_initial_channel=64,
        upsample_rates=[8, 8, 2, 2],
        upsample_kernel_sizes=[16, 16, 4, 4],
        prior_encoder_num_wavenet_layers=2,
        posterior_encoder_num_wavenet_layers=2,
        wavenet_dilation_rate=1,
        sampling_rate=16_000,
    )
    VitsModel(config).save_pretrained(folder)
    return folder
