"""When to look again though nothing happens: a wait has become too long, a door opens or closes,
what could make way has had its minimum. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from coordinator.core.yard.picker import Picker
from coordinator.core.yard.preempt import asked_interactive, next_moment

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
    if any(run.can_checkpoint for run in yard.runs.values()):
        yield from (now + yard.house.closes_in(kind, now) for kind in yard.prices.kinds)


def of_doors(yard: Yard, picker: Picker) -> Iterator[float]:
    """When closed kinds open."""
    kinds = list(yard.prices.kinds)
    closed = np.nonzero((picker.closes <= 0) & (yard.seats.count[: len(kinds)] > 0))[0]
    yield from (picker.now + yard.house.opens_in(kinds[kind], picker.now) for kind in closed)


def of_waits(yard: Yard, picker: Picker) -> Iterator[float]:
    """When waits reach what the rule asks for."""
    yield from (held.seconds + picker.now for held in yard.reservations.values())
    yield yard.batch.again_at() if yard.batch.is_on else inf
    ready = np.nonzero(picker.ready())[0]
    has_idle = yard.seats.idle_of_kind[: len(yard.prices.kinds)] > 0
    idle = np.nonzero(has_idle & (picker.closes > 0))[0]
    if len(ready) and len(idle):
        pairs = np.ix_(yard.lines.shape[ready], idle)
        run, load = yard.prices.run[pairs], yard.prices.load[pairs]
        yield from picker.queues.next_waits(ready, run, load)
