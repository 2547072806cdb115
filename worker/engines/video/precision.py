"""Number formats: what each network is loaded in, and how a denoiser computes from 8 bits or fp32.

Never moves a weight from one device to another for good.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from reelyard.catalog import VideoModel
from reelyard.failure import FailureKind
from reelyard.plan import Precision
from reelyard.predict.weights import in_precision
from worker.desk import TaskFailed
from worker.engines.video.components import blocks, denoisers, part_names

_LOADED_IN = {
    Precision.FP32: torch.float32,
    Precision.AUTOCAST: torch.float32,
    Precision.BF16: torch.bfloat16,
    Precision.FP16: torch.float16,
    Precision.FP8: torch.bfloat16,
    Precision.INT8: torch.bfloat16,
}
_ONLY_DENOISERS = frozenset({Precision.AUTOCAST, Precision.FP8, Precision.INT8})


def dtypes(model: VideoModel, precision: Precision) -> dict[str, torch.dtype]:
    """What to load in, by the pipeline's component; `default` for those without a part."""
    rest = Precision.BF16 if precision in _ONLY_DENOISERS else precision
    named = zip(part_names(model), model.parts, strict=True)
    return {
        "default": _LOADED_IN[rest],
        **{name: _LOADED_IN[in_precision(part, precision)] for name, part in named},
    }


def convert(pipeline: Any, precision: Precision, device: str) -> None:
    """Make the loaded denoisers what the precision says. `device` is where the quantising is done:
    a GPU takes a moment where a CPU takes minutes, but must have room for the result.

    Raises TaskFailed when torchao is missing.
    """
    for denoiser in denoisers(pipeline):
        if precision is Precision.FP8:
            denoiser.enable_layerwise_casting(
                storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.bfloat16
            )
        elif precision is Precision.INT8:
            _quantise(denoiser, device)
        elif precision is Precision.AUTOCAST:
            _cast_while_computing(denoiser)


def _quantise(denoiser: Any, device: str) -> None:
    """The linear layers of its blocks: 8 bits and a scale for each row. What lies outside of the
    blocks (embeddings, the last projection) is small, and sensitive."""
    try:
        from torchao.quantization import Int8WeightOnlyConfig, quantize_
    except ImportError as missing:
        raise TaskFailed(
            FailureKind.UNKNOWN,
            "This worker cannot hold a model in int8 without torchao. Install it there with "
            "`pip install torchao`, or take another precision.",
            repr(missing),
        ) from missing
    config = Int8WeightOnlyConfig(set_inductor_config=False)  # the compiler's settings are ours
    for _, block in blocks(denoiser):
        quantize_(block, config, device=device)


def _cast_while_computing(denoiser: Any) -> None:
    """Around the denoiser alone: a VAE that needs fp32 keeps it. Without the cache, which would
    hold a second copy of every weight to the end of the call and use none of them twice."""
    forward = denoiser.forward

    @functools.wraps(forward)  # pipelines read its signature
    def autocast(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast(denoiser.device.type, torch.bfloat16, cache_enabled=False):
            return forward(*args, **kwargs)

    denoiser.forward = autocast
