"""Measures the memory of an engine process, and gives back what nobody holds any more."""

from __future__ import annotations

import gc
from pathlib import Path

GIB = 1024.0**3
_KIB_PER_GIB = 1024.0**2


class Meter:
    """Of one device: torch's own count on a GPU, the process's resident pages on the CPU."""

    def __init__(self, device_id: str) -> None:
        self._device = device_id

    def begin(self) -> None:
        """The peak counts from here."""
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            _reset_peak()

    def used_gib(self) -> float:
        """Held now."""
        if self._device.startswith("cuda"):
            import torch

            return float(torch.cuda.memory_allocated(self._device)) / GIB
        return _status_gib("VmRSS")

    def peak_gib(self) -> float:
        """The most that was held since `begin`."""
        if self._device.startswith("cuda"):
            import torch

            return float(torch.cuda.max_memory_reserved(self._device)) / GIB
        return _status_gib("VmHWM")

    def release(self) -> None:
        """Collect what is not referenced and hand it back to the device."""
        gc.collect()
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return  # not Linux, or not allowed: the peak is then that of the process's life


def _status_gib(name: str) -> float:
    try:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    for line in text.splitlines():
        if line.startswith(name + ":"):
            return float(line.split()[1]) / _KIB_PER_GIB
    return 0.0
