"""`reelyard simulate`: words in, tables, JSON, schedules and pictures out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bench import workloads
from coordinator.cli import app
from coordinator.simulate.picture import sample

FLEET = '[[devices]]\ntype = "card"\ncount = 2\nmemory_gib = 24\n'
LINES = [
    {"at": 0, "owner": o, "kind": "video", "model": m, "seconds": s, "load_seconds": 5}
    for o, m, s in (("anna", "a", 10), ("anna", "b", 20), ("ben", "a", 10), ("ben", "a", 30))
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "fleet.toml").write_text(FLEET)
    (tmp_path / "work.jsonl").write_text("\n".join(map(json.dumps, LINES)))
    return ("--fleet", str(tmp_path / "fleet.toml"), "--workload", str(tmp_path / "work.jsonl"))


def run(*words: str) -> Result:
    answer = CliRunner().invoke(app, ["simulate", *words])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer


def data(answer: Result) -> Any:
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


class TestOutput:
    """What it prints."""

    def test_json(self, files: tuple[str, ...]) -> None:
        [found] = data(run(*files, "--policy", "fifo", "--json"))["results"]
        assert (found["policy"], found["tasks_done"], found["makespan_seconds"]) == (
            "fifo",
            4,
            60.0,
        )
        assert found["bound_seconds"] <= 55.0  # as fifo-affinity does it

    def test_the_farms_own_policy_is_played_if_none_is_named(self, files: tuple[str, ...]) -> None:
        [found] = data(run(*files, "--json"))["results"]
        assert (found["policy"], found["tasks_done"]) == ("reelyard", 4)

    def test_a_table(self, files: tuple[str, ...]) -> None:
        said = run(*files, "--policy", "fifo").stdout
        assert "makespan" in said
        assert "4 of 4" in said
        assert "anna" in said

    def test_policies_side_by_side(self, files: tuple[str, ...]) -> None:
        words = ("--policy", "fifo", "--policy", "fifo-affinity")
        found = data(run(*files, *words, "--json"))
        assert [one["policy"] for one in found["results"]] == ["fifo", "fifo-affinity"]
        assert found["differences"]["loads"] == -1.0
        head = run(*files, *words).stdout.splitlines()[0].split()
        assert head == ["fifo", "fifo-affinity", "change"]

    def test_more_devices(self, files: tuple[str, ...]) -> None:
        found = data(run(*files, "--policy", "fifo", "--add", "card=2", "--json"))
        assert [one["devices"] for one in found["results"]] == [2, 4]
        assert found["differences"]["makespan_seconds"] == -25.0
        assert found["results"][1]["fleet"] == "fleet.toml + card=2"

    def test_noise_and_failures_are_of_the_seed(self, files: tuple[str, ...]) -> None:
        words = ("--policy", "fifo", "--noise", "0.4", "--failures", "0.5", "--json")
        one, again, other = (data(run(*files, *words, "--seed", n)) for n in ("1", "1", "2"))
        times = [found["results"][0]["makespan_seconds"] for found in (one, again, other)]
        assert times[0] == times[1] != times[2]

    def test_a_schedule(self, files: tuple[str, ...], tmp_path: Path) -> None:
        out = tmp_path / "out.jsonl"
        assert run(*files, "--policy", "fifo", "--schedule", str(out)).exit_code == 0
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [line["task"] for line in lines] == ["1", "2", "3", "4"]
        assert all(line["ok"] for line in lines)

    @pytest.mark.parametrize("suffix", ["svg", "png"])
    def test_a_picture(self, suffix: str, files: tuple[str, ...], tmp_path: Path) -> None:
        out = tmp_path / f"out.{suffix}"
        assert run(*files, "--policy", "fifo", "--plot", str(out)).exit_code == 0
        content = out.read_bytes()
        assert content.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")
        assert len(content) > 5_000

    def test_what_never_ran_is_told(self, files: tuple[str, ...], tmp_path: Path) -> None:
        large = {**LINES[0], "memory_gib": 80, "id": "large"}
        (tmp_path / "work.jsonl").write_text(json.dumps(large))
        said = run(*files, "--policy", "fifo").stdout
        assert "never ran: 1 task (large): no device of the fleet can run it: needs 80.0" in said

    def test_the_example_plays(self) -> None:
        folder = Path(__file__).parents[2] / "examples/simulate"
        words = (
            "--fleet",
            str(folder / "fleet.toml"),
            "--workload",
            str(folder / "workload.jsonl"),
        )
        [found] = data(run(*words, "--policy", "fifo", "--json"))["results"]
        assert found["never_ran"] == []

    def test_reelyard_passes_it_on(self, files: tuple[str, ...]) -> None:
        words = (*files, "--policy", "fifo", "--add", "card=1", "--json")
        ended = subprocess.run(
            [sys.executable, "-m", "reelyard.cli.main", "simulate", *words],
            capture_output=True,
            check=True,
        )
        assert len(json.loads(ended.stdout)["results"]) == 2


class TestRefusals:
    """Everything that is wrong, at once, with exit code 2."""

    def test_words_and_files_together(self, files: tuple[str, ...], tmp_path: Path) -> None:
        (tmp_path / "work.jsonl").write_text('{"at": -1}')
        answer = run(*files, "--policy", "fido", "--add", "card", "--plot", "x/y.pdf", "--json")
        assert answer.exit_code == 2
        problems = json.loads(answer.stderr)["error"]["problems"]
        fields = [problem["field"] for problem in problems]
        assert fields[:4] == ["--policy", "--add", "--plot", "--plot"]
        assert {"at", "owner", "kind", "model"} < set(fields)

    def test_a_file_that_is_not_there(self, files: tuple[str, ...]) -> None:
        answer = run(*files[:3], "nowhere.jsonl")
        assert answer.exit_code == 2
        assert "nowhere.jsonl: cannot be read: No such file" in answer.stderr

    @pytest.mark.parametrize("words", [("--noise", "9"), ("--failures", "1"), ("--seed", "-1")])
    def test_limits(self, words: tuple[str, str], files: tuple[str, ...]) -> None:
        assert run(*files, *words).exit_code == 2


class TestSample:
    """Which devices a picture shows."""

    def test_all_of_few(self) -> None:
        assert sample([0, 1, 0], 60, 0) == [0, 2, 1]

    def test_every_type_in_proportion(self) -> None:
        shown = sample([0] * 900 + [1] * 99 + [2], 60, 0)
        kinds = [0 if n < 900 else 1 if n < 999 else 2 for n in shown]
        assert (kinds.count(0), kinds.count(1), kinds.count(2)) == (54, 5, 1)

    def test_the_last_to_end_is_always_there(self) -> None:
        assert all(last in sample([0] * 900 + [1] * 100, 60, last) for last in range(1000))

    def test_never_too_many(self) -> None:
        assert len(sample(list(range(200)), 60, 150)) == 60


class TestFamilies:
    """The invented traffic of `bench/workloads.py` can be read and played."""

    @pytest.mark.parametrize("name", sorted(workloads.FAMILIES))
    def test_each(self, name: str, tmp_path: Path) -> None:
        made = workloads.FAMILIES[name](3)
        short = workloads.Traffic(made.family, made.seed, made.fleet, made.lines[:300])
        fleet, work = short.write(tmp_path)
        words = ("--fleet", str(fleet), "--workload", str(work), "--policy", "fifo", "--json")
        [found] = data(run(*words))["results"]
        assert (found["tasks_done"], found["never_ran"]) == (300, [])

    def test_a_seed_is_always_the_same(self) -> None:
        one, same, other = (workloads.batch(seed) for seed in (1, 1, 2))
        assert one.lines == same.lines != other.lines
