"""A film waits for one less when a scene is done; what is in doubt is looked up."""

from __future__ import annotations

from coordinator.core.foresight import Foresight
from coordinator.core.living import Changes, LivingYard
from coordinator.core.needs import fewer
from coordinator.core.snapshot import Snapshot, UnderWay
from reelyard.catalog import load_catalog
from tests.support.core_values import waiting

FILM = "job-a.film"


def a_farm(*needs: str) -> LivingYard:
    """A film that waits for these, two of which are under way."""
    catalog = load_catalog(None)
    film = waiting(id=FILM, open_needs=needs)
    going = [
        UnderWay(
            task=waiting(id=f"t{n}", label=label),
            attempt_id=f"t{n}.1",
            worker_id="w",
            device_id="cpu",
            since=0.0,
            ends_at=9.0,
        )
        for n, label in enumerate(("Scene 1", "Scene 2"))
    ]
    farm = LivingYard.of(
        Snapshot(now=0.0, waiting=(), devices=(), catalog=catalog), Foresight(catalog)
    )
    tasks = frozenset({FILM, "t0", "t1"})
    farm.change(Changes(tasks=tasks, waiting=(film,), under_way=tuple(going)), 0.0)
    return farm


def test_what_is_done_is_waited_for_no_more() -> None:
    farm = a_farm("Scene 1", "Scene 2", "Scene 3")
    assert fewer(farm, {FILM: ["t0"]})[FILM].open_needs == ("Scene 2", "Scene 3")
    assert fewer(farm, {FILM: ["t0", "t1"]})[FILM].open_needs == ("Scene 3",)


def test_what_may_start_is_looked_up() -> None:
    assert fewer(a_farm("Scene 1", "Scene 2"), {FILM: ["t0", "t1"]}) == {}


def test_what_is_in_doubt_is_looked_up() -> None:
    assert fewer(a_farm("Scene 1", "Scene 1", "Scene 3"), {FILM: ["t0"]}) == {}
    assert fewer(a_farm("Scene 2", "Scene 3"), {FILM: ["t0"]}) == {}
    assert fewer(a_farm("Scene 1", "Scene 3"), {FILM: ["nobody"]}) == {}
    assert fewer(a_farm("Scene 1", "Scene 3"), {"job-b.film": ["t0"]}) == {}
