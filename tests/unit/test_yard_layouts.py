"""A layout holds each task once and says when it ends, and the order in which devices were told of
does not change it.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.yard.house import OpenHouse
from coordinator.core.yard.layout import Free, Layout, best_layout
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.mix import Work, makespan_bound, work_of
from coordinator.core.yard.yard import Yard
from tests.support.told_yard import Estimates, Kind

_SHAPES, _KINDS = 4, 2
_SECONDS = st.integers(1, 90).map(float)


@st.composite
def works(draw: st.DrawFn) -> tuple[Work, list[Free]]:
    """Some shapes of two models, and one to six devices; the second kind cannot run the last."""
    run = np.array([[draw(_SECONDS) for _ in range(_KINDS)] for _ in range(_SHAPES)])
    run[-1, 1] = np.inf
    load = np.full((_SHAPES, _KINDS), draw(_SECONDS))
    count = np.array([draw(st.integers(1, 6)) for _ in range(_SHAPES)], dtype=float)
    kinds = [0, *draw(st.lists(st.integers(0, 1), max_size=5))]
    held = st.frozensets(st.integers(0, 1))
    free = [Free(n, g, draw(held), draw(st.sampled_from((0.0, 7.0)))) for n, g in enumerate(kinds)]
    devices = np.bincount(kinds, minlength=_KINDS).astype(float)
    return work_of(run, load, np.array([0, 0, 1, 1]), count, devices), free


@settings(max_examples=60, deadline=None)
@given(works(), st.sampled_from((0.0, 0.8)), st.sampled_from((5, 120_000)))
def test_a_layout_played_through_ends_when_it_says(
    made: tuple[Work, list[Free]], risk: float, most_blocks: int
) -> None:
    work, free = made
    found = _laid(work, free, risk, most_blocks)
    tasks = Counter[int]()
    ends, loads = [0.0], 0
    for one in free:
        at, held = one.seconds, one.held
        for shape, many in found.runs[one.device]:
            tasks[shape] += many
            model = int(work.model[shape])
            if model not in held:
                held, loads = frozenset((model,)), loads + 1
                at += work.load[model, one.kind]
            at += work.run[shape, one.kind] * many
        ends.append(at if found.runs[one.device] else 0.0)
    assert dict(tasks) == dict(enumerate(work.count.astype(int).tolist()))
    assert (max(ends), loads) == (pytest.approx(found.makespan), found.loads)


@settings(max_examples=40, deadline=None)
@given(works(), st.randoms(use_true_random=False))
def test_the_order_of_devices_changes_no_layout(
    made: tuple[Work, list[Free]], dice: Random
) -> None:
    work, free = made
    other = list(free)
    dice.shuffle(other)
    assert _laid(work, free) == _laid(work, other)


def test_of_devices_that_are_alike_the_name_says_who_gets_more() -> None:
    one, other = _lists(["d0", "d1", "d2"]), _lists(["d2", "d0", "d1"])
    assert one == other and len(set(one.values())) > 1


def test_devices_that_hold_several_models_need_no_load_for_any_of_them() -> None:
    names = ["d0", "d1", "d2"]
    assert min(_lists(names, held=("B", "A"), load=1e6).values()) > 0
    assert min(_lists(names, held=("A", "B"), load=1e6).values()) > 0


def _lists(names: list[str], held: tuple[str, ...] = (), load: float = 20.0) -> dict[str, int]:
    """How many of eleven tasks each device's list has, beside the one it runs."""
    yard = Yard(Estimates({"a": 100.0}, load), OpenHouse({}))
    for name in names:
        yard.put(name, Kind(1.0), "n1", held=held)
    for n in range(11):
        yard.wait(f"t{n:02}", LineKey("a", "anna"), 0.0)
    yard.decide(0.0)
    assert yard.batch.is_on
    lists = yard.batch.lists
    return {name: sum(many for _, many in lists[yard.seats.numbers[name]]) for name in names}


def _laid(work: Work, free: list[Free], risk: float = 0.0, most_blocks: int = 120_000) -> Layout:
    bound, mix = makespan_bound(work, tolerance=1e-2)
    return best_layout(work, mix, bound, free, risk, most_blocks)
