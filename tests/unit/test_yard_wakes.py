"""When the yard asks to be looked at again: between what happens and the moments that it names
nothing could have started or stopped. Each gap of many days is looked into, at its very end and at
some moment before; the looks are at copies, so that they change nothing.

Not before a second after the last look: the yard never asks sooner. Nothing is queued ahead of need
in these days: nobody is woken for the tens of milliseconds that it gains.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy

import pytest

from tests.support.told_days import a_day
from tests.support.told_yard import Day

_SOONEST_SECONDS = 1.0
_JUST_BEFORE_SECONDS = 0.01
_NOTHING_AHEAD = {"ahead_seconds": 0.0}
_SHORT = {
    **_NOTHING_AHEAD,
    "age_seconds": 150.0,
    "starve_seconds": 60.0,
    "starve_loads": 4.0,
    "critical_seconds": 60.0,
    "swap_waits": 4.0,
    "behind_waits": 8.0,
    "half_life_seconds": 1e9,
}
"""So that a short day meets all of them; nothing is forgotten, for that has no moment."""


@pytest.mark.parametrize("seed", range(30))
def test_nothing_could_have_started_before_the_yard_asks_to_be_looked_at(seed: int) -> None:
    day = a_day(seed, terms=_SHORT if seed % 3 else _NOTHING_AHEAD)
    missed = list(_missed(day, random.Random(seed)))
    assert sorted(day.done) == sorted(day.tasks)
    assert not missed, f"{len(missed)} times, first {missed[0]}"


def _missed(day: Day, dice: random.Random) -> Iterator[str]:
    for now, _ in day.moments():
        first, last = now + _SOONEST_SECONDS, day.next_moment() - _JUST_BEFORE_SECONDS
        for at in (last, dice.uniform(first, last)) if first < last < 1e6 else ():
            if found := deepcopy(day.yard).decide(at):
                yield f"at {now:g} s nobody asked for {at:g} s, and yet: {found[0]}"
