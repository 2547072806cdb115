"""NVIDIA GPUs, through NVML. Asks nothing of torch, so the supervising process stays light.

Written against nvidia-ml-py's documented answers; tests play them back from recordings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelyard.catalog.device import DeviceType
from reelyard.catalog.identify import device_type
from worker.probe import Measurement
from worker.probe.pool import MEMINFO, shared_pool

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


@dataclass(frozen=True, slots=True)
class _Memory:
    """GiB; `total` is all that the device counts, `usable` what it may promise."""

    total: float
    usable: float
    free: float
    foreign: float = 0.0
    unified: bool = False


class NvidiaProbe:
    """Every GPU that NVML lists."""

    def __init__(
        self, library: Any, devices: Mapping[str, DeviceType], meminfo: Path = MEMINFO
    ) -> None:
        self._nvml, self._devices, self._meminfo = library, devices, meminfo

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """One device per GPU. A reading that a GPU does not offer is left out, and so is a GPU that
        does not answer: the others work on."""
        if self._nvml is None:
            return []
        own, found = frozenset(own_pids), []
        for index in range(self._nvml.nvmlDeviceGetCount()):
            try:
                found.append(self._device(index, own))
            except (self._nvml.NVMLError, OSError) as silent:
                log.warning("GPU %d does not answer: %s", index, silent)
        return found

    def _device(self, index: int, own: frozenset[int]) -> Measurement:
        api = self._nvml
        handle = api.nvmlDeviceGetHandleByIndex(index)
        name = _text(api.nvmlDeviceGetName(handle))
        memory = self._memory(handle, name, own)
        kind = device_type(name, memory.total, self._devices)
        capability = self._ask(lambda: api.nvmlDeviceGetCudaComputeCapability(handle))
        busy = self._ask(lambda: api.nvmlDeviceGetUtilizationRates(handle).gpu)
        return Measurement(
            id=f"cuda:{index}",
            kind="cuda",
            name=name,
            type=kind.id if kind else "",
            memory_gib=round(memory.usable, 2),
            free_gib=round(memory.free, 2),
            foreign_gib=round(memory.foreign, 2),
            unified=memory.unified,
            compute_capability=".".join(str(part) for part in capability) if capability else "",
            utilisation=None if busy is None else busy / 100,
            temperature_c=self._ask(lambda: float(api.nvmlDeviceGetTemperature(handle, 0))),
            power_w=self._watts(lambda: api.nvmlDeviceGetPowerUsage(handle)),
            power_limit_w=self._watts(lambda: api.nvmlDeviceGetPowerManagementLimit(handle)),
        )

    def _memory(self, handle: Any, name: str, own: frozenset[int]) -> _Memory:
        """NVML counts a card's own memory; a GPU that shares the RAM has none to count."""
        kind = device_type(name, None, self._devices)
        if kind is not None and kind.unified:
            pool = shared_pool(self._meminfo)
            return _Memory(pool.total, pool.usable, pool.free, unified=True)
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        total, free, used = memory.total / GIB, memory.free / GIB, memory.used
        return _Memory(total, total, free, max(0.0, used - self._used_by(handle, own)) / GIB)

    def _watts(self, question: Callable[[], Any]) -> float | None:
        milliwatts = self._ask(question)
        return None if milliwatts is None else milliwatts / 1000

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
