"""Compiles the blocks of a denoiser, and takes that back; the work is done at their first call."""

from __future__ import annotations

from typing import Any

from torch._dynamo.exc import TorchDynamoException

from worker.engines.video.components import blocks, denoisers


def set_compiled(pipeline: Any, wanted: bool) -> None:
    """Blocks repeat, so one is compiled and serves for all."""
    for denoiser in denoisers(pipeline):
        if not wanted:
            _forget(denoiser)
        elif getattr(denoiser, "_repeated_blocks", None):
            denoiser.compile_repeated_blocks(fullgraph=False)
        else:
            for _, block in blocks(denoiser):
                block.compile(fullgraph=False)


def is_of_the_compiler(wrong: Exception) -> bool:
    """Raised while compiling, not by what was compiled."""
    return isinstance(wrong, TorchDynamoException)


def _forget(denoiser: Any) -> None:
    for module in denoiser.modules():
        module._compiled_call_impl = None
