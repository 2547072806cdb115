"""A batch job waits over the dear hour, is told why, and starts at the cheap one; another starts at
once. Real database, real core, a clock that is told the time: it begins at 08:00 UTC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.api.why import why
from coordinator.core.foresight import Foresight
from coordinator.core.living import LivingYard
from coordinator.store.farm import read_snapshot
from coordinator.store.ledger import Ledger
from coordinator.store.lessons import read_all
from coordinator.store.rules import put_rules
from coordinator.store.views import Views
from reelyard.messages import DeviceReport, Measured, RunTask
from reelyard.rules.parse import parse
from reelyard.states import Band
from reelyard.storyboard import Storyboard
from reelyard.terms import Terms
from tests.support.farm_in_hand import FarmInHand, sqlite

RULES = """
[tariff]
currency = "EUR"
price_per_kwh = 0.32
patience_hours = 12
[[tariff.periods]]
hours = "10:00-12:00"
price_per_kwh = 0.18
"""
HOUR = 3600.0
BECAUSE = (
    "power costs 0.32 EUR/kWh now and 0.18 from 10:00 UTC; it is batch work and can wait until then"
)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmInHand]:
    farm = sqlite(tmp_path)
    with farm.database.write() as connection:
        put_rules(Ledger(connection, farm.clock.now()), RULES, parse(RULES), "anna")
    farm.hello()
    farm.turn()
    yield farm
    farm.database.close()


def submit(farm: FarmInHand, key: str, terms: Terms) -> str:
    scenes = [{"picture": "a blue square moving up", "seconds": 3}]
    board = Storyboard.model_validate({"title": key, "scenes": scenes})
    return farm.intake.submit(board, "anna", None, key, terms=terms)[0]


def later(farm: FarmInHand, seconds: float) -> list[str]:
    """The tasks that are sent then, by a farm whose worker was there all the time."""
    farm.clock.advance(seconds)
    farm.heartbeat()
    sent = [*farm.turn(), *farm.turn()]
    return [order.task_id.partition(".")[0] for order in sent]


def test_a_batch_job_waits_for_the_cheap_hour(farm: FarmInHand) -> None:
    batch = submit(farm, "batch", Terms(band=Band.BATCH))
    assert farm.turn() == []
    shot = next(row for name, row in farm.tasks(batch).items() if "video" in name)
    assert shot["because"] == BECAUSE

    # 1. A normal one does not wait, whenever it comes.
    normal = submit(farm, "normal", Terms())
    sent = farm.turn()
    assert [order.job_id for order in sent] == [normal]
    farm.started(sent[0])
    farm.finished(sent[0])
    farm.run_all()
    assert farm.job(normal)["state"] == "done" and farm.job(batch)["state"] == "queued"

    # 2. People who ask are told, with when it may start.
    view = Views(farm.database).task(shot["id"])
    told = why(farm.database, farm.catalog, farm.clock.now(), view)
    assert told.because == BECAUSE and told.queue_position is None and told.can_ever_run
    assert told.starts_in_seconds is not None
    assert told.starts_in_seconds[0] == pytest.approx(2 * HOUR, abs=10)

    # 3. An hour of waiting changes nothing, the cheap hour does.
    assert later(farm, HOUR) == []
    assert later(farm, HOUR) == [batch]


def test_a_deadline_that_is_near_does_not_wait(farm: FarmInHand) -> None:
    now = farm.clock.now()
    far = submit(farm, "far", Terms(band=Band.BATCH, deadline=now + 20 * HOUR))
    assert farm.turn() == []
    near = submit(farm, "near", Terms(band=Band.BATCH, deadline=now + 2 * HOUR + 60))
    assert [order.job_id for order in farm.turn()] == [near]
    assert farm.job(far)["state"] == "queued"


def test_what_is_kept_is_what_would_be_built(farm: FarmInHand) -> None:
    for number in range(3):
        submit(farm, f"batch {number}", Terms(band=Band.BATCH))
    for _ in range(5):
        later(farm, HOUR)
        kept = farm.loop._scheduler.catch_up()[0]
        with farm.database.read() as connection:
            found = read_snapshot(connection, farm.clock.now(), farm.catalog)
        built = LivingYard.of(found, Foresight(farm.catalog, found.lessons))
        assert sorted(kept.held) == sorted(built.held)
        assert kept.yard.lines.where.keys() == built.yard.lines.where.keys()


GPU = DeviceReport(
    id="cuda:0", kind="cuda", name="rtx-4090", type="rtx-4090", memory_gib=24.0, free_gib=24.0
)
SLACK = """
[tariff]
currency = "EUR"
price_per_kwh = 0.32
slack_power_cap = 0.6
"""


def capped_shot(farm: FarmInHand) -> RunTask:
    """A batch job's shot, as it is sent to a GPU."""
    with farm.database.write() as connection:
        put_rules(Ledger(connection, farm.clock.now()), SLACK, parse(SLACK), "anna")
    farm.hello(GPU, worker="g", boot="b1")
    farm.turn()
    scenes = [{"picture": "a blue square moving up", "seconds": 3}]
    board = Storyboard.model_validate({"model": "wan2.1-t2v-1.3b", "scenes": scenes})
    farm.intake.submit(board, "anna", None, "slack", terms=Terms(band=Band.BATCH))
    sent = [order for order in farm.turn() if order.device_id == "cuda:0"]
    return sent[0]


@pytest.mark.parametrize("in_force", [0.6, None], ids=["as asked", "refused"])
def test_a_try_is_sent_with_its_cap_and_remembers_what_was_in_force(
    farm: FarmInHand, in_force: float | None
) -> None:
    order = capped_shot(farm)
    assert order.power_cap == 0.6
    (row,) = (row for row in farm.attempts() if row["id"] == order.attempt_id)
    assert row["power_cap"] == 0.6 and "at 60% of its power limit" in row["because"]
    assert row["ends_at"] - farm.clock.now() > row["predicted_seconds"] - 1.0

    # What it took is held against the law for the power that it had: it was as predicted, then.
    took = row["predicted_seconds"]
    measured = Measured(run_seconds=took, power_cap=in_force)
    farm.started(order, worker="g")
    farm.finished(order, worker="g", measured=measured)
    farm.turn()
    (row,) = (row for row in farm.attempts() if row["id"] == order.attempt_id)
    assert (row["state"], row["power_cap"]) == ("done", in_force)
    with farm.database.read() as connection:
        (lesson,) = read_all(connection)
    assert (lesson.seconds == pytest.approx(1.0)) is (in_force is not None)
