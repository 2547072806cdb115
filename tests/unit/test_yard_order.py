"""Nothing that a yard decides comes from an accident: the order in which it was told, or in which a
process happens to walk through a set."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.terms import Terms
from coordinator.core.yard.wishes import Start
from coordinator.core.yard.yard import Yard
from tests.support.told_days import a_day
from tests.support.told_yard import MODELS, Day, Estimates, Kind, history

_FOLDER = Path(__file__).resolve().parents[2]
_PLAY = """
from tests.support.told_days import a_day
from tests.support.told_yard import history
for seed in (3, 5, 8, 11, 15, 21):
    print(history(a_day(seed)))
"""
_ALIKE = tuple(f"{name}{n}" for name in ("card", "gpu", "rtx", "h") for n in range(4))


def _by_kind(day: Day) -> list[tuple[float, list[tuple[str, tuple[Kind, ...]]]]]:
    """At each moment what starts on devices of which kind, and what stops."""
    found = []
    for now, decisions in history(day):
        said = [
            (
                d.task,
                tuple(day.places[str(n)].kind for n in d.seats) if isinstance(d, Start) else (),
            )
            for d in decisions
        ]
        found.append((round(now, 6), sorted(said, key=str)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_same_history_gives_the_same_decisions(seed: int) -> None:
    assert history(a_day(seed)) == history(a_day(seed))


def test_another_process_decides_the_same() -> None:
    """Each process walks through sets of names in an order of its own."""
    one, *others = (_played(hash_seed) for hash_seed in ("1", "2", "77"))
    assert len(one) > 10_000
    assert others == [one, one]


def _played(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(_FOLDER)}
    command = [sys.executable, "-c", _PLAY]
    return subprocess.run(
        command, cwd=_FOLDER, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("seed", range(3))
def test_of_devices_and_lines_that_are_alike_the_name_decides(seed: int) -> None:
    """However they were told of: what is equal in all else goes by its name or its moment."""
    said = [_alike_served(order) for order in (random.Random(seed), random.Random(seed + 10))]
    assert said[0] == said[1] and len(said[0]) == len(_ALIKE)


def _alike_served(order: random.Random) -> list[tuple[str, object]]:
    yard = Yard(Estimates(dict.fromkeys(MODELS, 50.0)), OpenHouse({}))
    names, tasks = list(_ALIKE), [(n, shape) for n in range(12) for shape in ("a", "b")]
    order.shuffle(names)
    order.shuffle(tasks)
    for name in names:
        yard.put(name, Kind(1.0), "n1", held=("A" if name.endswith(("0", "1")) else "B",))
    for n, shape in tasks:
        yard.wait(f"{shape}{n}", LineKey(shape, "anna"), float(n) + (0.5 if shape == "a" else 0.0))
    return [(said.task, said.seats) for said in yard.decide(20.0) if isinstance(said, Start)]


def test_moments_of_arrival_are_remembered_alike_in_any_order() -> None:
    """A farm that is read from the database is told of its tasks in the order of their ids."""
    moments = [float(n % 700) for n in range(0, 7_000, 7)]
    rising, falling = Forecast(Terms()), Forecast(Terms())
    for at in sorted(moments):
        rising.arrive(0, at)
    for at in sorted(moments, reverse=True):
        falling.arrive(0, at)
    since = (690.0, 650.0, 100.0)
    assert [rising.moments_since(at) for at in since] == [falling.moments_since(at) for at in since]


def test_the_order_in_which_things_are_handed_in_changes_nothing() -> None:
    for seed in range(24):
        one, other = a_day(seed, 50.0), a_day(seed, 50.0, random.Random(seed + 1))
        assert _by_kind(one) == _by_kind(other), f"day {seed}"
