"""Puts a pipeline where its plan wants it: on the device, or waiting in RAM and visiting it."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any

import torch
from diffusers.hooks.group_offloading import apply_group_offloading

from reelyard.catalog import Role
from reelyard.plan import Offload
from worker.engines.video.components import networks

_RAM = torch.device("cpu")


def possible(device: str, offload: Offload) -> Offload:
    """None where RAM and the device's memory are one: there is nowhere else to wait."""
    return Offload.NONE if _is_one_pool(torch.device(device)) else offload


def place(pipeline: Any, device: str, offload: Offload) -> None:
    """Move the pipeline's weights, or hook them so that they visit the device when needed."""
    if offload is Offload.NONE:
        pipeline.to(device)
    elif offload is Offload.MODEL:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        _in_pieces(pipeline, torch.device(device), offload)


def set_tiling(pipeline: Any, wanted: bool) -> bool:
    """Decode in tiles, or whole. VAEs without tiling are left alone; says which it is."""
    switch = getattr(pipeline.vae, "enable_tiling" if wanted else "disable_tiling", None)
    if switch is None:
        return False
    switch()
    return wanted


def release() -> None:
    """Give memory back that no tensor uses any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _in_pieces(pipeline: Any, device: torch.device, offload: Offload) -> None:
    """Weights visit the device in pieces, the next one fetched meanwhile where there are streams.

    A denoiser works at every step: its blocks, or its layers, wait in pinned memory (diffusers 0.42
    cannot pin int8 on the way). An encoder works once: its layers are pinned on the way. A VAE is
    small and would come again for every tile: it comes as a whole.
    """
    size = "block_level" if offload is Offload.GROUP else "leaf_level"
    for role, network in networks(pipeline):
        if role is Role.VAE:
            _visit(network, device)
            continue
        denoises = role is Role.DENOISER
        apply_group_offloading(
            network,
            onload_device=device,
            offload_device=_RAM,
            offload_type=size if denoises else "leaf_level",
            num_blocks_per_group=1,
            use_stream=device.type == "cuda",
            low_cpu_mem_usage=not denoises,
        )


def _visit(vae: Any, device: torch.device) -> None:
    """A VAE is called by `encode` and `decode`; hooks of diffusers wait for `forward`."""
    vae.encode = _there_and_back(vae, vae.encode, device)
    vae.decode = _there_and_back(vae, vae.decode, device)


def _there_and_back(vae: Any, work: Callable[..., Any], device: torch.device) -> Callable[..., Any]:
    @functools.wraps(work)
    def visit(*args: Any, **kwargs: Any) -> Any:
        vae.to(device)
        try:
            return work(*args, **kwargs)
        finally:
            vae.to(_RAM)

    return visit


def _is_one_pool(device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    return bool(torch.cuda.get_device_properties(device).is_integrated)
