"""Can the farm ever do it? Yes, no with numbers, or not known yet; and the quote beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from coordinator.core.admission import admit, quoted
from coordinator.core.fleet import fleet_of
from coordinator.core.snapshot import Device, Snapshot
from coordinator.core.split import split
from reelyard.predict.prices import Prices, Tariff
from reelyard.predict.views import Quote
from reelyard.states import WorkerState
from reelyard.storyboard import Storyboard
from tests.support.core_values import CATALOG, DEMO, LARGE, SMALL, device, farm, shot, waiting

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
    found = answer(scene, device(), device(id="cuda:0", memory_gib=2.0), model=LARGE)
    assert found.possible is False
    assert "Scene 1" in found.because and "GiB on one device; the largest has 16.0" in found.because


def test_one_device_that_can_is_enough() -> None:
    found = answer(FIXED, device(), device(id="cuda:0"), model=LARGE)
    assert found.possible is True and 2.0 < found.needs_gib < 16.0


def test_a_farm_without_a_cpu_cannot_make_films() -> None:
    found = answer(FIXED, device(id="cuda:0"))
    assert found.possible is False and "runs on a CPU" in found.because


def test_a_model_that_nobody_has_is_named() -> None:
    found = answer(FIXED, device(models=frozenset()))
    assert found.possible is False and DEMO in found.because


H100 = {"type": "h100-sxm", "memory_gib": 79.0, "name": "NVIDIA H100 80GB HBM3"}
NOON = datetime.fromisoformat("2026-11-25T12:00:00+01:00")
PRICES = Prices("EUR", Tariff(0.3, 0.3), {"h100-sxm": 2.5})


def quote_on(snapshot: Snapshot, scene: dict[str, Any] = FIXED, model: str = SMALL) -> Quote:
    board = Storyboard.model_validate({"scenes": [scene], "model": model})
    found = admit(split("job", board, CATALOG, "libx264"), snapshot)
    return quoted(board, found, snapshot, PRICES, NOON)


class TestQuote:
    def test_it_counts_on_the_devices_as_they_are(self) -> None:
        large = device(id="cuda:0", **H100)
        found = quote_on(farm(device(), large))
        assert found.is_possible is True and found.done_in_seconds is not None
        assert found.scenes[0].device == "h100-sxm" and found.money and found.rent
        rows = {one.device: one for one in found.devices}
        assert rows["h100-sxm"].can and not rows["cpu"].can and "has 16.0" in rows["cpu"].because
        warm = quote_on(farm(device(), device(id="cuda:0", **H100, resident=frozenset({SMALL}))))
        assert found.load_seconds and warm.load_seconds == 0.0

    def test_other_programs_leave_less_room(self) -> None:
        busy = device(id="cuda:0", **H100, foreign_gib=78.0)
        found = quote_on(farm(device(), busy))
        assert found.is_possible is False and found.done_in_seconds is None
        assert found.because.startswith("Scene 1") and found.money is None

    def test_what_waits_already_comes_first(self) -> None:
        large, work = device(id="cuda:0", **H100), shot(SMALL, frames=81)
        empty = quote_on(farm(device(), large))
        behind = quote_on(farm(device(), large, *(waiting(work, f"job-b.s{n}") for n in range(3))))
        assert (behind.done_in_seconds or 0) > (empty.done_in_seconds or 0) + 60
        assert "3 pictures that wait already come first" in behind.assumptions
        paused = quote_on(farm(device(), large, waiting(work, "job-b.s1", paused=True)))
        assert paused.done_in_seconds == empty.done_in_seconds

    def test_what_waits_is_shared_by_alike_devices(self) -> None:
        work = [waiting(shot(SMALL, frames=81), f"job-b.s{n}") for n in range(4)]
        devices = [device(id=f"cuda:{n}", **H100) for n in range(4)]
        one = fleet_of(farm(devices[0], *work)).stands[0]
        four = fleet_of(farm(*devices, *work)).stands[0]
        assert (one.count, four.count) == (1, 4)
        assert one.busy_seconds == pytest.approx(4 * four.busy_seconds, abs=0.2)

    def test_what_runs_now_is_said_but_not_counted(self) -> None:
        found = quote_on(farm(device(), device(id="cuda:0", **H100, busy="a picture")))
        assert any("1 device is busy now" in said for said in found.assumptions)

    def test_without_those_that_are_away_where_that_will_do(self) -> None:
        away = device("b", "cuda:0", **H100, state=WorkerState.OFFLINE)
        near = device(id="cuda:0")
        assert "rtx-4090" in quote_on(farm(device(), near, away)).scenes[0].device
        alone = quote_on(farm(device(), away))
        assert alone.is_possible is True and alone.scenes[0].device == "h100-sxm"
        assert any("devices that are away" in said for said in alone.assumptions)

    def test_a_device_of_no_known_type_has_its_own_name(self) -> None:
        own = device(id="cuda:0", type="", name="Own GPU", memory_gib=30.0)
        found = quote_on(farm(device(), own))
        assert {one.device for one in found.devices} == {"cpu", "Own GPU"}
        assert found.is_possible is True and found.done_in_seconds is None

    def test_nobody_knows_on_an_empty_farm(self) -> None:
        found = quote_on(farm())
        assert found.is_possible is None and found.scenes[0].shots == 1
