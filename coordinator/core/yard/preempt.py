"""Whom an interactive task may push aside: batch work that can go on from a checkpoint, once it has
had its minimum run, on the device where the waiting task would end soonest.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from coordinator.core.yard.lines import Lines
from coordinator.core.yard.picker import Picker
from coordinator.core.yard.prices import Bools
from coordinator.core.yard.seats import Run
from coordinator.core.yard.terms import Urgency
from coordinator.core.yard.wishes import Stop

if TYPE_CHECKING:
    from coordinator.core.yard.round import Round

_WORTH_IT_SECONDS = 30.0


def waiting_interactive(picker: Picker) -> list[int]:
    """Lines that were asked for as interactive, oldest first; ageing alone preempts nobody."""
    lines, count = picker.lines, len(picker.lines)
    ready = asked_interactive(lines) & picker.ready() & (lines.gang[:count] == 1)
    found = [int(line) for line in np.nonzero(ready)[0]]
    return sorted(found, key=lambda line: (-picker.waits[line], line))


def asked_interactive(lines: Lines) -> Bools:
    """[lines] that have a task and were asked for as interactive."""
    count = len(lines)
    asked = lines.band[:count] == Urgency.INTERACTIVE
    return np.asarray(asked & (lines.count[:count] > 0))


def next_moment(runs: Iterable[Run], now: float, minimum_run_seconds: float) -> float:
    """When the next run has had its minimum; endless for never."""
    moments = (run.started_at + minimum_run_seconds for run in runs if _makes_way(run))
    return min((moment for moment in moments if moment > now), default=inf)


def victim(line: int, picker: Picker) -> int | None:
    """The device whose run should make way for the line; None for none."""
    shape = int(picker.lines.shape[line])
    found = [
        (float(picker.prices.run[shape, seat.kind]), seat.run.started_at, number)
        for number, seat in enumerate(picker.seats.seats)
        if seat.run is not None
        and seat.then is None
        and seat.is_open
        and seat.kept_for is None
        and np.isfinite(picker.prices.run[shape, seat.kind])
        and _may_be_stopped(seat.run, picker)
    ]
    if not found:
        return None
    _, _, number = min(found, key=lambda one: (one[0], -one[1], one[2]))
    return number


def _may_be_stopped(run: Run, picker: Picker) -> bool:
    has_run = picker.now - run.started_at >= picker.terms.minimum_run_seconds
    is_long = run.ends_at - picker.now >= _WORTH_IT_SECONDS
    return has_run and is_long and _makes_way(run)


def _makes_way(run: Run) -> bool:
    is_batch = run.line.band == Urgency.BATCH and run.can_checkpoint
    return is_batch and len(run.seats) == 1 and not run.stopping and not run.is_queued


def push_aside(round: Round) -> None:
    """Batch work makes way for interactive tasks that no idle device could take."""
    yard = round.yard
    stopping = sum(1 for run in yard.runs.values() if run.stopping)
    for line in waiting_interactive(round.picker):
        for _ in range(int(yard.lines.count[line])):
            if stopping > 0:
                stopping -= 1
                continue
            number = victim(line, round.picker)
            run = yard.seats.seats[number].run if number is not None else None
            if run is None:
                return
            run.stopping = True
            owner = yard.lines.key(line).owner
            round.found.append(Stop(run.task, f"an interactive task of {owner} waits"))
