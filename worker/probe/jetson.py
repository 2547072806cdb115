"""A Jetson: its GPU shares the RAM, and NVML's memory readings are not to be trusted there.

Written from NVIDIA's documentation; no Jetson has run it yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worker.probe import Measurement

_KIB_PER_GIB = 1024.0**2
_KEPT_FOR_THE_SYSTEM_GIB = 1.5
CPU_PART_GIB = 2.0
"""Of the one memory that CPU and GPU share: for voices and films. Were both to offer all of it, it
would be promised twice."""


class JetsonProbe:
    """The integrated GPU, by what the kernel says."""

    def __init__(
        self,
        model: Path = Path("/proc/device-tree/model"),
        meminfo: Path = Path("/proc/meminfo"),
    ) -> None:
        self._model, self._meminfo = model, meminfo

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """One device on a Jetson, none elsewhere."""
        name = self.name()
        if name is None:
            return []
        memory = self._memory_gib()
        usable = max(0.0, memory["MemTotal"] - _KEPT_FOR_THE_SYSTEM_GIB - CPU_PART_GIB)
        return [
            Measurement(
                id="cuda:0",
                kind="jetson",
                name=name,
                memory_gib=round(usable, 2),
                free_gib=round(min(usable, memory["MemAvailable"]), 2),
                unified=True,
            )
        ]

    def name(self) -> str | None:
        """What the board calls itself, when it is a Jetson."""
        try:
            said = self._model.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        except OSError:
            return None
        return said if "Jetson" in said or "Orin" in said or "Thor" in said else None

    def _memory_gib(self) -> dict[str, float]:
        found = {"MemTotal": 0.0, "MemAvailable": 0.0}
        for line in self._meminfo.read_text(encoding="utf-8").splitlines():
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = float(rest.split()[0]) / _KIB_PER_GIB
        return found
