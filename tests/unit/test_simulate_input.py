"""Fleets and workloads as people write them, and all that can be wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coordinator.simulate.fleet import parse_fleet, with_more
from coordinator.simulate.shapes import Shape, price, price_all
from coordinator.simulate.workload import MOST_PROBLEMS, Workload, parse_workload
from reelyard.catalog import load_catalog
from reelyard.errors import InvalidInput

CATALOG = load_catalog()
GIVEN = {"at": 0, "owner": "anna", "kind": "video", "model": "m", "seconds": 10}


def read(*lines: dict[str, Any] | bytes) -> Workload:
    texts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return parse_workload(texts, CATALOG)


def problems(*lines: dict[str, Any] | bytes) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read(*lines)
    return [problem.sentence() for problem in refused.value.problems]


def fleet_problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        parse_fleet(text.encode(), CATALOG)
    return [problem.sentence() for problem in refused.value.problems]


class TestWorkload:
    """One task a line."""

    def test_what_is_left_out(self) -> None:
        [task] = read(GIVEN).tasks
        assert (task.id, task.priority, task.gang, task.band) == ("1", 50, 1, "normal")
        assert (task.deadline, task.job, task.can_checkpoint) == (None, "", False)

    def test_everything(self) -> None:
        more = {"priority": 80, "deadline": 99.5, "gang": 2, "job": "j", "band": "batch"}
        [task] = read({**GIVEN, **more, "id": "x", "checkpoint": True}).tasks
        assert (task.id, task.priority, task.deadline, task.gang) == ("x", 80, 99.5, 2)
        assert (task.job, task.band, task.can_checkpoint) == ("j", "batch", True)

    def test_in_order_of_arrival(self) -> None:
        found = read({**GIVEN, "at": 9, "id": "late"}, {**GIVEN, "at": 3}, {**GIVEN, "at": 3})
        assert [(t.index, t.id, t.at) for t in found.tasks] == [
            (0, "2", 3.0),
            (1, "3", 3.0),
            (2, "late", 9.0),
        ]

    def test_it_arrives_when_it_may_start(self) -> None:
        assert read({**GIVEN, "at": 3, "start_after": 60}).tasks[0].at == 60.0
        assert read({**GIVEN, "at": 90, "start_after": 60}).tasks[0].at == 90.0

    def test_blank_lines_count_but_say_nothing(self) -> None:
        assert [t.id for t in read(b"\n", GIVEN, b"  \n", GIVEN).tasks] == ["2", "4"]

    def test_equal_prices_are_one_shape(self) -> None:
        found = read(GIVEN, {**GIVEN, "owner": "ben"}, {**GIVEN, "seconds": 11})
        assert [task.shape for task in found.tasks] == [0, 0, 1]

    def test_the_order_of_fields_and_types_is_no_difference(self) -> None:
        one = {**GIVEN, "seconds": {"a": 1, "b": 2}}
        other = dict(reversed({**GIVEN, "seconds": {"b": 2.0, "a": 1}}.items()))
        assert [task.shape for task in read(one, other).tasks] == [0, 0]

    WRONG = (
        (b"{", "line 1: line: is not JSON"),
        (b"[]", "line 1: line: is not an object (got b'[]')"),
        (b"\xff", "line 1: line: is not JSON"),
        (b"[" * 5000, "line 1: line: is not JSON"),
        (b'{"at": 1, "x": "' + b"y" * 70_000 + b'"}', "line 1: line: is too long"),
        ({**GIVEN, "at": -1}, "line 1: at: is no moment (got -1; limit 0 to 1e+09 s)"),
        ({**GIVEN, "at": True}, "line 1: at: is no moment (got true"),
        ({**GIVEN, "at": float("nan")}, "line 1: at: is no moment (got NaN"),
        ({**GIVEN, "deadline": "soon"}, 'line 1: deadline: is no moment (got "soon"'),
        ({**GIVEN, "start_after": 1e12}, "line 1: start_after: is no moment (got 1000000000000.0"),
        ({**GIVEN, "id": ""}, 'line 1: id: is no name (got ""; limit text of 1 to 200 characters)'),
        ({**GIVEN, "job": 7}, "line 1: job: is no name (got 7"),
        ({**GIVEN, "owner": ["a"]}, "line 1: owner: Input should be a valid string (got ['a'])"),
        ({**GIVEN, "priority": 101}, "line 1: priority: Input should be less than or equal to 100"),
        ({**GIVEN, "gang": 0}, "line 1: gang: Input should be greater than or equal to 1 (got 0"),
        ({**GIVEN, "band": "urgent"}, "line 1: band: Input should be 'interactive', 'normal'"),
        ({**GIVEN, "seconds": 0}, "line 1: seconds: Input should be greater than 0 (got 0"),
        ({**GIVEN, "seconds": "10"}, "line 1: seconds: Input should be a valid number (got 10)"),
        ({**GIVEN, "seconds": {}}, "line 1: seconds: names no type"),
        ({**GIVEN, "seconds": {"a": -1}}, "line 1: seconds.a: Input should be greater than 0"),
        (
            {**GIVEN, "seconds": {"a": 1, "b": 1}, "load_seconds": {"a": 1}},
            "line 1: load_seconds: lacks a type (got b;",
        ),
        ({**GIVEN, "memory_gib": -1}, "line 1: memory_gib: Input should be greater than or equal"),
        (
            {**GIVEN, "prio": 7},
            "line 1: prio: Extra inputs are not permitted (got 7). Did you mean",
        ),
        ({"at": 0, "owner": "a", "kind": "v"}, "line 1: model: Field required"),
    )

    @pytest.mark.parametrize(("line", "says"), WRONG)
    def test_each_problem(self, line: dict[str, Any] | bytes, says: str) -> None:
        assert problems(line)[0].startswith(says)

    def test_all_at_once_with_their_lines(self) -> None:
        found = problems({**GIVEN, "at": -1, "gang": 0}, GIVEN, {**GIVEN, "band": "x"})
        assert [text.partition(":")[0] for text in found] == ["line 1", "line 1", "line 3"]

    def test_not_more_than_anybody_reads(self) -> None:
        assert len(problems(*[{**GIVEN, "at": -1}] * 500)) == MOST_PROBLEMS

    def test_an_id_twice(self) -> None:
        found = problems({**GIVEN, "id": "x"}, {**GIVEN, "id": "x"})
        assert found[0].startswith("line 2: id: is another task's too (got x)")

    def test_nothing(self) -> None:
        assert problems(b"\n")[0].startswith("workload: holds no task")

    def test_a_shot_needs_a_model_that_can_be_priced(self) -> None:
        shot = {"at": 0, "owner": "a", "kind": "video", "model": "wan2.1-t2v-1.3", "frames": 81}
        assert problems(shot)[0] == (
            "line 1: model: is not a video model of the catalog, so nobody can price it "
            "(got wan2.1-t2v-1.3). Did you mean `wan2.1-t2v-1.3b`? Correct it, or give seconds."
        )

    def test_a_load_without_seconds(self) -> None:
        shot = {"at": 0, "owner": "a", "kind": "v", "model": "ltx-video", "load_seconds": 3}
        assert "load_seconds: is given without seconds" in problems(shot)[0]


class TestFleet:
    """Tables of devices."""

    def test_a_device_alone_is_a_node(self) -> None:
        found = parse_fleet(b'[[devices]]\ntype = "rtx-4090"\ncount = 2', CATALOG)
        assert len({machine.node for machine in found.machines}) == 2
        assert found.machines[0].memory_gib == CATALOG.devices["rtx-4090"].usable_gib.value

    def test_a_node_is_shared(self) -> None:
        text = b'[[devices]]\ntype = "h100-sxm"\ncount = 2\nnode = "rack"'
        machines = parse_fleet(text, CATALOG).machines
        assert [(machine.node, machine.link) for machine in machines] == [("rack", "nvlink")] * 2

    def test_alike_tables_are_one_type_and_others_are_not(self) -> None:
        text = "".join(
            f'[[devices]]\ntype = "rtx-4090"\n{more}\n'
            for more in ("", "memory_gib = 20", "node = 'x'", "memory_gib = 20\nread_gb_s = 7")
        )
        found = parse_fleet(text.encode(), CATALOG)
        assert [machine.type for machine in found.machines] == [0, 1, 0, 2]
        assert [kind.name for kind in found.kinds][1:] == [
            "rtx-4090 (20 GiB)",
            "rtx-4090 (20 GiB) #2",
        ]

    def test_owners_hours_and_the_beginning(self) -> None:
        text = """
        starts = 2026-03-01T08:00:00+01:00
        timezone = "Europe/Berlin"
        [[devices]]
        type = "rtx-4090"
        hours = "22:00-06:00"
        [owners.anna]
        weight = 2
        [limits.storage]
        farm = 3
        """
        found = parse_fleet(text.encode(), CATALOG)
        assert found.weights == {"anna": 2.0}
        assert found.starts == 1_772_348_400.0
        hours = found.machines[0].hours
        assert hours is not None
        assert (hours.is_open(found.starts), hours.is_open(found.starts + 14 * 3600)) == (
            False,
            True,
        )
        assert found.rules["limits"] == {"storage": {"farm": 3}}

    WRONG = (
        ("x", "fleet: cannot be read as TOML"),
        ("", "devices: Field required"),
        ('[[devices]]\ntype = "rtx-4091"', "devices[0].type: is not a device of the catalog"),
        ('[[devices]]\ntype = "rtx-4090"\ncount = 0', "devices[0].count: Input should be greater"),
        ('[[devices]]\ntype = "rtx-4090"\ncores = 3', "devices[0].cores: Extra inputs"),
        ('[[devices]]\ntype = "rtx-4090"\nhours = "soon"', "devices[0].hours: cannot be read"),
        ('[[devices]]\ntype = "rtx-4090"\nlink = "rope"', "devices[0].link: Input should be"),
        ('timezone = "Mars"\n[[devices]]\ntype = "rtx-4090"', "timezone: is not a time zone"),
        ("starts = 2026-01-05T00:00:00\n[[devices]]\ntype = 'rtx-4090'", "starts: Input should"),
        ('[[devices]]\ntype = "rtx-4090"\n[owners.a]\nweight = 0', "owners.a.weight: Input should"),
    )

    @pytest.mark.parametrize(("text", "says"), WRONG)
    def test_each_problem(self, text: str, says: str) -> None:
        assert fleet_problems(text)[0].startswith(says)

    def test_all_at_once(self) -> None:
        text = '[[devices]]\ntype = "a"\nhours = "soon"\n[[devices]]\ntype = "b"'
        assert len(fleet_problems(text)) == 3

    def test_too_many(self) -> None:
        table = '[[devices]]\ntype = "rtx-4090"\ncount = 60000\n'
        assert fleet_problems(table * 2)[0].startswith("devices: are too many (got 120000;")

    def test_too_long(self) -> None:
        assert "is too long" in fleet_problems("#" * 2_000_000)[0]


class TestMore:
    """`--add TYPE=N`."""

    FLEET = parse_fleet(
        b'[[devices]]\ntype = "rtx-4090"\ntags = ["x"]\nhours = "Sat"\nnode = "a"', CATALOG
    )

    def test_of_a_type_that_is_there(self) -> None:
        found = with_more(self.FLEET, "rtx-4090", 2, CATALOG)
        assert [machine.index for machine in found.machines] == [0, 1, 2]
        assert found.machines[2].tags == frozenset({"x"})
        assert len({machine.node for machine in found.machines}) == 3
        assert found.kinds == self.FLEET.kinds

    def test_of_another_type(self) -> None:
        found = with_more(self.FLEET, "l40s", 1, CATALOG)
        assert [kind.name for kind in found.kinds] == ["rtx-4090", "l40s"]
        assert found.machines[1].type == 1

    def test_of_no_type(self) -> None:
        with pytest.raises(InvalidInput, match="--add: is not a device of the catalog"):
            with_more(self.FLEET, "l40t", 1, CATALOG)


class TestPrices:
    """Given seconds are taken, shots are predicted."""

    KINDS = parse_fleet(
        b'[[devices]]\ntype = "rtx-4090"\n[[devices]]\ntype = "own"\nmemory_gib = 8', CATALOG
    ).kinds

    def test_one_number_is_for_every_type(self) -> None:
        found = price_all([Shape("m", seconds=3.0, load_seconds=2.0)], self.KINDS, CATALOG)
        assert found.seconds.tolist() == [[3.0, 3.0]]
        assert found.load_seconds.tolist() == [[2.0, 2.0]]

    def test_a_type_that_is_not_named_cannot(self) -> None:
        found = price_all([Shape("m", seconds=(("own", 3.0),))], self.KINDS, CATALOG)
        assert found.seconds.tolist() == [[float("inf"), 3.0]]

    def test_a_name_of_the_catalog_means_the_same_device(self) -> None:
        kinds = parse_fleet(b'[[devices]]\ntype = "RTX 4090"', CATALOG).kinds
        assert price(Shape("m", seconds=(("rtx-4090", 3.0),)), kinds[0], CATALOG).seconds == 3.0

    def test_too_little_memory(self) -> None:
        found = price_all([Shape("m", seconds=3.0, memory_gib=10.0)], self.KINDS, CATALOG)
        assert found.seconds.tolist() == [[3.0, float("inf")]]

    def test_a_shot_is_priced_by_the_predictor(self) -> None:
        [row] = price_all([Shape("wan2.1-t2v-1.3b", frames=81)], self.KINDS, CATALOG).seconds
        assert 30 < row[0] < 3000
        assert row[1] == float("inf")

    def test_its_steps_are_the_models(self) -> None:
        shapes = [Shape("wan2.1-t2v-1.3b"), Shape("wan2.1-t2v-1.3b", steps=7), Shape("m", 1, 2.0)]
        steps = price_all(shapes, self.KINDS, CATALOG).steps
        assert steps == (CATALOG.models["wan2.1-t2v-1.3b"].steps, 7, 0)

    def test_too_large_a_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("coordinator.simulate.shapes.MOST_PRICES", 3)
        with pytest.raises(
            InvalidInput, match=r"2 shapes x 2 device types; limit 3 prices\). Round"
        ):
            price_all([Shape("m", 1, 1.0), Shape("m", 1, 2.0)], self.KINDS, CATALOG)
