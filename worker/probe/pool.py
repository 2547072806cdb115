"""One memory that CPU and GPU share: a Jetson's, a DGX Spark's. Read from the kernel, because NVML
does not count it. Never asks the GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
_KIB_PER_GIB = 1024.0**2
_KEPT_FOR_THE_SYSTEM_GIB = 1.5
CPU_PART_GIB = 2.0
"""Of the one memory that CPU and GPU share: for voices and films. Were both to offer all of it, it
would be promised twice."""


@dataclass(frozen=True, slots=True)
class Pool:
    """GiB: all of it, what the GPU may have at most, and what it could have now."""

    total: float
    usable: float
    free: float


def shared_pool(meminfo: Path = MEMINFO) -> Pool:
    """The memory as it is now. Raises OSError where the kernel tells nothing."""
    total, available = _read(meminfo)
    usable = max(0.0, total - _KEPT_FOR_THE_SYSTEM_GIB - CPU_PART_GIB)
    return Pool(round(total, 2), round(usable, 2), round(min(usable, available), 2))


def _read(meminfo: Path) -> tuple[float, float]:
    """GiB: MemTotal and MemAvailable."""
    found = {"MemTotal": 0.0, "MemAvailable": 0.0}
    for line in meminfo.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = float(rest.split()[0]) / _KIB_PER_GIB
    return found["MemTotal"], found["MemAvailable"]
