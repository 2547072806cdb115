"""What a play comes to, against figures worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coordinator.simulate.account import account
from coordinator.simulate.differences import differences
from coordinator.simulate.plain import fifo
from coordinator.simulate.policy import Machine, Start, Stop, World
from coordinator.simulate.result import Result
from coordinator.simulate.schedule import schedule_lines, write_schedule
from coordinator.simulate.truth import Truth
from reelyard.errors import InvalidInput
from tests.support.plays import INF, Scripted, a_task, a_world, played

TWO = ([[10.0], [10.0]], [[5.0], [5.0]])  # shapes


def _result(world: World) -> Result:
    return account(played(world, fifo(world)), "fifo", "fleet")


class TestTimes:
    """Two tasks of 10 s on one device, after a load of 5."""

    WORLD = a_world([a_task(0), a_task(1, deadline=20.0)])

    def test_makespan_and_its_bound(self) -> None:
        found = _result(self.WORLD)
        assert (found.makespan_seconds, found.bound_seconds) == (25.0, pytest.approx(25.0, 0.005))
        assert found.gap == pytest.approx(0.0, abs=0.005)

    def test_flow_and_slowdown(self) -> None:
        found = _result(self.WORLD)
        assert (found.flow_seconds.mean, found.flow_seconds.p50) == (20.0, 20.0)
        assert found.slowdown.mean == 2.0

    def test_slowdown_is_against_the_fastest_type_that_is_there(self) -> None:
        world = a_world([a_task(0)], 1, [[10.0, 2.0]], [[5.0, 5.0]])
        assert _result(world).slowdown.mean == 1.5

    def test_on_time(self) -> None:
        tasks = [a_task(0, deadline=15.0), a_task(1, deadline=20.0), a_task(2)]
        assert _result(a_world(tasks)).on_time_share == 0.5
        assert _result(a_world([a_task(0)])).on_time_share is None

    def test_use_of_devices(self) -> None:
        [use] = _result(a_world([a_task(0), a_task(1)], 2)).types
        assert use.busy_device_seconds == 20.0
        assert use.loading_device_seconds == 10.0
        assert (use.idle_device_seconds, use.loads, use.busy_share) == (0.0, 2, 0.66667)

    def test_a_late_first_arrival_is_no_time_lost(self) -> None:
        found = _result(a_world([a_task(0, at=1000.0)]))
        assert (found.makespan_seconds, found.gap) == (15.0, pytest.approx(0.0, abs=1e-6))

    def test_the_bound_knows_arrivals(self) -> None:
        found = _result(a_world([a_task(0), a_task(1, at=1000.0)]))
        assert found.bound_seconds == 1010.0

    def test_with_noise_the_bound_is_no_proof(self) -> None:
        found = account(played(self.WORLD, fifo(self.WORLD), Truth(2, noise=0.3)), "fifo", "f")
        assert "no proof" in found.bound_because

    def test_runs_that_did_not_end_well_are_counted(self) -> None:
        script = {0.0: [Start(0, (0,))], 9.0: [Stop(0)], 20.0: [Start(0, (0,))]}
        world = a_world([a_task(0)])
        found = account(played(world, Scripted(script)), "scripted", "f")
        assert (found.runs, found.stopped_runs, found.tasks_done) == (2, 1, 1)
        assert found.deciding.starts == 2

    def test_what_never_ran(self) -> None:
        tasks = [a_task(0), *(a_task(n, shape=1, model="b") for n in (1, 2))]
        found = _result(a_world(tasks, 1, [[10.0], [INF]], [[5.0], [INF]], [[1.0], [99.0]]))
        [left] = found.never_ran
        assert (left.tasks, left.examples) == (2, ["2", "3"])
        assert "needs 99.0 GiB" in left.because
        assert (found.tasks_done, found.bound_seconds) == (1, 15.0)

    def test_nothing_ran_at_all(self) -> None:
        found = _result(a_world([a_task(0)], seconds=[[INF]], load=[[INF]]))
        assert (found.tasks_done, found.makespan_seconds, found.bound_seconds) == (0, 0.0, None)


class TestFairness:
    """Two owners of equal weight and one device: anna's two tasks of 200 s come before ben's."""

    TASKS = (a_task(0), a_task(1), a_task(2, owner="ben"))

    def _world(self, weights: dict[str, float] | None = None) -> World:
        return a_world(self.TASKS, 1, [[200.0]], [[0.0]], weights=weights)

    def test_lag(self) -> None:
        """Ben waits for 400 s, in which half of 400 device-seconds was his."""
        found = _result(self._world()).fairness
        anna, ben = found.owners
        assert (ben.entitled_device_seconds, ben.received_device_seconds) == (200.0, 0.0)
        assert (found.worst_lag_owner, found.worst_lag_device_seconds) == ("ben", 200.0)
        assert (anna.entitled_device_seconds, anna.received_device_seconds) == (100.0, 200.0)
        assert anna.worst_lag_device_seconds == 0.0

    def test_weights(self) -> None:
        """With three times her weight three quarters of it were his."""
        assert _result(self._world({"ben": 3.0})).fairness.worst_lag_device_seconds == 300.0

    def test_shares(self) -> None:
        anna, ben = _result(self._world()).fairness.owners
        assert (anna.share, ben.share) == (0.666667, 0.333333)
        assert (anna.device_seconds, anna.fastest_seconds, anna.tasks) == (400.0, 400.0, 2)
        assert (anna.mean_flow_seconds, ben.mean_flow_seconds) == (300.0, 600.0)

    def test_jain(self) -> None:
        """Anna got twice what she was owed, ben nothing: (2 + 0)^2 / (2 * 4)."""
        assert _result(self._world()).fairness.jain_by_hour == [0.5]

    def test_taking_turns_is_fair(self) -> None:
        tasks = [a_task(n, owner="ben" if n % 2 else "anna") for n in range(6)]
        found = _result(a_world(tasks, 1, [[200.0]], [[0.0]])).fairness
        assert found.worst_lag_device_seconds == 100.0
        assert (found.jain_worst or 0) > 0.8

    def test_a_new_backlog_begins_with_nothing_owed(self) -> None:
        tasks = [a_task(0), a_task(1, owner="ben"), a_task(2, owner="ben", at=500.0)]
        found = _result(a_world(tasks, 1, [[200.0]], [[0.0]])).fairness
        assert found.worst_lag_device_seconds == 100.0

    def test_what_never_runs_waits_to_the_end(self) -> None:
        tasks = [a_task(0), a_task(1, owner="ben", shape=1)]
        world = a_world(tasks, 1, [[200.0], [INF]], [[0.0], [INF]])
        assert _result(world).fairness.worst_lag_device_seconds == 100.0


class TestDifferences:
    """Number by number."""

    def test_only_what_changed(self) -> None:
        one, two = (_result(a_world([a_task(0), a_task(1)], n)) for n in (1, 2))
        found = differences(one, two)
        assert found["makespan_seconds"] == -10.0
        assert found["flow_seconds.mean"] == -5.0
        assert found["devices"] == 1.0
        assert "tasks" not in found


class TestSchedule:
    """One line a run."""

    def test_lines(self) -> None:
        machines = [Machine(n, 0, "rack", 24.0) for n in range(2)]
        world = a_world([a_task(0, id="first"), a_task(1, gang=2, shape=1)], machines, *TWO)
        first, second = (json.loads(line) for line in schedule_lines(played(world, fifo(world))))
        assert first == {
            "task": "first",
            "devices": [0],
            "type": "type-0",
            "model": "m",
            "start": 0.0,
            "load_seconds": 5.0,
            "end": 15.0,
            "ok": True,
            "ended": "done",
        }
        assert (second["devices"], second["start"]) == ([0, 1], 15.0)

    def test_a_file_that_cannot_be_written(self, tmp_path: Path) -> None:
        world = a_world([a_task(0)])
        with pytest.raises(InvalidInput, match="--schedule: cannot be written"):
            write_schedule(played(world, fifo(world)), tmp_path)
