"""When to look again though nothing happens: a wait has become too long, a door opens or closes,
what could make way has had its minimum. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from coordinator.core.yard.picker import Picker
from coordinator.core.yard.preempt import asked_interactive, makes_way, next_moment
from coordinator.core.yard.prices import Bools

if TYPE_CHECKING:
    from coordinator.core.yard.yard import Yard


def may_push(yard: Yard) -> bool:
    """Whether something interactive waits, and may push others aside."""
    return yard.terms.may_preempt and bool(asked_interactive(yard.lines).any())


def of_runs(yard: Yard, now: float) -> Iterator[float]:
    """When somebody may be pushed aside who may not now, and when devices close on which something
    runs that can be cut."""
    if may_push(yard):
        yield next_moment(yard.runs.values(), now, yard.terms.minimum_run_seconds)
    if yard.can_be_cut > 0:
        yield from (now + yard.house.closes_in(kind, now) for kind in yard.prices.kinds)


def of_doors(yard: Yard, picker: Picker) -> Iterator[float]:
    """When closed kinds open, and when open ones close: what waited for them goes elsewhere."""
    for number, kind in enumerate(yard.prices.kinds):
        if yard.seats.count[number] > 0:
            closes = float(picker.closes[number])
            yield picker.now + (closes if closes > 0 else yard.house.opens_in(kind, picker.now))


def of_waits(yard: Yard, picker: Picker) -> Iterator[float]:
    """When waits reach what the rule asks for, and a storage bears one more load."""
    yield yard.batch.again_at() if yard.batch.is_on else inf
    yield yard.holds.next_loaded(picker.now)
    ready = np.nonzero(picker.ready())[0]
    kinds = np.nonzero(_could_take(yard) & (picker.closes > 0))[0]
    if len(ready) and len(kinds):
        pairs = np.ix_(yard.lines.shape[ready], kinds)
        run, load = yard.prices.run[pairs], yard.prices.load[pairs]
        first = picker.goes_first()[ready]
        yield from picker.queues.next_waits(ready, first, run, load)


def _could_take(yard: Yard) -> Bools:
    """[kinds] of which a device is idle, or runs what could make way for what waits."""
    found = np.asarray(yard.seats.idle_of_kind[: len(yard.prices.kinds)] > 0)
    if may_push(yard):
        for run in filter(makes_way, yard.runs.values()):
            found[yard.seats.seats[run.seats[0]].kind] = True
    return found
