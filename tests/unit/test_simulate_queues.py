"""The plain queues: who gets what, worked out by hand."""

from __future__ import annotations

import pytest

from coordinator.simulate.plain import fifo, fifo_affinity, first_fit
from coordinator.simulate.policy import Machine, World
from coordinator.simulate.unable import unable
from reelyard.rules.opening import read_hours
from tests.support.plays import INF, a_task, a_world, played, runs_of

HOUR, MONDAY = 3600.0, 1_767_571_200.0
TWO = ([[10.0], [10.0]], [[5.0], [5.0]])  # shapes


def _starts(world: World, make: type | object) -> list[tuple[int, tuple[int, ...], float]]:
    assert callable(make)
    found = runs_of(played(world, make(world)))
    return sorted(
        ((t, devices, start) for t, devices, start, _ in found), key=lambda run: (run[2], run[1])
    )


class TestFifo:
    """Oldest first onto the device that has been idle longest."""

    def test_in_order_of_arrival(self) -> None:
        world = a_world([a_task(n, at=float(n)) for n in range(3)])
        assert _starts(world, fifo) == [(0, (0,), 0.0), (1, (0,), 15.0), (2, (0,), 25.0)]

    def test_it_is_blind_to_speed(self) -> None:
        machines = [Machine(0, 0, "slow", 24.0), Machine(1, 1, "fast", 24.0)]
        world = a_world([a_task(0)], machines, [[100.0, 1.0]], [[5.0, 5.0]])
        assert _starts(world, fifo) == [(0, (0,), 0.0)]

    def test_it_is_blind_to_models(self) -> None:
        tasks = [a_task(0), a_task(1, shape=1, model="b"), a_task(2)]
        world = a_world(tasks, 1, *TWO)
        assert [start for *_, start in _starts(world, fifo)] == [0.0, 15.0, 30.0]

    def test_priority_means_nothing(self) -> None:
        world = a_world([a_task(0), a_task(1, priority=99)])
        assert [task for task, *_ in _starts(world, fifo)] == [0, 1]

    def test_what_fits_nowhere_now_lets_others_pass(self) -> None:
        machines = [Machine(0, 0, "a", 24.0), Machine(1, 1, "b", 24.0)]
        tasks = [a_task(0), a_task(1), a_task(2, shape=1)]
        world = a_world(tasks, machines, [[10.0, INF], [INF, 10.0]], [[5.0, INF], [INF, 5.0]])
        assert _starts(world, fifo) == [(0, (0,), 0.0), (2, (1,), 0.0), (1, (0,), 15.0)]

    def test_devices_that_are_wanted_for_a_gang_wait_for_it(self) -> None:
        machines = [Machine(n, 0, "rack", 24.0) for n in range(2)]
        tasks = [a_task(0), a_task(1, gang=2, shape=1, at=1.0), a_task(2, at=2.0)]
        assert _starts(a_world(tasks, machines, *TWO), fifo) == [
            (0, (0,), 0.0),
            (1, (0, 1), 15.0),
            (2, (0,), 30.0),
        ]

    def test_devices_that_can_never_be_part_of_it_do_not(self) -> None:
        machines = [Machine(n, 0, "rack", 24.0) for n in range(2)] + [Machine(2, 0, "x", 24.0)]
        tasks = [a_task(0), a_task(1, gang=2, shape=1, at=1.0), a_task(2, at=2.0)]
        assert (2, (2,), 2.0) in _starts(a_world(tasks, machines, *TWO), fifo)


class TestAffinity:
    """The oldest of the model that is in memory comes before the oldest of all."""

    def test_a_device_stays_with_its_model(self) -> None:
        tasks = [a_task(0), a_task(1, shape=1, model="b"), a_task(2)]
        world = a_world(tasks, 1, *TWO)
        assert _starts(world, fifo_affinity) == [(0, (0,), 0.0), (2, (0,), 15.0), (1, (0,), 25.0)]

    def test_of_idle_devices_the_holder_takes_it(self) -> None:
        tasks = [a_task(0), a_task(1, shape=1, model="b"), a_task(2, at=50.0, shape=1, model="b")]
        world = a_world(tasks, 2, *TWO)
        assert _starts(world, fifo_affinity)[-1] == (2, (1,), 50.0)


class TestFirstFit:
    """By priority, then age; the first device of the fleet that it fits."""

    def test_priority_comes_first(self) -> None:
        tasks = [a_task(0), a_task(1), a_task(2, priority=99)]
        assert [task for task, *_ in _starts(a_world(tasks), first_fit)] == [2, 0, 1]

    def test_the_first_idle_device_not_the_one_that_waited_longest(self) -> None:
        tasks = [a_task(0), a_task(1), a_task(2, at=60.0)]
        assert _starts(a_world(tasks, 3), first_fit)[-1] == (2, (0,), 60.0)
        assert _starts(a_world(tasks, 3), fifo)[-1] == (2, (2,), 60.0)


class TestHours:
    """A run starts only where it ends before the device closes."""

    def _world(self, *seconds: float) -> World:
        machine = Machine(0, 0, "n", 24.0, hours=read_hours("Mon-Sun 10:00-11:00"))
        tasks = [a_task(n, shape=n) for n in range(len(seconds))]
        world = a_world(tasks, [machine], [[s] for s in seconds], [[0.0]] * len(seconds))
        return World(world.tasks, world.machines, world.types, world.prices, starts=MONDAY)

    @pytest.mark.parametrize("make", [fifo, fifo_affinity, first_fit])
    def test_it_waits_until_the_door_opens(self, make: object) -> None:
        assert _starts(self._world(600.0), make) == [(0, (0,), 10 * HOUR)]

    @pytest.mark.parametrize("make", [fifo, fifo_affinity, first_fit])
    def test_what_would_not_end_in_time_waits_for_the_next_day(self, make: object) -> None:
        found = _starts(self._world(2400.0, 2400.0, 900.0), make)
        assert found == [
            (0, (0,), 10 * HOUR),
            (2, (0,), 10 * HOUR + 2400),
            (1, (0,), 34 * HOUR),
        ]

    def test_what_never_fits_is_left_and_says_why(self) -> None:
        world = self._world(4000.0)
        found = played(world, fifo(world))
        assert found.left == {0: "no device that can run it is open for the 4000 s that it takes"}


class TestUnable:
    """Why a task can never run."""

    def test_too_little_memory(self) -> None:
        world = a_world([a_task(0)], seconds=[[INF]], gib=[[31.2]])
        assert unable(world, world.tasks[0]) == (
            "no device of the fleet can run it: needs 31.2 GiB on one device; "
            "the largest has 24.0 (type-0)"
        )

    def test_nobody_knows(self) -> None:
        world = a_world([a_task(0)], seconds=[[INF]])
        assert "nothing is known of m on type-0" in (unable(world, world.tasks[0]) or "")

    def test_too_few_that_are_joined(self) -> None:
        world = a_world([a_task(0, gang=2)], 4)
        assert "there are at most 1" in (unable(world, world.tasks[0]) or "")

    def test_it_can(self) -> None:
        world = a_world([a_task(0)])
        assert unable(world, world.tasks[0]) is None
