"""NVIDIA GPUs, through NVML. Asks nothing of torch, so the supervising process stays light.

Written against nvidia-ml-py's documented answers; tests play them back from recordings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from worker.probe import Measurement

GIB = 1024.0**3
log = logging.getLogger(__name__)


def nvml() -> Any:
    """The library, or None where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception as absent:  # NVMLError has a class per code, and no driver is no error
        log.debug("no NVML: %s", absent)
        return None
    return pynvml


class NvidiaProbe:
    """Every GPU that NVML lists."""

    def __init__(self, library: Any) -> None:
        self._nvml = library

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """One device per GPU. A reading that a GPU does not offer is left out, and so is a GPU that
        does not answer: the others work on."""
        if self._nvml is None:
            return []
        own, found = frozenset(own_pids), []
        for index in range(self._nvml.nvmlDeviceGetCount()):
            try:
                found.append(self._device(index, own))
            except self._nvml.NVMLError as silent:
                log.warning("GPU %d does not answer: %s", index, silent)
        return found

    def _device(self, index: int, own: frozenset[int]) -> Measurement:
        api = self._nvml
        handle = api.nvmlDeviceGetHandleByIndex(index)
        memory = api.nvmlDeviceGetMemoryInfo(handle)
        ours = self._used_by(handle, own)
        capability = self._ask(lambda: api.nvmlDeviceGetCudaComputeCapability(handle))
        busy = self._ask(lambda: api.nvmlDeviceGetUtilizationRates(handle).gpu)
        milliwatts = self._ask(lambda: api.nvmlDeviceGetPowerUsage(handle))
        return Measurement(
            id=f"cuda:{index}",
            kind="cuda",
            name=_text(api.nvmlDeviceGetName(handle)),
            memory_gib=round(memory.total / GIB, 2),
            free_gib=round(memory.free / GIB, 2),
            foreign_gib=round(max(0.0, memory.used - ours) / GIB, 2),
            compute_capability=".".join(str(part) for part in capability) if capability else "",
            utilisation=None if busy is None else busy / 100,
            temperature_c=self._ask(lambda: float(api.nvmlDeviceGetTemperature(handle, 0))),
            power_w=None if milliwatts is None else milliwatts / 1000,
        )

    def _used_by(self, handle: Any, own: frozenset[int]) -> float:
        running = self._ask(lambda: self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or []
        return float(sum(p.usedGpuMemory or 0 for p in running if p.pid in own))

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except self._nvml.NVMLError:
            return None


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
