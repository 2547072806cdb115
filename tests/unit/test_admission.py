"""Can the farm ever do it? Yes, no with numbers, or not known yet."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.core.admission import admit
from coordinator.core.snapshot import Device
from coordinator.core.split import split
from reelyard.states import WorkerState
from reelyard.storyboard import Storyboard
from tests.support.core_values import CATALOG, DEMO, LARGE, device, farm

FIXED = {"picture": "a red circle", "seconds": 3}
FREE = {"picture": "a red circle", "say": "Hello."}


def answer(scene: dict[str, Any], *devices: Device, **more: Any) -> Any:
    board = Storyboard.model_validate({"scenes": [scene], **more})
    return admit(split("job", board, CATALOG, "libx264"), farm(*devices))


def test_on_an_empty_farm_it_is_not_known() -> None:
    found = answer(FIXED)
    assert found.possible is None and "no worker has joined" in found.because


@pytest.mark.parametrize("state", WorkerState)
def test_what_fits_is_possible_even_while_its_worker_is_away(state: WorkerState) -> None:
    found = answer(FIXED, device(state=state))
    assert found.possible is True and found.needs_gib > 0


@pytest.mark.parametrize("scene", [FIXED, FREE], ids=["fixed", "free"])
def test_what_fits_nowhere_is_refused_with_the_numbers(scene: dict[str, Any]) -> None:
    found = answer(scene, device(), device(id="cuda:0"), model=LARGE)
    assert found.possible is False
    assert "Scene 1" in found.because and "GiB on one device; the largest has 24.0" in found.because


def test_one_device_that_can_is_enough() -> None:
    found = answer(FIXED, device(), device(id="cuda:0", memory_gib=80.0), model=LARGE)
    assert found.possible is True and found.needs_gib == pytest.approx(31.0, abs=0.1)


def test_a_farm_without_a_cpu_cannot_make_films() -> None:
    found = answer(FIXED, device(id="cuda:0"))
    assert found.possible is False and "runs on a CPU" in found.because


def test_a_model_that_nobody_has_is_named() -> None:
    found = answer(FIXED, device(models=frozenset()))
    assert found.possible is False and DEMO in found.because
