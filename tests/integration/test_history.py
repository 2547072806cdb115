"""What a farm has done becomes a workload that the simulator plays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coordinator.simulate.fleet import parse_fleet
from coordinator.simulate.shapes import price_all
from coordinator.simulate.workload import parse_workload
from coordinator.store.view_history import read_recorded
from reelyard.catalog import load_catalog
from reelyard.cli.history import line
from reelyard.errors import InvalidInput
from reelyard.messages import Measured
from tests.support.api_in_hand import ApiInHand, api_in_hand, problem
from tests.support.farm_in_hand import FarmInHand, sqlite

SCENES: tuple[dict[str, Any], ...] = (
    {"picture": "a red circle", "say": "One red circle."},
    {"picture": "a blue square", "seconds": 2},
)


def worked(farm: FarmInHand, *seconds: float) -> str:
    """A job that was made; each sent task takes the next of these, after a load of 3 s."""
    farm.hello()
    farm.turn()
    job, times = farm.submit(*SCENES), list(seconds)
    for _ in range(40):
        for order in farm.turn():
            farm.started(order)
            took = times.pop(0) if times else 2.0
            measured = Measured(run_seconds=took, load_seconds=3.0, warm=False, peak_gib=1.0)
            farm.finished(order, measured=measured)
    assert farm.job(job)["state"] == "done"
    return job


@pytest.fixture
def farm(tmp_path: Path) -> FarmInHand:
    return sqlite(tmp_path)


class TestRecorded:
    """The store's side."""

    def test_every_finished_task_with_what_its_shape_took(self, farm: FarmInHand) -> None:
        job = worked(farm)
        found = read_recorded(farm.database, 0.0, None, 100)
        assert {one.id for one in found.data} == {f"{job}.{name}" for name in farm.tasks(job)}
        assert {one.kind for one in found.data} == {"voice", "video", "compose"}
        assert all(list(one.seconds.values()) == [2.0] for one in found.data)
        assert all(list(one.load_seconds.values()) == [3.0] for one in found.data)
        assert (found.left_out, found.has_more) == (0, False)

    def test_it_arrives_when_what_it_needs_is_there(self, farm: FarmInHand) -> None:
        worked(farm)
        found = {one.kind: one for one in read_recorded(farm.database, 0.0, None, 100).data}
        assert found["compose"].at >= found["video"].ended_at
        assert found["compose"].at <= found["compose"].ended_at

    def test_alike_tasks_share_the_mean(self, farm: FarmInHand) -> None:
        worked(farm)
        worked(farm, *[4.0] * 10)
        films = [one for one in read_recorded(farm.database, 0.0, None, 100).data if not one.model]
        assert [list(film.seconds.values()) for film in films] == [[3.0], [3.0]]

    def test_since(self, farm: FarmInHand) -> None:
        worked(farm)
        farm.turn(100.0)
        second = worked(farm)
        begin = farm.job(second)["created_at"]
        found = read_recorded(farm.database, begin, None, 100)
        assert {one.job for one in found.data} == {second}

    def test_pages(self, farm: FarmInHand) -> None:
        worked(farm)
        whole = read_recorded(farm.database, 0.0, None, 100).data
        pieces, after = [], None
        while True:
            page = read_recorded(farm.database, 0.0, after, 2)
            pieces += page.data
            after = page.next_cursor
            if not page.has_more:
                break
        assert pieces == whole

    def test_no_cursor(self, farm: FarmInHand) -> None:
        with pytest.raises(InvalidInput, match="after: is no cursor of this list"):
            read_recorded(farm.database, 0.0, "job-1", 2)

    def test_the_simulator_reads_it(self, farm: FarmInHand) -> None:
        worked(farm)
        found = read_recorded(farm.database, 0.0, None, 100).data
        first = min(one.at for one in found)
        texts = (json.dumps(line(one, first)).encode() for one in found)
        catalog = load_catalog()
        workload = parse_workload(texts, catalog)
        assert len(workload.tasks) == len(found)
        assert workload.tasks[0].at == 0.0
        [kind] = {name for one in found for name in one.seconds}
        fleet = parse_fleet(f'[[devices]]\ntype = "{kind}"\nmemory_gib = 99'.encode(), catalog)
        prices = price_all(workload.shapes, fleet.kinds, catalog)
        assert (prices.seconds == 2.0).all()


class TestOverHttp:
    """`GET /history/workload`."""

    @pytest.fixture
    def api(self, tmp_path: Path) -> ApiInHand:
        return api_in_hand(tmp_path)

    def test_a_page(self, api: ApiInHand) -> None:
        worked(api.farm)
        page = api.get("/history/workload?limit=1").get_json()
        assert (len(page["data"]), page["has_more"]) == (1, True)
        rest = api.get("/history/workload", query_string={"after": page["next_cursor"]}).get_json()
        assert rest["data"][0]["id"] != page["data"][0]["id"]

    def test_refusals(self, api: ApiInHand) -> None:
        problem(api.get("/history/workload?limit=0"), 422)
        problem(api.get("/history/workload?after=x"), 422)
