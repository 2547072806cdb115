"""Laws of shares: while all owners have work that could run anywhere, what each has used keeps to
their weights, from both sides: nobody far behind, and nobody far ahead while others wait.

By the window of the rule (so many loads and runs) and what is under way on each device. With a
model for each owner it is twice the window: nobody's resident model is thrown out for less, and
where two are behind by a window the third is ahead by two. A closed batch is left out: it is laid
out as a whole.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.yard.terms import Terms
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.engine import Played
from coordinator.simulate.policy import World
from tests.support.plays import a_task, a_world, played
from tests.support.small_farms import LAW, with_tasks

_RUN_SECONDS = 10.0
_TERMS = Terms(batch_depth=inf)
_LOOKS_SECONDS = 5.0


@settings(LAW, max_examples=24)
@given(
    st.sampled_from((1.0, 2.0, 3.0)),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from((0.0, 5.0, 20.0)),
)
def test_use_is_by_weight_while_all_have_work(
    weight: float, devices: int, is_one_model: bool, load: float
) -> None:
    world = _busy(weight, devices, is_one_model, load)
    found = played(world, CorePolicy(world, _TERMS))
    window = _TERMS.window_loads * load + _TERMS.window_tasks * _RUN_SECONDS
    under_way = devices * (load + _RUN_SECONDS)
    most = (1.0 if is_one_model else 2.0) * window + under_way
    for at in np.arange(0.0, _all_wait_until(found), _LOOKS_SECONDS):
        for owner, ahead in _ahead(found, float(at)).items():
            assert abs(ahead) <= most, f"{owner} is {ahead:g} s ahead at {at:g} s, of {most:g}"


def _busy(weight: float, devices: int, is_one_model: bool, load: float) -> World:
    owners = ("anna", "ben", "cleo")
    models = ("m",) * len(owners) if is_one_model else owners
    tasks = [
        a_task(0, at=n / 100, owner=owner, shape=shape, model=models[shape])
        for n in range(120)
        for shape, owner in enumerate(owners)
    ]
    world = a_world(tasks, devices, [[_RUN_SECONDS]] * 3, [[load]] * 3, weights={"ben": weight})
    return with_tasks(replace(world, prices=replace(world.prices, model=models)), tasks)


def _all_wait_until(found: Played) -> float:
    """When the first owner has nothing left to wait."""
    last: dict[str, float] = {}
    for run in found.runs:
        owner = found.world.tasks[run.task].owner
        last[owner] = max(last.get(owner, 0.0), run.start)
    return min(last.values())


def _ahead(found: Played, at: float) -> dict[str, float]:
    """By owner: device seconds beyond the part that is theirs by weight."""
    world = found.world
    used = dict.fromkeys(("anna", "ben", "cleo"), 0.0)
    for run in found.runs:
        used[world.tasks[run.task].owner] += max(0.0, min(run.end, at) - run.start)
    weights = {owner: world.weight(owner) for owner in used}
    part = sum(used.values()) / sum(weights.values())
    return {owner: seconds - weights[owner] * part for owner, seconds in used.items()}
