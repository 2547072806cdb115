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
from coordinator.core.yard.placing import may_take
from coordinator.core.yard.prices import Bools
from coordinator.core.yard.queues import CERTAIN_SECONDS
from coordinator.core.yard.seats import Run, Seat
from coordinator.core.yard.terms import Urgency
from coordinator.core.yard.wishes import Step, Stop

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
    """When the next run has had its minimum for certain; endless for never."""
    least = minimum_run_seconds + CERTAIN_SECONDS
    moments = (run.started_at + least for run in runs if makes_way(run))
    return min((moment for moment in moments if moment > now), default=inf)


def victim(line: int, picker: Picker) -> int | None:
    """The device whose run should make way for the line; None for none."""
    most = float(picker.queues.patience()[line])
    found = [
        (ends, -seat.run.started_at, number)
        for number, seat in enumerate(picker.seats.seats)
        if seat.run is not None
        and seat.then is None
        and seat.is_open
        and seat.kept_for is None
        and _may_be_stopped(seat.run, picker)
        and (ends := _ends(line, seat, picker)) <= most
        and np.isfinite(ends)
    ]
    return min(found)[2] if found else None


def _ends(line: int, seat: Seat, picker: Picker) -> float:
    shape = int(picker.lines.shape[line])
    is_warm = int(picker.prices.model[shape]) in (*seat.held, -1)
    load = 0.0 if is_warm else float(picker.prices.load[shape, seat.kind])
    return float(picker.prices.run[shape, seat.kind]) + load


def _may_be_stopped(run: Run, picker: Picker) -> bool:
    has_run = picker.now - run.started_at >= picker.terms.minimum_run_seconds
    is_long = run.ends_at - picker.now >= _WORTH_IT_SECONDS
    return has_run and is_long and makes_way(run)


def makes_way(run: Run) -> bool:
    """Whether it would, had it had its minimum."""
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
            key = yard.lines.key(line)
            run.stopping, run.makes_way_for = True, key
            round.found.append(Stop(run.task, f"an interactive task of {key.owner} waits"))


def take_cleared(round: Round) -> None:
    """What others made way for starts where they did, before anything else can."""
    yard = round.yard
    cleared, yard.cleared = yard.cleared, {}
    for number, key in cleared.items():
        line = yard.lines.numbers.get(key)
        if line is None or not yard.seats.is_idle(number) or not round.picker.ready()[line]:
            continue
        if may_take(round, line, number):
            round.start(line, (number,), Step.CLEARED)
