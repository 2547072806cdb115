"""A Jetson: its GPU shares the RAM, and NVML's memory readings are not to be trusted there.

Written from NVIDIA's documentation; no Jetson has run it yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from reelyard.catalog.device import DeviceType
from reelyard.catalog.identify import device_type
from worker.probe import Measurement
from worker.probe.pool import MEMINFO, shared_pool


class JetsonProbe:
    """The integrated GPU, by what the kernel says."""

    def __init__(
        self,
        devices: Mapping[str, DeviceType],
        model: Path = Path("/proc/device-tree/model"),
        meminfo: Path = MEMINFO,
    ) -> None:
        self._devices, self._model, self._meminfo = devices, model, meminfo

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """One device on a Jetson, none elsewhere."""
        name = self.name()
        if name is None:
            return []
        pool = shared_pool(self._meminfo)
        kind = device_type(name, pool.total, self._devices)
        return [
            Measurement(
                id="cuda:0",
                kind="jetson",
                name=name,
                memory_gib=pool.usable,
                free_gib=pool.free,
                unified=True,
                type=kind.id if kind else "",
            )
        ]

    def name(self) -> str | None:
        """What the board calls itself, when it is a Jetson."""
        try:
            said = self._model.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        except OSError:
            return None
        return said if "Jetson" in said or "Orin" in said or "Thor" in said else None
