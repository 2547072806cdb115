"""The CPU and its RAM, as one device."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from pathlib import Path

import psutil

from worker.probe import Measurement

GIB = 1024.0**3


class HostProbe:
    """The CPU of this machine; `share` of its RAM may be used by tasks, at most `most_gib`."""

    def __init__(self, share: float, most_gib: float = math.inf) -> None:
        self._share, self._most_bytes = share, most_gib * GIB

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """One device, always. Foreign is what others hold beyond the share left to them."""
        memory = psutil.virtual_memory()
        limit = min(memory.total, ram_limit(memory.total))
        usable = min(limit * self._share, self._most_bytes)
        own = sum(_resident(pid) for pid in own_pids)
        others = max(0.0, memory.total - memory.available - own)
        foreign = max(0.0, others - (memory.total - usable))
        free = max(0.0, min(usable - own - foreign, float(memory.available)))
        return [
            Measurement(
                id="cpu",
                kind="cpu",
                name=_cpu_name(),
                memory_gib=round(usable / GIB, 2),
                free_gib=round(free / GIB, 2),
                foreign_gib=round(foreign / GIB, 2),
                type="cpu",
                utilisation=psutil.cpu_percent() / 100,
            )
        ]


def ram_limit(total: int, cgroup: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """A container may have less than the machine, in bytes."""
    try:
        said = cgroup.read_text(encoding="utf-8").strip()
    except OSError:
        return total
    return int(said) if said.isdigit() else total


def ram_gib() -> float:
    """All of this machine's RAM."""
    total = psutil.virtual_memory().total
    return round(min(total, ram_limit(total)) / GIB, 2)


def ram_free_gib() -> float:
    """What programs could still have of it."""
    memory = psutil.virtual_memory()
    return round(min(memory.available, ram_limit(memory.total)) / GIB, 2)


def mapped_gib(pid: int) -> float:
    """What a process has in RAM of files that it has mapped: weights, mostly."""
    try:
        return float(getattr(psutil.Process(pid).memory_info(), "shared", 0)) / GIB
    except psutil.Error:
        return 0.0


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "cpu"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()
