"""Probes with recorded answers: NVML as documented, a Jetson's files, a container's limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from worker.agent import measure
from worker.probe import Measurement
from worker.probe.host import HostProbe, ram_limit
from worker.probe.jetson import CPU_PART_GIB, JetsonProbe
from worker.probe.nvidia import NvidiaProbe

GIB = 1024**3


class NVMLError(Exception):
    """As nvidia-ml-py raises it."""


@dataclass
class Card:
    """One GPU's answers; `dumb` names the questions that it does not answer."""

    name: str | bytes = "NVIDIA GeForce RTX 4090"
    total: int = 24 * GIB
    used: int = 3 * GIB
    processes: Sequence[tuple[int, int | None]] = ()
    dumb: frozenset[str] = field(default_factory=frozenset)


class Nvml:
    """The part of pynvml that is asked."""

    NVMLError = NVMLError

    def __init__(self, *cards: Card) -> None:
        self.cards = cards

    def _answer(self, card: Card, question: str, value: Any) -> Any:
        if question in card.dumb:
            raise NVMLError("Not Supported")
        return value

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:  # noqa: N802
        return self._answer(self.cards[index], "handle", self.cards[index])

    def nvmlDeviceGetName(self, card: Card) -> str | bytes:  # noqa: N802
        return card.name

    def nvmlDeviceGetMemoryInfo(self, card: Card) -> Any:  # noqa: N802
        info = SimpleNamespace(total=card.total, used=card.used, free=card.total - card.used)
        return self._answer(card, "memory", info)

    def nvmlDeviceGetCudaComputeCapability(self, card: Card) -> tuple[int, int]:  # noqa: N802
        return self._answer(card, "capability", (8, 9))

    def nvmlDeviceGetUtilizationRates(self, card: Card) -> Any:  # noqa: N802
        return self._answer(card, "utilisation", SimpleNamespace(gpu=40, memory=10))

    def nvmlDeviceGetPowerUsage(self, card: Card) -> int:  # noqa: N802
        return self._answer(card, "power", 215_300)

    def nvmlDeviceGetTemperature(self, card: Card, sensor: int) -> int:  # noqa: N802
        assert sensor == 0
        return self._answer(card, "temperature", 61)

    def nvmlDeviceGetComputeRunningProcesses(self, card: Card) -> list[Any]:  # noqa: N802
        found = [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in card.processes]
        return self._answer(card, "processes", found)


def test_a_gpu_as_nvml_describes_it() -> None:
    card = Card(processes=[(10, GIB), (11, 2 * GIB)])
    assert NvidiaProbe(Nvml(card)).measure([10]) == [
        Measurement(
            id="cuda:0",
            kind="cuda",
            name="NVIDIA GeForce RTX 4090",
            memory_gib=24.0,
            free_gib=21.0,
            foreign_gib=2.0,
            compute_capability="8.9",
            utilisation=0.4,
            temperature_c=61.0,
            power_w=215.3,
        )
    ]


def test_a_reading_that_a_gpu_does_not_offer_is_left_out() -> None:
    asked = {"capability", "utilisation", "power", "temperature", "processes"}
    (found,) = NvidiaProbe(Nvml(Card(name=b"Tesla M40", dumb=frozenset(asked)))).measure([10])
    assert (found.name, found.compute_capability) == ("Tesla M40", "")
    assert found.utilisation is found.power_w is found.temperature_c is None
    assert found.foreign_gib == 3.0  # whose it is cannot be asked: it counts as foreign


def test_memory_that_a_driver_does_not_tell_counts_as_nothing_of_ours() -> None:
    """Windows and some containers do not tell a process's memory."""
    (found,) = NvidiaProbe(Nvml(Card(processes=[(10, None)]))).measure([10])
    assert found.foreign_gib == 3.0


@pytest.mark.parametrize("question", ["handle", "memory"])
def test_a_gpu_that_does_not_answer_leaves_the_others_alone(question: str) -> None:
    cards = Nvml(Card(dumb=frozenset({question})), Card())
    assert [found.id for found in NvidiaProbe(cards).measure([])] == ["cuda:1"]


def test_without_a_driver_there_are_no_gpus() -> None:
    assert NvidiaProbe(None).measure([]) == []


def test_a_probe_that_fails_costs_its_own_devices_only() -> None:
    class Broken:
        def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
            raise NVMLError("Driver/library version mismatch")

    assert [found.id for found in measure([Broken(), HostProbe(0.75)], [])] == ["cpu"]


# Jetson.

MEMINFO = (
    "MemTotal:       15989484 kB\nMemFree:  100 kB\nMemAvailable:   12058624 kB\nBuffers: 1 kB\n"
)


def a_jetson(folder: Path, model: str = "NVIDIA Jetson AGX Orin Developer Kit") -> JetsonProbe:
    (folder / "model").write_bytes(model.encode() + b"\0")
    (folder / "meminfo").write_text(MEMINFO)
    return JetsonProbe(folder / "model", folder / "meminfo")


def test_a_jetson_shares_its_memory_with_the_system_and_the_cpu(tmp_path: Path) -> None:
    (found,) = a_jetson(tmp_path).measure([])
    assert (found.id, found.kind, found.unified) == ("cuda:0", "jetson", True)
    assert found.name == "NVIDIA Jetson AGX Orin Developer Kit"
    total = 15989484 / 1024**2
    assert found.memory_gib == pytest.approx(total - 1.5 - CPU_PART_GIB, abs=0.01)
    assert found.free_gib == pytest.approx(12058624 / 1024**2, abs=0.01)


def test_any_other_board_is_none(tmp_path: Path) -> None:
    assert a_jetson(tmp_path, "Raspberry Pi 5").measure([]) == []
    assert JetsonProbe(tmp_path / "none", tmp_path / "none").measure([]) == []


# The CPU.


def test_the_cpu_offers_a_share_of_the_memory() -> None:
    (half,), (all_of_it,) = HostProbe(0.5).measure([]), HostProbe(1.0).measure([])
    assert half.kind == "cpu" and half.name
    assert half.memory_gib == pytest.approx(all_of_it.memory_gib / 2, abs=0.02)
    assert 0 <= half.free_gib <= half.memory_gib and half.foreign_gib >= 0


def test_beside_a_gpu_that_shares_the_memory_it_offers_little() -> None:
    (found,) = HostProbe(0.75, most_gib=0.25).measure([])
    assert found.memory_gib == 0.25


@pytest.mark.parametrize(
    ("said", "limit"),
    [("max\n", 100), ("64\n", 64), ("", 100), ("-1", 100), (None, 100)],
)
def test_a_container_s_limit(tmp_path: Path, said: str | None, limit: int) -> None:
    file = tmp_path / "memory.max"
    if said is not None:
        file.write_text(said)
    assert ram_limit(100, file) == limit


def test_what_our_own_processes_hold_is_not_free() -> None:
    (without,) = HostProbe(0.5).measure([])
    (with_us,) = HostProbe(0.5).measure([os.getpid()])
    own_gib = psutil.Process().memory_info().rss / GIB
    assert with_us.memory_gib - with_us.free_gib >= own_gib - 0.02
    assert with_us.foreign_gib <= without.foreign_gib + 0.02
