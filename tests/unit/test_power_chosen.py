"""At which share of its power limit a run goes: pools, slack, and what both do to its seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coordinator.core.decisions import Assign
from coordinator.core.learning import expected
from coordinator.core.living import LivingYard
from coordinator.core.schedule import schedule
from coordinator.core.snapshot import Device, Snapshot, Waiting
from reelyard.predict.energy import cap_watts
from reelyard.predict.forecast import UNKNOWN_HOST
from reelyard.rules.parse import parse
from reelyard.states import Band
from tests.support.core_values import CATALOG, FORESIGHT, SMALL, device, farm, shot, waiting

TARIFF = '[tariff]\ncurrency = "EUR"\nprice_per_kwh = 0.3\n'
SLACK = f"{TARIFF}slack_power_cap = 0.6\n"
POOL = '[pools.cool]\ntypes = ["rtx-*"]\npower_cap = {cap}\n'


def task(id: str = "job-a.s01.video1", **more: Any) -> Waiting:
    return waiting(shot(SMALL, frames=49), id, **{"band": Band.BATCH, "queued_at": 100.0, **more})


def gpu(**more: Any) -> Device:
    return device("w", "cuda:0", **more)


def under(rules: str, *found: Waiting | Device, **more: Any) -> Snapshot:
    return replace(farm(*found, **more), rules=parse(rules))


def assigned(rules: str, *found: Waiting | Device) -> Assign:
    (decision,) = schedule(under(rules, *found))
    assert isinstance(decision, Assign)
    return decision


def seconds(cap: float | None) -> float:
    found = FORESIGHT.fit(task(), gpu(), cap)
    assert found is not None and found.seconds is not None and found.power_cap == cap
    return found.seconds


class TestPools:
    def test_a_pool_s_cap_holds_for_every_run_and_is_priced(self) -> None:
        usual = assigned("", task(band=Band.INTERACTIVE), gpu())
        capped = assigned(POOL.format(cap=0.5), task(band=Band.INTERACTIVE), gpu())
        assert (usual.fit.power_cap, capped.fit.power_cap) == (None, 0.5)
        assert capped.fit.seconds == seconds(0.5) > seconds(None) == usual.fit.seconds
        assert capped.seconds - usual.seconds == pytest.approx(seconds(0.5) - seconds(None))
        assert "at 50% of its power limit" in capped.because
        assert "power limit" not in usual.because

    def test_the_lowest_of_several_counts(self) -> None:
        rules = POOL.format(cap=0.8) + '[pools.cold]\nnodes = ["w"]\npower_cap = 0.6\n'
        assert assigned(rules, task(), gpu()).fit.power_cap == 0.6

    def test_a_processor_has_no_limit(self) -> None:
        rules = SLACK + "[pools.all]\npower_cap = 0.5\n"
        assert assigned(rules, waiting(band=Band.BATCH), device()).fit.power_cap is None


class TestSlack:
    def test_batch_work_runs_at_less_and_ends_later(self) -> None:
        usual, slow = assigned("", task(), gpu()), assigned(SLACK, task(), gpu())
        assert slow.fit.power_cap == 0.6 and slow.fit.seconds == seconds(0.6)
        assert slow.seconds - usual.seconds == pytest.approx(seconds(0.6) - seconds(None))

    def test_the_farm_in_memory_knows_when_it_ends(self) -> None:
        yard = LivingYard.of(under(SLACK, task(), gpu()), FORESIGHT)
        (decision,) = yard.decide(100.0)
        assert isinstance(decision, Assign)
        run = yard.yard.runs[task().id]
        assert run.ends_at == pytest.approx(100.0 + decision.seconds)
        model = yard.yard.prices.models[SMALL]
        assert yard.yard.seats.free_in(model, 100.0) == pytest.approx(decision.seconds)

    def test_a_pool_s_cap_that_is_lower_stays(self) -> None:
        assert assigned(SLACK + POOL.format(cap=0.5), task(), gpu()).fit.power_cap == 0.5
        assert assigned(SLACK + POOL.format(cap=0.9), task(), gpu()).fit.power_cap == 0.6

    @pytest.mark.parametrize("band", [Band.NORMAL, Band.INTERACTIVE])
    def test_without_a_deadline_only_batch_work_has_time(self, band: Band) -> None:
        assert assigned(SLACK, task(band=band), gpu()).fit.power_cap is None

    @pytest.mark.parametrize("band", [Band.NORMAL, Band.BATCH])
    @pytest.mark.parametrize(("spare", "cap"), [(2.0, 0.6), (-2.0, None)])
    def test_a_deadline_has_to_leave_twice_the_time(
        self, band: Band, spare: float, cap: float | None
    ) -> None:
        lasts = assigned(SLACK, task(), gpu()).seconds
        due = task(band=band, deadline=100.0 + 2 * lasts + spare)
        assert assigned(SLACK, due, gpu()).fit.power_cap == cap

    def test_interactive_work_has_none_whatever_its_deadline(self) -> None:
        due = task(band=Band.INTERACTIVE, deadline=1e6)
        assert assigned(SLACK, due, gpu()).fit.power_cap is None

    def test_all_that_is_left_of_its_job_counts(self) -> None:
        lasts = assigned(SLACK, task(), gpu()).seconds
        due = 100.0 + 3 * lasts
        rest = [task(f"job-a.s0{n}.video1", deadline=due, open_needs=("x",)) for n in (2, 3)]
        found = schedule(under(SLACK, task(deadline=due), *rest, gpu()))
        (first,) = (one for one in found if isinstance(one, Assign))
        assert first.fit.power_cap is None
        assert assigned(SLACK, task(deadline=due), gpu()).fit.power_cap == 0.6

    def test_a_door_that_closes_leaves_no_time(self) -> None:
        usual, slow = (assigned(rules, task(), gpu()).seconds for rules in (TARIFF, SLACK))
        minute = int((usual + slow) / 2 / 60) + 1
        rules = f'{SLACK}[[nodes]]\nmatch = "*"\nhours = "00:00-00:{minute:02}"\n'
        snapshot = under(rules, task(queued_at=0.0), gpu(), now=minute * 60 - (usual + slow) / 2)
        found = [one for one in schedule(snapshot) if isinstance(one, Assign)]
        assert [one.fit.power_cap for one in found] == [None]


def test_a_share_in_watts_is_no_lower_than_the_device_goes() -> None:
    card = CATALOG.devices["rtx-4090"]
    assert cap_watts(card, None) is None and cap_watts(card, 1.0) is None
    assert cap_watts(card, 0.8) == pytest.approx(0.8 * card.power_w.value)
    if card.least_w is not None:
        assert cap_watts(card, 0.01) == card.least_w.value


def test_a_run_at_less_power_teaches_what_one_at_full_power_would() -> None:
    fit = FORESIGHT.fit(task(), gpu())
    assert fit is not None
    work = shot(SMALL, frames=49)
    laws = [
        expected(work, False, fit.plan, "rtx-4090", UNKNOWN_HOST, CATALOG, cap)
        for cap in (None, 0.6)
    ]
    usual, capped = (law.way.seconds for law in laws if law is not None)
    assert usual == seconds(None) and capped == seconds(0.6)
    assert laws[0] is not None and laws[1] is not None and laws[0].key == laws[1].key
