"""What a device sustains: matrix products, attention, convolutions, memory. Pure.

Three facts of a data sheet carry it (best measured bf16 matrix rate, memory bandwidth, exponentials
a second); what kernels make of them are the few constants below, one per kernel and architecture.
They were set on published times (`bench/published`) and are shares of something physical, so they
hold for devices that were never timed.
"""

from __future__ import annotations

from dataclasses import dataclass

from reelyard.catalog import Architecture, DeviceType
from reelyard.plan import Attention, Precision

MATMUL_SHARE = 0.95
"""Of the best measured rate, what the linear layers of a large denoiser reach."""
BANDWIDTH_SHARE = 0.8
"""Of the data sheet's bandwidth, what streaming kernels reach."""
REACHES_MEMORY = 0.75
"""Of the bytes that separate kernels read and write, what caches do not absorb."""
FUSED = 0.5
"""The same when compiled: neighbouring element-wise kernels become one."""
CONVOLUTION_SHARE = 0.25
"""Three-dimensional convolutions of a VAE, of the matrix rate of their number format."""
INT8_EAGER = 1.07
"""Weight-only int8 scales every result in a kernel of its own."""

_TENSOR_SHARE = {
    Attention.SDPA: {
        Architecture.AMPERE: 0.9,
        Architecture.ADA: 0.9,
        Architecture.HOPPER: 0.52,
        Architecture.BLACKWELL: 1.0,
        Architecture.BLACKWELL_RTX: 0.9,
        Architecture.CDNA3: 0.7,
        Architecture.CPU: 0.6,
    },
    Attention.FLASH3: {Architecture.HOPPER: 1.0},
    Attention.SAGE: {
        Architecture.AMPERE: 1.5,
        Architecture.ADA: 1.7,
        Architecture.HOPPER: 1.1,
        Architecture.BLACKWELL_RTX: 1.7,
    },
}
"""Of the best matrix rate, what the products inside attention reach. On Hopper torch's own kernel
(FlashAttention 2) uses the older instructions; Blackwell's runs through cuDNN."""

_EXPOSED = {
    (Attention.SDPA, Architecture.BLACKWELL): 0.5,
    (Attention.FLASH3, Architecture.HOPPER): 0.5,
}
_EXPOSED_ELSEWHERE = 1.0
"""Of the time for exponentials, what products do not hide (FlashAttention-3, arXiv 2407.08608,
section 3.1, is about hiding it)."""


@dataclass(frozen=True, slots=True)
class Rates:
    """In 1/s: floating-point operations of products and convolutions, bytes."""

    matmul: float
    bytes: float
    convolution: float
    convolution_fp32: float


def rates(device: DeviceType, precision: Precision, compiled: bool) -> Rates:
    """What the device sustains in this number format."""
    best = device.matmul_tflops.value * 1e12
    full = device.fp32_tflops.value * 1e12
    products = full if precision is Precision.FP32 else best
    fused = FUSED if compiled else REACHES_MEMORY
    return Rates(
        matmul=products * MATMUL_SHARE,
        bytes=device.bandwidth_gb_s.value * 1e9 * BANDWIDTH_SHARE / fused,
        convolution=products * CONVOLUTION_SHARE,
        convolution_fp32=full * CONVOLUTION_SHARE,
    )


def kernel_for(device: DeviceType, wanted: Attention) -> Attention:
    """The kernel that will run: the wanted one where there is such a one, else torch's own."""
    return wanted if device.architecture in _TENSOR_SHARE[wanted] else Attention.SDPA


def attention_rate(
    device: DeviceType, kernel: Attention, head_dim: int, precision: Precision
) -> float:
    """Floating-point operations a second: products and exponentials follow one another in part.

    A pair of positions costs 4 x head_dim operations and one exponential, so small heads and
    devices with much tensor for few special-function units are slower.
    """
    share = _TENSOR_SHARE[kernel][device.architecture]
    full = device.fp32_tflops if precision is Precision.FP32 else device.matmul_tflops
    products = 1.0 / (share * full.value * 1e12)
    exposed = _EXPOSED.get((kernel, device.architecture), _EXPOSED_ELSEWHERE)
    exponentials = exposed / (device.exp_t_s.value * 1e12 * 4 * head_dim)
    return 1.0 / (products + exponentials)
