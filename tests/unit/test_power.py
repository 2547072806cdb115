"""A power limit, lowered and restored: NVML's documented answers played back, in milliwatts."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from worker.power import UNCAPPED, Lowered, NvmlPower, lowered


class NVMLError(Exception):
    """As nvidia-ml-py raises it."""


@dataclass
class Nvml:
    """The part of pynvml that is asked: limits by card. `refuses`: calls that are not allowed."""

    NVMLError = NVMLError
    limits: list[int] = field(default_factory=lambda: [450_000, 300_000])
    refuses: set[str] = field(default_factory=set)
    was_set: list[tuple[int, int]] = field(default_factory=list)

    def _may(self, call: str) -> None:
        if call in self.refuses:
            raise NVMLError("Insufficient Permissions")

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        if index >= len(self.limits):
            raise NVMLError("Invalid Argument")
        return index

    def nvmlDeviceGetPowerManagementLimit(self, card: int) -> int:  # noqa: N802
        self._may("get")
        return self.limits[card]

    def nvmlDeviceGetPowerManagementLimitConstraints(self, card: int) -> list[int]:  # noqa: N802
        return [150_000, 600_000]

    def nvmlDeviceSetPowerManagementLimit(self, card: int, limit: int) -> None:  # noqa: N802
        self._may("set")
        assert isinstance(limit, int)
        self.limits[card] = limit
        self.was_set.append((card, limit))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "power.json"


def test_it_is_lowered_for_a_run_and_restored(file: Path) -> None:
    nvml = Nvml()
    power = NvmlPower(nvml, file)
    with lowered(power, "cuda:0", 0.85) as found:
        assert found == Lowered(0.85)
        assert nvml.limits == [382_500, 300_000]
        assert json.loads(file.read_text()) == {"cuda:0": [450_000, 382_500]}
    assert nvml.limits == [450_000, 300_000]
    assert json.loads(file.read_text()) == {}


def test_a_run_that_breaks_off_leaves_nothing_lowered(file: Path) -> None:
    nvml = Nvml()
    with pytest.raises(RuntimeError), lowered(NvmlPower(nvml, file), "cuda:1", 0.7):
        raise RuntimeError
    assert nvml.limits == [450_000, 300_000]


def test_no_lower_than_the_card_goes(file: Path) -> None:
    with lowered(NvmlPower(Nvml(), file), "cuda:1", 0.3) as found:
        assert found.share == 0.5


def test_without_a_cap_nothing_is_asked(file: Path) -> None:
    nvml = Nvml(refuses={"get", "set"})
    with lowered(NvmlPower(nvml, file), "cuda:0", None) as found:
        assert found is UNCAPPED
    with lowered(None, "cuda:0", 0.8) as found:
        assert found is UNCAPPED
    assert not file.exists()


@pytest.mark.parametrize(
    ("library", "device", "said"),
    [
        (Nvml(refuses={"set"}), "cuda:0", "Insufficient Permissions"),
        (Nvml(refuses={"get"}), "cuda:0", "Insufficient Permissions"),
        (Nvml(), "cuda:7", "Invalid Argument"),
        (Nvml(), "cpu", "has no power limit"),
        (None, "cuda:0", "has no power limit"),
    ],
    ids=["no privilege", "no reading", "no such card", "a processor", "no driver"],
)
def test_where_it_is_refused_it_is_said_once(
    library: Any, device: str, said: str, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    power = NvmlPower(library, file)
    with caplog.at_level(logging.WARNING):
        first, second = (power.lower(device, 0.8) for _ in range(2))
    assert first.share is None and said in first.note and device in first.note
    assert second == UNCAPPED and len(caplog.records) == 1
    power.restore(device)
    assert not file.exists() or json.loads(file.read_text()) == {}


def test_what_a_killed_worker_left_lowered_is_restored_at_the_next_start(file: Path) -> None:
    nvml = Nvml()
    NvmlPower(nvml, file).lower("cuda:0", 0.6)
    assert nvml.limits[0] == 270_000
    NvmlPower(nvml, file).restore_all()
    assert nvml.limits[0] == 450_000 and json.loads(file.read_text()) == {}


def test_a_second_life_lowers_from_the_first_limit(file: Path) -> None:
    nvml = Nvml()
    NvmlPower(nvml, file).lower("cuda:0", 0.6)
    again = NvmlPower(nvml, file)
    assert again.lower("cuda:0", 0.8) == Lowered(0.8) and nvml.limits[0] == 360_000
    again.restore("cuda:0")
    assert nvml.limits[0] == 450_000


def test_a_limit_that_somebody_has_set_meanwhile_stays(file: Path) -> None:
    nvml = Nvml()
    power = NvmlPower(nvml, file)
    power.lower("cuda:0", 0.6)
    nvml.limits[0] = 400_000
    power.restore("cuda:0")
    assert nvml.limits[0] == 400_000 and json.loads(file.read_text()) == {}


def test_one_that_cannot_be_restored_now_is_later(file: Path) -> None:
    nvml = Nvml()
    power = NvmlPower(nvml, file)
    power.lower("cuda:0", 0.6)
    nvml.refuses.add("set")
    power.restore("cuda:0")
    assert "cuda:0" in json.loads(file.read_text())
    nvml.refuses.clear()
    power.restore_all()
    assert nvml.limits[0] == 450_000


@pytest.mark.parametrize("text", ["", "[]", '{"cuda:0": 3}', '{"cuda:0": ["a", "b"]}'])
def test_a_file_that_makes_no_sense_is_none(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    nvml = Nvml()
    power = NvmlPower(nvml, file)
    power.restore_all()
    with lowered(power, "cuda:0", 0.8) as found:
        assert found.share == 0.8
    assert nvml.limits[0] == 450_000
