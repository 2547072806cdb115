"""What happens at a door: nothing starts that could neither end before it closes nor be cut, and
what can be cut is, once it has closed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from coordinator.core.yard.prices import Bools, Floats
from coordinator.core.yard.seats import Run, Seats


def in_time(
    ends: Floats, load: Floats, can_be_cut: Bools, closes: float, least_seconds: float
) -> Bools:
    """Which may start: those that end before the door closes, in so many seconds, and those that
    can go on from a checkpoint and get enough done before. `ends`: with the `load`."""
    return np.asarray((ends <= closes) | (can_be_cut & (load + least_seconds <= closes)))


def to_cut(runs: Iterable[Run], seats: Seats, closed: frozenset[int]) -> list[Run]:
    """What runs on devices of the closed kinds and can go on elsewhere, or another day."""
    return [
        run
        for run in runs
        if len(run.seats) == 1
        and seats.seats[run.seats[0]].kind in closed
        and (run.can_checkpoint or run.is_queued)
        and not run.stopping
    ]
