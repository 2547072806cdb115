"""Which attention kernel a run can really have. Never runs one."""

from __future__ import annotations

import sys
from typing import Any, Final

import torch
from diffusers.models.attention_dispatch import attention_backend

from reelyard.plan import Attention, Plan, Precision

NATIVE: Final = "native"
_INSTALLED = {Attention.FLASH3: "_flash_3", Attention.SAGE: "sage"}
_FROM_THE_HUB = {Attention.FLASH3: "_flash_3_hub", Attention.SAGE: "sage_hub"}
_COMPUTE_CAPABILITY = {Attention.FLASH3: (9, 0), Attention.SAGE: (8, 0)}
_LATEST = {Attention.FLASH3: (9, 9), Attention.SAGE: (99, 0)}
_IN_FULL_PRECISION = frozenset({Precision.FP32, Precision.AUTOCAST})


class NoSuchKernel(Exception):
    """The kernel cannot be had here; the message says why."""


def kernel(plan: Plan, device: str, denoisers: tuple[Any, ...], may_download: bool) -> str:
    """diffusers' name of the plan's kernel. Raises NoSuchKernel."""
    if plan.attention is Attention.SDPA:
        return NATIVE
    refuse(plan, device)
    for denoiser in denoisers:
        if not chooses(denoiser):
            raise NoSuchKernel(f"{type(denoiser).__name__} knows torch's own only")
    return find(plan.attention, may_download)


def refuse(plan: Plan, device: str) -> None:
    """Raises NoSuchKernel where the device or the precision rules it out."""
    if plan.precision in _IN_FULL_PRECISION:
        raise NoSuchKernel(f"it computes in half precision, not in {plan.precision}")
    if torch.device(device).type != "cuda":
        raise NoSuchKernel(f"it needs a CUDA device, not {device}")
    least, latest = _COMPUTE_CAPABILITY[plan.attention], _LATEST[plan.attention]
    if not least <= (has := torch.cuda.get_device_capability(device)) <= latest:
        raise NoSuchKernel(f"it was not made for compute capability {has[0]}.{has[1]}")


def chooses(denoiser: Any) -> bool:
    """Whether its attention goes through diffusers' dispatcher; some call torch's directly."""
    modules = [sys.modules.get(kind.__module__) for kind in type(denoiser).__mro__]
    return any(hasattr(module, "dispatch_attention_fn") for module in modules)


def find(wanted: Attention, may_download: bool) -> str:
    """The installed kernel, else the one from the hub. Raises NoSuchKernel."""
    names = [_INSTALLED[wanted]] + ([_FROM_THE_HUB[wanted]] if may_download else [])
    reasons = []
    for name in names:
        try:
            with attention_backend(name):
                return name
        except Exception as wrong:  # packages, versions, downloads: whatever it is, it is not there
            reasons.append(str(wrong).strip())
    raise NoSuchKernel("; ".join(reasons))
