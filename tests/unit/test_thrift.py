"""Batch work and what power costs: what waits for which hour, what never does, and what it is told.
Worked out by hand: now is 00:01:40 UTC on 1 January 1970."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordinator.api.why import can_ever_run
from coordinator.core.asks import FarmEstimates, FarmHouse
from coordinator.core.decisions import Assign, Decision, Hold
from coordinator.core.eta import cheaper_hour, starts_in
from coordinator.core.forward import Wanted, play
from coordinator.core.living import Changes, LivingYard
from coordinator.core.schedule import schedule
from coordinator.core.snapshot import Device, Snapshot, Waiting
from coordinator.core.thrift import SAFETY, SPARE_SECONDS, Thrift
from coordinator.core.unfolded import Course
from coordinator.core.yard.terms import Urgency
from coordinator.store.view_farm import reason_kind
from reelyard.rules.parse import parse
from reelyard.states import Band
from tests.support import due_farms
from tests.support.core_values import FORESIGHT, LARGE, SMALL, device, farm, shot, waiting
from tests.support.due_farms import NOW, a_film

HOUR = 3600.0
NIGHTS = """
[tariff]
currency = "EUR"
price_per_kwh = 0.32
patience_hours = {patience}
[[tariff.periods]]
hours = "04:00-06:00"
price_per_kwh = 0.18
[[tariff.periods]]
hours = "02:00-08:00"
price_per_kwh = 0.25
"""


def batch(id: str = "job-a.s01.video1", **more: Any) -> Waiting:
    return waiting(id=id, **{"band": Band.BATCH, "queued_at": 100.0, **more})


def under(*found: Waiting | Device, patience: float = 12, now: float = 100.0) -> Snapshot:
    return replace(farm(*found, now=now), rules=parse(NIGHTS.format(patience=patience)))


def decided(*found: Waiting | Device, **more: Any) -> list[Decision]:
    return list(schedule(under(*found, **more)))


def started(decisions: Sequence[Decision]) -> list[str]:
    return sorted(d.task.id for d in decisions if isinstance(d, Assign))


class TestWhatWaits:
    def test_batch_work_waits_and_is_told_the_figures(self) -> None:
        (hold,) = decided(batch(), device())
        assert isinstance(hold, Hold) and not hold.for_ever
        assert hold.because == (
            "power costs 0.32 EUR/kWh now and 0.25 from 02:00 UTC; "
            "it is batch work and can wait until then"
        )
        assert reason_kind(hold.because) == "a lower price is waited for"

    @pytest.mark.parametrize("band", [Band.NORMAL, Band.INTERACTIVE])
    def test_no_other_band_does(self, band: Band) -> None:
        task = batch(band=band, deadline=None)
        assert started(decided(task, device())) == [task.id]
        late = batch(band=band, deadline=30 * HOUR)
        assert started(decided(late, device())) == [late.id]

    def test_a_farm_that_is_not_patient_starts_it(self) -> None:
        assert started(decided(batch(), device(), patience=0)) == [batch().id]
        without = replace(under(batch(), device()), rules=parse(""))
        assert started(schedule(without)) == [batch().id]

    @pytest.mark.parametrize(
        ("now", "patience", "waits_until"),
        [
            (0.5 * HOUR, 12, 2 * HOUR),
            (2 * HOUR, 12, 4 * HOUR),  # cheaper, and not yet cheapest
            (4 * HOUR, 12, None),
            (6 * HOUR, 12, None),  # the next cheaper hour begins when patience is over
            (6 * HOUR, 28, 28 * HOUR),
            (8 * HOUR, 26, 26 * HOUR),
            (0.5 * HOUR, 1.9, None),
            (0.5 * HOUR, 2, 2 * HOUR),
            (2 * HOUR, 2, None),
            (8 * HOUR, 17, None),
        ],
    )
    def test_by_hours_and_patience(
        self, now: float, patience: float, waits_until: float | None
    ) -> None:
        task = batch(queued_at=0.0)
        found = under(task, device(), patience=patience, now=now)
        cheaper = cheaper_hour(task, found, FarmEstimates(FORESIGHT, found.rules))
        assert (cheaper and cheaper.at) == waits_until
        assert bool(started(schedule(found))) == (waits_until is None)

    def test_patience_counts_from_when_it_may_start(self) -> None:
        task = batch(queued_at=0.0, start_after=HOUR)
        assert not started(decided(task, device(), patience=1, now=1.5 * HOUR))
        assert started(decided(batch(queued_at=0.0), device(), patience=1, now=1.5 * HOUR))

    def test_what_nobody_can_ever_run_is_told_at_once(self) -> None:
        task, small = batch(work=shot(LARGE, frames=81)), device(memory_gib=4.0)
        (hold,) = decided(task, small)
        assert isinstance(hold, Hold) and hold.for_ever and "nobody can ever" in hold.because
        assert not can_ever_run(task, farm(task, small))

    def test_without_devices_it_waits_all_the_same(self) -> None:
        (hold,) = decided(batch())
        assert isinstance(hold, Hold) and "power costs" in hold.because


class TestDeadlines:
    def needs(self, *tasks: Waiting) -> float:
        found = under(*tasks, device())
        yard = LivingYard.of(found, FORESIGHT)
        return SAFETY * sum(yard.best_seconds(task) for task in tasks) + SPARE_SECONDS

    @pytest.mark.parametrize(("spare", "waits"), [(1.0, True), (-1.0, False)])
    def test_it_waits_only_where_it_still_fits(self, spare: float, waits: bool) -> None:
        due = 2 * HOUR + self.needs(batch()) + spare
        assert bool(started(decided(batch(deadline=due), device()))) != waits

    @pytest.mark.parametrize(("spare", "waits"), [(1.0, True), (-1.0, False)])
    def test_all_that_is_left_of_its_job_has_to_fit(self, spare: float, waits: bool) -> None:
        tasks = [batch(f"job-a.s0{n}.video1") for n in (1, 2, 3)]
        due = 2 * HOUR + self.needs(*tasks) + spare
        first, second, last = (replace(task, deadline=due) for task in tasks)
        blocked = replace(last, open_needs=("scene 2",))
        assert bool(started(decided(first, second, blocked, device()))) != waits

    def test_others_work_does_not_count(self) -> None:
        due = 2 * HOUR + self.needs(batch()) + 1.0
        others = [batch(f"job-b.s0{n}.video1", deadline=30 * HOUR) for n in range(9)]
        assert not started(decided(batch(deadline=due), *others, device()))

    def test_a_device_that_goes_ends_the_wait_in_time(self) -> None:
        fast, slow = device("fast", "cuda:0"), device("slow", memory_gib=40.0)
        task = batch(work=shot(SMALL, frames=49))
        seconds = LivingYard.of(under(task, slow), FORESIGHT).best_seconds(task)
        task = replace(task, deadline=2 * HOUR + SPARE_SECONDS + SAFETY * seconds - 1.0)
        yard = LivingYard.of(under(task, fast, slow), FORESIGHT)
        assert not started(yard.decide(100.0))
        yard.change(Changes(workers=frozenset(["fast"])), 200.0)
        assert not started(yard.decide(399.0))
        assert started(yard.decide(401.0)) == [task.id]

    def test_what_is_over_is_not_left(self) -> None:
        rules = parse(NIGHTS.format(patience=12))
        thrift = Thrift(rules.tariff, lambda _: HOUR)
        tasks = [batch(f"job-a.s0{n}.video1", deadline=6 * HOUR) for n in (1, 2, 3)]
        thrift.take_in((), {task.id: task for task in tasks})
        assert thrift.cheaper(tasks[0], 100.0) is None  # three hours and a half do not fit
        thrift.take_in([task.id for task in tasks[1:]], {})
        assert thrift.cheaper(tasks[0], 500.0) is not None


class TestALivingFarm:
    def test_it_starts_at_the_cheap_hour_and_is_no_older_for_the_wait(self) -> None:
        tasks = [batch(f"job-{name}.v", queued_at=100.0) for name in "ab"]
        yard = LivingYard.of(under(*tasks, device()), FORESIGHT)
        assert not started(yard.decide(100.0))
        assert not started(yard.decide(2 * HOUR))
        assert yard.decide(2 * HOUR + 1.0) == []  # told once
        assert started(yard.decide(4 * HOUR)) == ["job-a.v"]
        normal = waiting(id="job-c.v", queued_at=4 * HOUR - 1)
        yard.change(Changes(frozenset([normal.id]), (normal,)), 4 * HOUR)
        yard.yard.end("job-a.v", 4 * HOUR + 9)
        assert started(yard.decide(4 * HOUR + 9)) == ["job-c.v"]
        (line,) = yard.yard.lines.standing()
        assert yard.yard.lines.key(line).band is Urgency.BATCH
        assert yard.yard.lines.oldest[line] == 4 * HOUR

    def test_what_waits_for_a_device_when_the_price_rises_waits_for_the_price(self) -> None:
        task, runs = batch("job-b.v", queued_at=4 * HOUR), batch("job-a.v", queued_at=4 * HOUR - 1)
        yard = LivingYard.of(under(task, runs, device(), patience=24, now=5 * HOUR), FORESIGHT)
        assert started(yard.decide(5 * HOUR)) == ["job-a.v"]
        (hold,) = yard.decide(6 * HOUR)
        assert isinstance(hold, Hold) and "0.25 EUR/kWh now and 0.18 from" in hold.because
        yard.yard.end("job-a.v", 6 * HOUR)
        assert not started(yard.decide(6 * HOUR + 1))
        assert started(yard.decide(28 * HOUR)) == ["job-b.v"]
        assert not yard.held

    def test_built_anew_it_decides_the_same(self) -> None:
        tasks = [batch(f"job-{n}.v", queued_at=n * HOUR) for n in range(8)]
        kept = LivingYard.of(under(*tasks, patience=24, now=0.0), FORESIGHT)
        for half_hour in range(60):
            now = half_hour * HOUR / 2
            kept.decide(now)
            built = LivingYard.of(under(*tasks, patience=24, now=now), FORESIGHT)
            assert set(kept.held) == set(built.held), now

    def test_people_make_it_urgent(self) -> None:
        task = batch()
        yard = LivingYard.of(under(task, device()), FORESIGHT)
        assert not started(yard.decide(100.0))
        normal = replace(task, band=Band.NORMAL)
        yard.change(Changes(frozenset([task.id]), (normal,)), 101.0)
        assert started(yard.decide(101.0)) == [task.id]


def test_when_it_may_start_is_when_power_is_cheap() -> None:
    task = batch()
    found = under(task, device())
    estimates = FarmEstimates(FORESIGHT, found.rules)
    assert starts_in(task, found, estimates, FarmHouse(found.rules)) == (7100.0, 10650.0)


@settings(max_examples=60, deadline=None)
@example(prices=[0.3], queued=0.0, patience=3.0)
@given(
    prices=st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=6),
    queued=st.floats(0, 48 * HOUR),
    patience=st.floats(0.5, 72),
)
def test_nothing_waits_longer_than_patience_nor_for_a_price_that_is_not_lower(
    prices: list[float], queued: float, patience: float
) -> None:
    periods = "".join(
        f'[[tariff.periods]]\nhours = "{4 * n:02}:00-{4 * n + 3:02}:00"\nprice_per_kwh = {price}\n'
        for n, price in enumerate(prices)
    )
    head = f'[tariff]\ncurrency = "EUR"\nprice_per_kwh = 0.25\npatience_hours = {patience}\n'
    tariff = parse(head + periods).tariff
    assert tariff is not None
    thrift, task, now = Thrift(tariff, lambda _: 60.0), batch(queued_at=queued), queued
    paid = [tariff.price_at(now)]
    while cheaper := thrift.cheaper(task, now):
        assert now < cheaper.at <= queued + patience * HOUR + 1
        assert cheaper.then == tariff.price_at(cheaper.at) < cheaper.now == tariff.price_at(now)
        now = cheaper.at
        paid.append(cheaper.then)
        assert thrift.since(task, now) == now
    steps = tariff.steps(queued, queued + patience * HOUR + 1.0)  # the last moment counts
    assert paid[-1] == min(price for _, price in steps)


class TestForecastsOfDeadlines:
    """A play of the farm waits for prices as the farm does, and ends all the same."""

    def played(self, rules: str, **more: Any) -> float:
        film = a_film("job-a", band=Band.BATCH, queued_at=NOW, **more)
        course = Course(
            due_farms.snapshot([film], [device("w", "cuda:0"), device()], rules), film.needs
        )
        found = play(course, FORESIGHT, Wanted(frozenset([film.id])))
        end = found.end_of(film.tasks)
        assert end is not None
        return end

    def test_a_film_is_done_after_the_cheap_hour_has_begun(self) -> None:
        at_once, patient = self.played(""), self.played(NIGHTS.format(patience=12))
        assert at_once < 2 * HOUR
        assert patient == pytest.approx(4 * HOUR + at_once - NOW, abs=1.0)

    def test_one_that_is_due_soon_is_not(self) -> None:
        due = 4 * HOUR + 60.0
        assert self.played(NIGHTS.format(patience=12), deadline=due) < due

    def test_less_power_takes_longer(self) -> None:
        rules = NIGHTS.format(patience=0)
        slow = rules.replace("patience_hours = 0", "slack_power_cap = 0.5")
        assert self.played(slow) > self.played(rules) + 1.0


def test_when_to_look_again_is_known() -> None:
    yard = LivingYard.of(under(batch(), device()), FORESIGHT)
    yard.decide(100.0)
    assert yard.yard.wake(100.0) is None and yard.wake(100.0) == 2 * HOUR
