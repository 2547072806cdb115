"""Laws of the scheduler, each over farms at random that its real core plays to the end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.core.yard.mix import ENDLESS_SECONDS, makespan_bound, solve, work_of
from coordinator.simulate.bound import least_makespan
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.engine import Played
from coordinator.simulate.policies import policies
from coordinator.simulate.policy import Machine, World
from coordinator.simulate.runs import Outcome
from coordinator.simulate.truth import Truth
from tests.support.plays import INF, a_task, a_world, played
from tests.support.small_farms import MONDAY, Watched, small_farms, with_machines

LAW = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FEW = settings(LAW, max_examples=8)
TOLERANCE = 2e-3
"""Of the bound: see `makespan_bound`."""
_ROUNDING = 1e-6


@LAW
@given(small_farms())
def test_all_that_can_run_runs_and_nothing_is_overbooked(world: World) -> None:
    found = played(world, CorePolicy(world))
    done = [run.task for run in found.runs if run.outcome is Outcome.DONE]
    assert sorted(done) == list(range(len(world.tasks))) and not found.left
    _assert_one_at_a_time(found)
    _assert_gangs_are_whole(found)
    _assert_doors_are_kept(found)


def _assert_one_at_a_time(found: Played) -> None:
    spans: dict[int, list[tuple[float, float]]] = {}
    for run in found.runs:
        assert run.start >= found.world.tasks[run.task].at
        for device in run.devices:
            spans.setdefault(device, []).append((run.start, run.end))
    for of_device in spans.values():
        assert all(one[1] <= after[0] for one, after in pairwise(sorted(of_device)))


def _assert_gangs_are_whole(found: Played) -> None:
    for run in found.runs:
        machines = [found.world.machines[device] for device in run.devices]
        assert len(set(run.devices)) == len(machines) == found.world.tasks[run.task].gang
        assert len({machine.type for machine in machines}) == 1
        nodes, links = {m.node for m in machines}, {m.link for m in machines}
        assert len(nodes) == 1 or links == {"ethernet"}


def _assert_doors_are_kept(found: Played) -> None:
    for run in found.runs:
        for device in run.devices:
            hours = found.world.machines[device].hours
            if hours is not None:
                at = MONDAY + run.start
                closes = hours.closes(at) - MONDAY
                may_go_on = found.world.tasks[run.task].can_checkpoint
                assert hours.is_open(at) and (run.end <= closes + _ROUNDING or may_go_on)


@LAW
@given(small_farms())
def test_the_same_history_gives_the_same_decisions(world: World) -> None:
    one, other = (list(played(world, CorePolicy(world)).runs) for _ in range(2))
    assert one == other


@LAW
@given(small_farms(), st.sampled_from(["reelyard", "fifo", "first-fit"]))
def test_no_schedule_beats_the_bound(world: World, name: str) -> None:
    found = played(world, policies()[name](world))
    bound = least_makespan(world, Truth(len(world.tasks)), frozenset(found.left)).seconds
    last = max((run.end for run in found.runs), default=0.0) - world.tasks[0].at
    assert bound is None or bound <= last * (1 + _ROUNDING)


@LAW
@given(small_farms(), st.integers(0, 5))
def test_another_device_never_raises_the_bound(world: World, which: int) -> None:
    another = world.machines[which % len(world.machines)]
    larger = with_machines(world, [*world.machines, another])
    before, after = (
        least_makespan(one, Truth(len(world.tasks)), frozenset()).seconds or 0.0
        for one in (world, larger)
    )
    assert after <= before * (1 + TOLERANCE)


@LAW
@given(st.data())
def test_not_even_the_best_schedule_beats_the_bound(data: st.DataObject) -> None:
    """Of two devices and up to four tasks every schedule is tried."""
    number = st.sampled_from((2.0, 3.0, 7.0, 11.0))
    run = np.array([[data.draw(number) for _ in range(2)] for _ in range(3)])
    load = np.full((3, 2), data.draw(st.sampled_from((0.0, 1.0, 4.0))))
    model = np.array([0, data.draw(st.integers(0, 1)), 1])
    tasks = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    work = work_of(run, load, model, np.bincount(tasks, minlength=3).astype(float), np.ones(2))
    best = min(
        _ends(order, places, run, load, model)
        for order in set(permutations(tasks))
        for places in product(range(2), repeat=len(tasks))
    )
    assert makespan_bound(work)[0] <= best * (1 + _ROUNDING)


def _ends(
    order: tuple[int, ...],
    places: tuple[int, ...],
    run: np.ndarray,
    load: np.ndarray,
    model: object,
) -> float:
    free, held = [0.0, 0.0], [-1, -1]
    for shape, place in zip(order, places, strict=True):
        wants = int(np.asarray(model)[shape])
        free[place] += float(
            run[shape, place] + (load[shape, place] if held[place] != wants else 0)
        )
        held[place] = wants
    return max(free)


@pytest.mark.parametrize("many", [1, 3, 1_000])
def test_a_plan_for_ever_is_as_good_for_few_tasks_as_for_many(many: int) -> None:
    """The needs of a few tasks until a horizon of decades are below the solver's tolerance."""
    dice = np.random.default_rng(1)
    for _ in range(20):
        run = dice.uniform(5, 300, (4, 3))
        count, devices = dice.uniform(0.5, 1.5, 4) * many, np.array([2.0, 1.0, 3.0])
        work = work_of(run, np.full((4, 3), 20.0), np.arange(4), count, devices)
        needs = []
        for horizon in (ENDLESS_SECONDS, 1e3 * float((count * run.max(1)).sum())):
            mix = solve(work, horizon)
            assert mix is not None
            needs.append(float(((count[:, None] * run * mix.share).sum(0) / devices).max()))
        assert needs[0] <= needs[1] * (1 + 1e-4)


@FEW
@given(st.integers(2, 8), st.sampled_from((5.0, 40.0)), st.booleans(), st.sampled_from((0.0, 30.0)))
def test_a_flood_of_small_tasks_does_not_delay_the_only_device_of_a_large_one(
    cards: int, small: float, is_one_model: bool, load: float
) -> None:
    """As 141 GiB on the only H200 of a farm of smaller cards."""
    tasks = [a_task(0, at=50.0, shape=1, model="large")]
    tasks += [
        a_task(0, at=float(n) * small / (2.0 * cards), model="large" if is_one_model else "small")
        for n in range(20 * cards)
    ]
    machines = [Machine(n, 0, f"n{n}", 24.0) for n in range(cards)]
    machines.append(Machine(cards, 1, "big", 141.0))
    seconds = [[small, small / 3.0], [INF, 200.0]]
    _assert_kept(_numbered(tasks), machines, seconds, [[load, load]] * 2, large_shape=1)


@FEW
@given(st.integers(2, 8), st.integers(2, 4), st.sampled_from((5.0, 40.0)))
def test_a_gang_starts_whole_by_when_its_devices_were_said_to_be_free(
    cards: int, gang: int, small: float
) -> None:
    gang = min(gang, cards)
    tasks = [a_task(0, at=50.0, shape=1, model="m", gang=gang)]
    tasks += [a_task(0, at=float(n) * small / (2.0 * cards)) for n in range(20 * cards)]
    machines = [Machine(n, 0, "rack", 24.0) for n in range(cards)]
    _assert_kept(_numbered(tasks), machines, [[small], [200.0]], [[10.0]] * 2, large_shape=1)


def _numbered(tasks: list) -> list:  # type: ignore[type-arg]
    ordered = sorted(tasks, key=lambda task: task.at)
    return [task._replace(index=n, id=str(n + 1)) for n, task in enumerate(ordered)]


def _assert_kept(
    tasks: list,  # type: ignore[type-arg]
    machines: list[Machine],
    seconds: list[list[float]],
    load: list[list[float]],
    large_shape: int,
) -> None:
    """The large task starts by the first moment that it was promised, and was promised one."""
    world = a_world(tasks, machines, seconds, load)
    prices = world.prices
    if tasks[0].model != "m":
        prices = replace(prices, model=(tasks[0].model, "large"))
    world = replace(world, prices=prices)
    promised: list[float] = []

    def look(core: CorePolicy, now: float) -> None:
        for line, held in core.yard.reservations.items():
            if int(core.yard.lines.shape[line]) == large_shape or core.yard.lines.gang[line] > 1:
                promised.append(now + held.seconds)

    found = played(world, Watched(world, look))
    (start,) = [run.start for run in found.runs if world.tasks[run.task].shape == large_shape]
    (at,) = [task.at for task in tasks if task.shape == large_shape]
    assert not promised or start <= promised[0] + _ROUNDING
    waits = 8.0 * load[1][0] + max(seconds[0][0], 1.0) + load[0][0] + 2.0
    assert start - at <= waits + _ROUNDING, (start - at, waits, promised[:3])


@FEW
@given(
    st.sampled_from((1.0, 2.0, 3.0)), st.integers(1, 4), st.booleans(), st.sampled_from((0.0, 5.0))
)
def test_use_is_by_weight_within_the_window_while_all_have_work(
    weight: float, devices: int, is_one_model: bool, load: float
) -> None:
    """Nobody is further behind than the window and what is under way."""
    owners, seconds = {"anna": 1.0, "ben": weight, "cleo": 1.0}, 10.0
    tasks = [
        a_task(
            0,
            at=float(n),
            owner=owner,
            shape=0 if is_one_model else place,
            model="m" if is_one_model else owner,
        )
        for n in range(40)
        for place, owner in enumerate(owners)
    ]
    world = a_world(
        _numbered(tasks), devices, [[seconds]] * 3, [[load]] * 3, weights={"ben": weight}
    )
    found = played(world, CorePolicy(world))
    window = (8.0 * load + 4.0 * seconds) + (devices + 1.0) * (seconds + load)
    part = {owner: own / sum(owners.values()) for owner, own in owners.items()}
    until = min(
        max(run.start for run in found.runs if world.tasks[run.task].owner == owner)
        for owner in owners
    )
    for at in np.arange(200.0, min(until, 600.0), 100.0):
        used = dict.fromkeys(owners, 0.0)
        for run in found.runs:
            used[world.tasks[run.task].owner] += max(0.0, min(run.end, at) - run.start)
        for owner, got in used.items():
            assert got >= part[owner] * sum(used.values()) - window, (at, used)


def test_a_long_backlog_of_two_models_does_not_swap_them_after_every_task() -> None:
    tasks = [
        a_task(0, at=float(n), shape=shape, model=model)
        for n in range(100)
        for shape, model in enumerate("ab")
    ]
    world = a_world(_numbered(tasks), 1, [[10.0]] * 2, [[20.0]] * 2)
    found = played(world, CorePolicy(world))
    assert sum(run.loads for run in found.runs) <= len(tasks) / 4


@LAW
@given(
    st.lists(st.sampled_from((0.0, 100.0, 299.0, 301.0, 700.0)), min_size=1, max_size=6),
    st.integers(1, 3),
    st.booleans(),
)
def test_only_batch_work_makes_way_and_only_for_what_was_asked_for_as_interactive(
    arrivals: list[float], devices: int, can_checkpoint: bool
) -> None:
    tasks = [
        a_task(0, band=band, can_checkpoint=can_checkpoint or band == "normal", shape=0)
        for band in ("batch", "batch", "normal")
    ]
    tasks += [a_task(0, at=at, band="interactive", shape=1) for at in arrivals]
    world = a_world(_numbered(tasks), devices, [[2_000.0], [50.0]], [[5.0]] * 2)
    policy = Watched(world, lambda core, now: None)
    found = played(world, policy)
    stopped = {run.task: run for run in found.runs if run.outcome is Outcome.STOPPED}
    for now, task in policy.stops:
        assert world.tasks[task].band == "batch" and world.tasks[task].can_checkpoint
        assert now - stopped[task].start >= 300.0 or len(policy.stops) > len(stopped)
        assert any(t.band == "interactive" and t.at <= now for t in world.tasks)
