"""What tasks hold while they run: named limits, of the farm and of each node, and their storage's
attention while they load. Counts; decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import inf

import numpy as np

from coordinator.core.yard.house import House
from coordinator.core.yard.lines import Lines
from coordinator.core.yard.prices import Bools
from coordinator.core.yard.seats import Run, Seats


class Holds:
    """Under one farm's rules."""

    def __init__(self, house: House, seats: Seats) -> None:
        self._house, self._seats = house, seats
        self._limits: Counter[str] = Counter()
        self._on_node: Counter[tuple[str, str]] = Counter()
        self._loading: list[tuple[float, str]] = []

    def take(self, run: Run) -> None:
        """The run holds its limits from now on."""
        self._limits.update(run.line.limits)
        self._count_on_nodes(run, 1)

    def give_back(self, run: Run) -> None:
        """It holds nothing any more."""
        self._limits.subtract(run.line.limits)
        self._count_on_nodes(run, -1)

    def load(self, kind: Hashable, until: float, devices: int = 1) -> None:
        """So many devices of the kind load until then."""
        storage, _ = self._house.storage(kind)
        if storage:
            self._loading += [(until, storage)] * devices

    def may_load_together(self, kind: Hashable, devices: int) -> bool:
        """Whether the storage bears so many loads more at once. A gang for which it never would has
        it to itself."""
        storage, most = self._house.storage(kind)
        busy = sum(1 for _, name in self._loading if name == storage)
        return not storage or busy == 0 or busy + devices <= most

    def next_loaded(self, now: float) -> float:
        """When the next load ends that a storage counts; endless for none."""
        return min((until for until, _ in self._loading if until > now), default=inf)

    def barred(self, lines: Lines) -> Bools:
        """[lines] that need a limit of which nothing is left in the farm."""
        barred = np.zeros(len(lines), dtype=np.bool_)
        for line in lines.limited:
            barred[line] = bool(self.used_up(lines.key(line).limits))
        return barred

    def used_up(self, limits: Sequence[str]) -> str:
        """The first of these of which the farm has nothing left; empty for none."""
        return next((n for n in limits if self._limits[n] >= self._house.most_at_once(n)), "")

    def count(self, limit: str) -> int:
        """How many runs hold it."""
        return self._limits[limit]

    def may_load(self, kinds: Sequence[Hashable], now: float) -> Bools:
        """[kinds] whose storage bears one more load."""
        self._loading = [one for one in self._loading if one[0] > now]
        busy = Counter(storage for _, storage in self._loading)
        found = [self._house.storage(kind) for kind in kinds]
        return np.array([not name or busy[name] < most for name, most in found], dtype=np.bool_)

    def are_free(self, limits: Sequence[str], node: str, count: int = 1) -> bool:
        """Whether the node has so many left of each."""
        return all(
            self._on_node[name, node] + count <= self._house.most_on_node(name) for name in limits
        )

    def _count_on_nodes(self, run: Run, by: int) -> None:
        for number in run.seats:
            for name in run.line.limits:
                self._on_node[name, self._seats.seats[number].node] += by
