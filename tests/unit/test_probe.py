"""Probes with recorded answers: NVML as documented, a Jetson's files, a container's limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from reelyard.catalog import load_catalog
from reelyard.clock import SystemClock
from reelyard.settings import Settings
from worker.agent import measure
from worker.probe import Measurement
from worker.probe.host import HostProbe, ram_free_gib, ram_gib, ram_limit
from worker.probe.jetson import JetsonProbe
from worker.probe.nvidia import NvidiaProbe
from worker.probe.pool import CPU_PART_GIB
from worker.probe.storage import Disk, largest_weights, read_speed

GIB = 1024**3
MIB = 1024**2
CATALOG = load_catalog()
DEVICES = CATALOG.devices


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

    def nvmlDeviceGetPowerManagementLimit(self, card: Card) -> int:  # noqa: N802
        return self._answer(card, "limit", 300_000)

    def nvmlDeviceGetTemperature(self, card: Card, sensor: int) -> int:  # noqa: N802
        assert sensor == 0
        return self._answer(card, "temperature", 61)

    def nvmlDeviceGetComputeRunningProcesses(self, card: Card) -> list[Any]:  # noqa: N802
        found = [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in card.processes]
        return self._answer(card, "processes", found)


def of(*cards: Card, meminfo: Path = Path("/proc/meminfo")) -> NvidiaProbe:
    return NvidiaProbe(Nvml(*cards), DEVICES, meminfo)


def test_a_gpu_as_nvml_describes_it() -> None:
    card = Card(processes=[(10, GIB), (11, 2 * GIB)])
    assert of(card).measure([10]) == [
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
            power_limit_w=300.0,
            type="rtx-4090",
        )
    ]


def test_a_reading_that_a_gpu_does_not_offer_is_left_out() -> None:
    asked = {"capability", "utilisation", "power", "limit", "temperature", "processes"}
    (found,) = of(Card(name=b"Tesla M40", dumb=frozenset(asked))).measure([10])
    assert (found.name, found.type, found.compute_capability) == ("Tesla M40", "", "")
    assert found.utilisation is found.temperature_c is None
    assert found.power_w is found.power_limit_w is None
    assert found.foreign_gib == 3.0  # whose it is cannot be asked: it counts as foreign


def test_memory_that_a_driver_does_not_tell_counts_as_nothing_of_ours() -> None:
    """Windows and some containers do not tell a process's memory."""
    (found,) = of(Card(processes=[(10, None)])).measure([10])
    assert found.foreign_gib == 3.0


@pytest.mark.parametrize("question", ["handle", "memory"])
def test_a_gpu_that_does_not_answer_leaves_the_others_alone(question: str) -> None:
    silent = Card(dumb=frozenset({question}))
    assert [found.id for found in of(silent, Card()).measure([])] == ["cuda:1"]


def test_a_gpu_without_memory_of_its_own_offers_the_ram(tmp_path: Path) -> None:
    """A DGX Spark: NVML answers "not supported" when asked for its memory."""
    (tmp_path / "meminfo").write_text("MemTotal: 125513728 kB\nMemAvailable: 115343360 kB\n")
    spark = Card(name="NVIDIA GB10", dumb=frozenset({"memory", "limit"}))
    (found,) = of(spark, meminfo=tmp_path / "meminfo").measure([])
    assert (found.type, found.unified, found.power_limit_w) == ("gb10", True, None)
    assert found.memory_gib == pytest.approx(125513728 / 1024**2 - 1.5 - CPU_PART_GIB, abs=0.01)
    assert found.free_gib == pytest.approx(110.0, abs=0.01)


def test_such_a_gpu_on_a_system_that_tells_nothing_leaves_the_others_alone(tmp_path: Path) -> None:
    cards = of(Card(name="NVIDIA GB10"), Card(), meminfo=tmp_path / "none")
    assert [found.id for found in cards.measure([])] == ["cuda:1"]


def test_without_a_driver_there_are_no_gpus() -> None:
    assert NvidiaProbe(None, DEVICES).measure([]) == []


def test_a_probe_that_fails_costs_its_own_devices_only() -> None:
    class Broken:
        def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
            raise NVMLError("Driver/library version mismatch")

    assert [found.id for found in measure([Broken(), HostProbe(0.75)], [])] == ["cpu"]


# Jetson.

AGX_ORIN = "NVIDIA Jetson AGX Orin Developer Kit"


def a_jetson(folder: Path, model: str = AGX_ORIN, kib: int = 15989484) -> JetsonProbe:
    (folder / "model").write_bytes(model.encode() + b"\0")
    (folder / "meminfo").write_text(
        f"MemTotal:       {kib} kB\nMemFree:  100 kB\nMemAvailable:   12058624 kB\nBuffers: 1 kB\n"
    )
    return JetsonProbe(DEVICES, folder / "model", folder / "meminfo")


def test_a_jetson_shares_its_memory_with_the_system_and_the_cpu(tmp_path: Path) -> None:
    (found,) = a_jetson(tmp_path).measure([])
    assert (found.id, found.kind, found.unified) == ("cuda:0", "jetson", True)
    assert (found.name, found.type) == (AGX_ORIN, "")  # no AGX Orin has 16 GB: unknown
    total = 15989484 / 1024**2
    assert found.memory_gib == pytest.approx(total - 1.5 - CPU_PART_GIB, abs=0.01)
    assert found.free_gib == pytest.approx(12058624 / 1024**2, abs=0.01)


def test_any_other_board_is_none(tmp_path: Path) -> None:
    assert a_jetson(tmp_path, "Raspberry Pi 5").measure([]) == []
    assert JetsonProbe(DEVICES, tmp_path / "none", tmp_path / "none").measure([]) == []


@pytest.mark.parametrize(
    ("model", "kib", "type"),
    [
        (AGX_ORIN, 31_457_280, "jetson-agx-orin-32gb"),
        (AGX_ORIN, 64_349_208, "jetson-agx-orin-64gb"),
        ("NVIDIA Jetson Orin Nano Developer Kit", 7_802_840, "jetson-orin-nano-8gb"),
        ("NVIDIA Jetson AGX Thor Developer Kit", 128_811_824, "jetson-agx-thor"),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", 15_989_484, ""),
    ],
)
def test_the_board_s_name_and_its_memory_tell_its_type(
    tmp_path: Path, model: str, kib: int, type: str
) -> None:
    (found,) = a_jetson(tmp_path, model, kib).measure([])
    assert found.type == type


# The CPU.


def test_the_cpu_offers_a_share_of_the_memory() -> None:
    (half,), (all_of_it,) = HostProbe(0.5).measure([]), HostProbe(1.0).measure([])
    assert half.kind == half.type == "cpu" and half.name
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


def test_free_ram_is_part_of_all_ram() -> None:
    assert 0 < ram_free_gib() < ram_gib()


# The disk.


def some_weights(folder: Path, name: str, size: int) -> Path:
    """Sparse: written at once, read like any other file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.truncate(size)
    return file


class Ticking:
    """A clock on which every look takes a tenth of a second."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        self.at += 0.1
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_the_disk_is_timed_on_the_largest_weights(tmp_path: Path) -> None:
    some_weights(tmp_path / "a", "vae/model.safetensors", 40 * MIB)
    large = some_weights(tmp_path / "b", "transformer/part.safetensors", 64 * MIB)
    some_weights(tmp_path / "b", "film.mp4", 90 * MIB)
    assert largest_weights([tmp_path / "a", tmp_path / "b"]) == large


def test_where_there_is_little_to_read_nothing_is_said(tmp_path: Path) -> None:
    some_weights(tmp_path, "model.safetensors", 31 * MIB)
    assert largest_weights([tmp_path]) is None
    assert largest_weights([tmp_path / "none"]) is None


def test_a_whole_file_s_bytes_over_its_seconds(tmp_path: Path) -> None:
    """Eight pieces of 8 MiB, a look at the clock before the first and after each."""
    file = some_weights(tmp_path, "model.safetensors", 64 * MIB)
    assert read_speed(file, Ticking()) == pytest.approx(64 * MIB / 0.8 / 1e9, abs=0.001)


def test_a_slow_disk_is_given_up_after_two_seconds(tmp_path: Path) -> None:
    file, clock = some_weights(tmp_path, "model.safetensors", 512 * MIB), Ticking()
    assert read_speed(file, clock) == pytest.approx(0.0839, abs=0.001)
    assert clock.at <= 2.3


def test_no_more_than_256_mib_are_read(tmp_path: Path) -> None:
    file = some_weights(tmp_path, "model.safetensors", 512 * MIB)

    class Still(Ticking):
        def monotonic(self) -> float:
            self.at += 0.001
            return self.at

    clock = Still()
    read_speed(file, clock)
    assert clock.at == pytest.approx(0.033, abs=0.0005)


def test_a_disk_that_cannot_be_read_is_of_unknown_speed(tmp_path: Path) -> None:
    assert read_speed(tmp_path / "none.safetensors", SystemClock()) is None


def test_the_disk_is_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tiny` is a model of a farm's own, here whole; the second answer needs no file."""
    model = next(iter(CATALOG.models.values())).model_copy(update={"id": "tiny", "repo": "a/tiny"})
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "model_index.json").write_text("{}")
    file = some_weights(tmp_path / "tiny", "model.safetensors", 64 * MIB)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-cache"))
    disk = Disk(Settings(models_dir=tmp_path), Ticking())
    catalog = replace(CATALOG, models={"tiny": model})
    first = disk.read_gb_s(catalog)
    file.unlink()
    assert first is not None and disk.read_gb_s(catalog) == first
