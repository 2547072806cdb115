"""The simulator's engine: time, truth, and what it refuses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.simulate.floor import BrokenRule
from coordinator.simulate.policies import policies
from coordinator.simulate.policy import Machine, Start, Stop, Task, World
from coordinator.simulate.runs import Outcome
from coordinator.simulate.truth import Truth
from reelyard.rules.opening import read_hours
from tests.support.plays import INF, Scripted, a_task, a_world, played, runs_of

MONDAY = 1_767_571_200.0


class TestTime:
    """Loads, runs and the order of what is told."""

    def test_a_load_comes_before_the_first_run_only(self) -> None:
        world = a_world([a_task(0), a_task(1)])
        found = played(world, Scripted({0.0: [Start(0, (0,))], 15.0: [Start(1, (0,))]}))
        assert runs_of(found) == [(0, (0,), 0.0, 15.0), (1, (0,), 15.0, 25.0)]
        assert [run.load_seconds for run in found.runs] == [5.0, 0.0]

    def test_another_model_is_loaded_again(self) -> None:
        tasks = [a_task(0), a_task(1, model="other", shape=1), a_task(2)]
        world = a_world(tasks, 1, [[10.0], [20.0]], [[5.0], [7.0]])
        script = {0.0: [Start(0, (0,))], 15.0: [Start(1, (0,))], 42.0: [Start(2, (0,))]}
        assert runs_of(played(world, Scripted(script)))[-1] == (2, (0,), 42.0, 57.0)

    def test_what_needs_no_model_loads_nothing_and_leaves_the_model_there(self) -> None:
        tasks = [a_task(0), a_task(1, model="", shape=1), a_task(2)]
        world = a_world(tasks, 1, [[10.0], [20.0]], [[5.0], [7.0]])
        script = {0.0: [Start(0, (0,))], 15.0: [Start(1, (0,))], 35.0: [Start(2, (0,))]}
        assert runs_of(played(world, Scripted(script)))[-1] == (2, (0,), 35.0, 45.0)

    def test_all_of_an_instant_is_told_before_it_is_asked_once(self) -> None:
        tasks = [a_task(0), a_task(1), a_task(2, at=15.0), a_task(3, at=15.0)]
        policy = Scripted({0.0: [Start(0, (0,)), Start(1, (1,))]})
        played(a_world(tasks, 2), policy)
        assert policy.told == [
            ("arrive", [0, 1], 0.0),
            ("decide", 0.0),
            ("end", 0, (0,), 15.0, True),
            ("end", 1, (1,), 15.0, True),
            ("arrive", [2, 3], 15.0),
            ("decide", 15.0),
        ]

    def test_what_never_ran_says_why(self) -> None:
        assert played(a_world([a_task(0)]), Scripted({})).left == {0: "nobody said so"}

    def test_a_wake_up_is_kept(self) -> None:
        found = played(a_world([a_task(0)]), Scripted({7.5: [Start(0, (0,))]}))
        assert runs_of(found) == [(0, (0,), 7.5, 22.5)]

    def test_a_gang_runs_together_and_loads_once(self) -> None:
        machines = [Machine(n, 0, "rack", 24.0) for n in range(3)]
        world = a_world(
            [a_task(0, gang=2), a_task(1, shape=1)], machines, [[10.0]] * 2, [[5.0]] * 2
        )
        found = played(world, Scripted({0.0: [Start(0, (0, 2)), Start(1, (1,))]}))
        assert runs_of(found)[0] == (0, (0, 2), 0.0, 15.0)
        assert [run.loads for run in found.runs] == [2, 1]


class TestStops:
    """A run is stopped after its present step."""

    @pytest.mark.parametrize(
        ("steps", "stopped", "freed", "left"),
        [
            (0, 9.0, 9.0, 6.0),  # any moment will do
            (5, 9.0, 9.0, 6.0),  # just at the end of a step
            (5, 9.5, 11.0, 4.0),
            (5, 2.0, 5.0, 10.0),  # while it loads: when that is over
        ],
    )
    def test_the_work_done_is_kept(
        self, steps: int, stopped: float, freed: float, left: float
    ) -> None:
        world = a_world([a_task(0, can_checkpoint=True)], steps=[steps])
        script = {0.0: [Start(0, (0,))], stopped: [Stop(0)], 50.0: [Start(0, (0,))]}
        found = played(world, Scripted(script))
        assert runs_of(found) == [(0, (0,), 0.0, freed), (0, (0,), 50.0, 50.0 + left)]
        assert [run.outcome for run in found.runs] == [Outcome.STOPPED, Outcome.DONE]

    def test_without_a_checkpoint_it_begins_anew(self) -> None:
        script = {0.0: [Start(0, (0,))], 9.0: [Stop(0)], 20.0: [Start(0, (0,))]}
        found = played(a_world([a_task(0)]), Scripted(script))
        assert runs_of(found)[-1] == (0, (0,), 20.0, 30.0)

    def test_the_policy_hears_that_the_task_waits_again(self) -> None:
        policy = Scripted({0.0: [Start(0, (0,))], 9.0: [Stop(0)]})
        played(a_world([a_task(0)]), policy)
        assert ("end", 0, (0,), 9.0, False) in policy.told

    def test_what_ends_sooner_anyway_ends_well(self) -> None:
        world = a_world([a_task(0)], steps=[2])
        found = played(world, Scripted({0.0: [Start(0, (0,))], 12.0: [Stop(0)]}))
        assert [(run.end, run.outcome) for run in found.runs] == [(15.0, Outcome.DONE)]

    def test_the_part_done_counts_on_another_type_too(self) -> None:
        machines = [Machine(0, 0, "a", 24.0), Machine(1, 1, "b", 24.0)]
        world = a_world([a_task(0, can_checkpoint=True)], machines, [[10.0, 40.0]], [[0.0, 0.0]])
        script = {0.0: [Start(0, (0,))], 5.0: [Stop(0)], 6.0: [Start(0, (1,))]}
        assert runs_of(played(world, Scripted(script)))[-1] == (0, (1,), 6.0, 26.0)


class TestTruth:
    """Noise and failures are of the task, not of the policy."""

    def test_noise_has_the_mean_and_spread_that_was_asked_for(self) -> None:
        truth = Truth(20_000, noise=0.4, seed=3)
        factors = [truth.factor(n) for n in range(20_000)]
        mean = sum(factors) / len(factors)
        spread = (sum((f - mean) ** 2 for f in factors) / len(factors)) ** 0.5
        assert mean == pytest.approx(1.0, abs=0.02)
        assert spread == pytest.approx(0.4, abs=0.02)

    def test_the_same_seed_is_the_same_luck(self) -> None:
        one, other = (Truth(50, 0.3, 0.5, seed=4) for _ in range(2))
        assert [one.factor(n) for n in range(50)] == [other.factor(n) for n in range(50)]
        for attempt in (0, 1, 2):
            assert [one.fails_at(n, attempt) for n in range(50)] == [
                other.fails_at(n, attempt) for n in range(50)
            ]

    def test_another_seed_is_not(self) -> None:
        assert Truth(1, 0.3, seed=1).factor(0) != Truth(1, 0.3, seed=2).factor(0)

    def test_a_failed_run_is_repeated_from_the_beginning(self) -> None:
        truth = next(
            found
            for seed in range(100)
            if (found := Truth(1, failures=0.5, seed=seed)).fails_at(0, 0) is not None
            and found.fails_at(0, 1) is None
        )
        part = truth.fails_at(0, 0) or 0.0
        found = played(a_world([a_task(0)]), policies()["fifo"](a_world([a_task(0)])), truth)
        failed = 5.0 + 10.0 * part
        assert runs_of(found) == [(0, (0,), 0.0, failed), (0, (0,), failed, failed + 10.0)]
        assert [run.outcome for run in found.runs] == [Outcome.FAILED, Outcome.DONE]

    def test_every_third_run_fails_where_that_was_asked_for(self) -> None:
        truth = Truth(3_000, failures=1 / 3, seed=5)
        failed = sum(1 for n in range(3_000) if truth.fails_at(n, 0) is not None)
        assert failed == pytest.approx(1_000, rel=0.1)


def _closed() -> World:
    machine = Machine(0, 0, "n", 24.0, hours=read_hours("Mon 10:00-11:00"))
    world = a_world([a_task(0)], [machine])
    return World(world.tasks, world.machines, world.types, world.prices, starts=MONDAY)


def _gang(*machines: Machine) -> World:
    return a_world([a_task(0, gang=2)], machines, [[10.0, 10.0]], [[5.0, 5.0]])


BROKEN = {
    "does not wait": (a_world([a_task(0), a_task(1, at=50.0)]), Start(1, (0,))),
    "wants 1 devices": (a_world([a_task(0)], 2), Start(0, (0, 1))),
    "wants 2 devices": (a_world([a_task(0, gang=2)], 2), Start(0, (0, 0))),
    "no such device": (a_world([a_task(0)]), Start(0, (7,))),
    r"\(type-0\) cannot run it": (a_world([a_task(0)], 1, [[INF]]), Start(0, (0,))),
    "has 24 GiB, the task needs 30": (a_world([a_task(0)], gib=[[30.0]]), Start(0, (0,))),
    "is closed": (_closed(), Start(0, (0,))),
    "several types": (
        _gang(Machine(0, 0, "n", 24.0), Machine(1, 1, "n", 24.0)),
        Start(0, (0, 1)),
    ),
    "several nodes": (
        _gang(Machine(0, 0, "a", 24.0), Machine(1, 0, "b", 24.0, link="ethernet")),
        Start(0, (0, 1)),
    ),
    "it does not run": (a_world([a_task(0)]), Stop(0)),
}


class TestRefusals:
    """What cannot be is a defect of the policy, said by name."""

    @pytest.mark.parametrize("says", BROKEN)
    def test_each(self, says: str) -> None:
        world, wish = BROKEN[says]
        with pytest.raises(BrokenRule, match=says):
            played(world, Scripted({0.0: [wish]}))

    def test_a_busy_device(self) -> None:
        world = a_world([a_task(0), a_task(1)])
        with pytest.raises(BrokenRule, match="device 0 runs task 1"):
            played(world, Scripted({0.0: [Start(0, (0,)), Start(1, (0,))]}))

    def test_a_wake_up_in_the_past(self) -> None:
        policy = Scripted({})
        policy.wake = lambda now: now  # type: ignore[method-assign]
        with pytest.raises(BrokenRule, match="woken at 0 s"):
            played(a_world([a_task(0)]), policy)

    def test_going_round_in_circles(self) -> None:
        class Undecided(Scripted):
            def decide(self, now: float) -> Sequence[Start | Stop]:
                return [Start(0, (0,)), Stop(0)]

        world = a_world([a_task(0)], load=[[0.0]])
        with pytest.raises(BrokenRule, match="round in circles"):
            played(world, Undecided({}))

    def test_a_network_joins_nodes(self) -> None:
        machines = [Machine(n, 0, f"n{n}", 24.0, link="ethernet") for n in range(2)]
        found = played(_gang(*machines), Scripted({0.0: [Start(0, (0, 1))]}))
        assert len(found.runs) == 1


class Reckless(Scripted):
    """Starts anything anywhere, and knows by its own book whether that may be."""

    def __init__(self, world: World, dice: random.Random) -> None:
        super().__init__({})
        self._world, self._dice = world, dice
        self._waiting: set[int] = set()
        self._busy: set[int] = set()
        self.is_wrong = False

    def arrive(self, tasks: Sequence[int], now: float) -> None:
        self._waiting.update(tasks)

    def end(self, task: int, devices: tuple[int, ...], now: float, ok: bool) -> None:
        self._busy.difference_update(devices)

    def decide(self, now: float) -> Sequence[Start | Stop]:
        wishes = []
        for _ in range(self._dice.randint(0, 2)):
            task = self._dice.randrange(len(self._world.tasks))
            device = self._dice.randrange(len(self._world.machines))
            wishes.append(Start(task, (device,)))
            if task not in self._waiting or device in self._busy:
                self.is_wrong = True
                break
            self._waiting.discard(task)
            self._busy.add(device)
        return wishes


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 8))
def test_overbooking_is_always_refused_and_nothing_else_is(
    seed: int, devices: int, tasks: int
) -> None:
    dice = random.Random(seed)
    world = a_world([a_task(n, at=float(n // 2)) for n in range(tasks)], devices)
    policy = Reckless(world, dice)
    try:
        played(world, policy)
    except BrokenRule:
        assert policy.is_wrong
    else:
        assert not policy.is_wrong


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few machines of two types, shapes and owners; some gangs, some that fit nowhere."""
    kinds = draw(st.lists(st.integers(0, 1), min_size=1, max_size=5))
    machines = [Machine(n, kind, f"n{n // 2}", 24.0) for n, kind in enumerate(kinds)]
    price = st.sampled_from([1.0, 3.0, 10.0, INF])
    seconds = draw(st.lists(st.tuples(price, price), min_size=1, max_size=4))
    count = draw(st.integers(1, 15))
    tasks: list[Task] = []
    for index in range(count):
        shape = draw(st.integers(0, len(seconds) - 1))
        tasks.append(
            a_task(
                index,
                at=float(index * draw(st.sampled_from([0, 1, 1]))),
                shape=shape,
                model=f"m{shape % 3}",
                gang=1 + shape % 2,
                owner=draw(st.sampled_from(["anna", "ben"])),
                priority=draw(st.sampled_from([10, 50])),
            )
        )
    tasks = [t._replace(index=n) for n, t in enumerate(sorted(tasks, key=lambda t: t.at))]
    load = [[INF if s == INF else 2.0 for s in row] for row in seconds]
    return a_world(tasks, machines, seconds, load)


@pytest.mark.parametrize("name", ["fifo", "fifo-affinity", "first-fit"])
@settings(max_examples=40, deadline=None)
@given(world=worlds(), seed=st.integers(0, 3))
def test_plain_queues_serve_all_that_can_run_and_break_no_rule(
    name: str, world: World, seed: int
) -> None:
    truth = Truth(len(world.tasks), noise=0.3, failures=0.2, seed=seed)
    found = played(world, policies()[name](world), truth)
    done = [run.task for run in found.runs if run.outcome is Outcome.DONE]
    assert sorted([*done, *found.left]) == list(range(len(world.tasks)))
    assert all("no device" in why or "wants 2 devices" in why for why in found.left.values())
    by_device: dict[int, list[tuple[float, float]]] = {}
    for run in found.runs:
        assert run.start >= world.tasks[run.task].at
        for device in run.devices:
            by_device.setdefault(device, []).append((run.start, run.end))
    for spans in by_device.values():
        spans.sort()
        assert all(one[1] <= after[0] for one, after in pairwise(spans))
