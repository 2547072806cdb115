"""A second pair of ears: loudness and true peak by other means than the product's."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
from numpy.typing import NDArray

_OVERSAMPLING = 8


def lufs(audio: NDArray[np.float32], rate: int) -> float:
    """Integrated loudness, BS.1770, by pyloudnorm."""
    return float(pyloudnorm.Meter(rate).integrated_loudness(audio))


def true_peak_db(audio: NDArray[np.float32]) -> float:
    """The highest point of the curve through all samples, by Fourier interpolation."""
    size = 1 << (len(audio) - 1).bit_length()
    spectrum = np.fft.rfft(audio, size)
    padded = np.zeros(size * _OVERSAMPLING // 2 + 1, spectrum.dtype)
    padded[: len(spectrum)] = spectrum
    curve = np.fft.irfft(padded, size * _OVERSAMPLING) * _OVERSAMPLING
    return 20 * math.log10(float(np.abs(curve).max()))
