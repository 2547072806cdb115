"""Lines of alike waiting tasks. A line is shape x owner x band x priority x deadline: its tasks are
taken oldest first. Numbers about lines are arrays, so that a decision never looks at a task.

Only tasks that could start are in a line; what is blocked, held or paused is not here.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from math import inf

import numpy as np

from coordinator.core.yard.prices import Bools, Floats, Ints
from coordinator.core.yard.terms import Urgency

_FIRST = 64
_MOST_MOVED = 1_000
_COLUMNS = (
    *("shape", "owner", "band", "priority", "rank", "deadline", "gang"),
    *("can_checkpoint", "count", "oldest"),
)


@dataclass(frozen=True, slots=True)
class LineKey:
    """What makes waiting tasks alike. `shape` is whatever the estimates know it by; `rank` below 0
    was moved to the front by a person; `deadline` in seconds on the clock of the yard, endless for
    none; `limits` are names of what a task holds while it runs; `can_checkpoint`: it may be cut,
    where the device can do that."""

    shape: Hashable
    owner: str
    band: Urgency = Urgency.NORMAL
    priority: int = 50
    rank: float = 0.0
    deadline: float = inf
    gang: int = 1
    can_checkpoint: bool = False
    limits: tuple[str, ...] = ()


class Lines:
    """All lines, by number. Sweeping away what is empty gives others new numbers."""

    def __init__(self) -> None:
        self.numbers: dict[LineKey, int] = {}
        self.keys: list[LineKey | None] = []
        self.where: dict[str, int] = {}
        self.limited: set[int] = set()
        self._heaps: list[list[tuple[float, str]]] = []
        self._unused: list[int] = []
        self.shape: Ints = np.zeros(_FIRST, dtype=np.int64)
        self.owner: Ints = np.zeros(_FIRST, dtype=np.int64)
        self.band: Ints = np.zeros(_FIRST, dtype=np.int64)
        self.priority: Floats = np.zeros(_FIRST)
        self.rank: Floats = np.zeros(_FIRST)
        self.deadline: Floats = np.zeros(_FIRST)
        self.gang: Ints = np.ones(_FIRST, dtype=np.int64)
        self.can_checkpoint: Bools = np.zeros(_FIRST, dtype=np.bool_)
        self.count: Floats = np.zeros(_FIRST)
        self.oldest: Floats = np.full(_FIRST, inf)

    def __len__(self) -> int:
        return len(self.keys)

    def total(self) -> int:
        """Waiting tasks."""
        return len(self.where)

    def line(self, key: LineKey, shape: int, owner: int) -> int:
        """The line's number; `shape` and `owner` are the numbers of its shape and owner."""
        number = self.numbers.get(key)
        if number is None:
            number = self._open(key, shape, owner)
        return number

    def add(self, line: int, task: str, at: float) -> None:
        """The task stands in line since then."""
        self.where[task] = line
        heapq.heappush(self._heaps[line], (at, task))
        self.count[line] += 1
        self.oldest[line] = min(self.oldest[line], at)

    def remove(self, task: str) -> int | None:
        """The task does not wait any more; its line, or None when it was in none."""
        line = self.where.pop(task, None)
        if line is not None:
            self.count[line] -= 1
            self._show_oldest(line)
        return line

    def take(self, line: int) -> tuple[str, float]:
        """The oldest task of the line, and since when it waited. The line must not be empty."""
        self._show_oldest(line)
        at, task = heapq.heappop(self._heaps[line])
        del self.where[task]
        self.count[line] -= 1
        self._show_oldest(line)
        return task, at

    def first(self, line: int) -> str:
        """The oldest task of the line, which must not be empty."""
        self._show_oldest(line)
        return self._heaps[line][0][1]

    def standing(self) -> Iterator[int]:
        """Lines that have a task."""
        return (int(line) for line in np.nonzero(self.count[: len(self.keys)] > 0)[0])

    def tasks(self, line: int) -> Iterator[str]:
        """Ids of the tasks in the line, in no order."""
        return (task for _, task in self._heaps[line] if self.where.get(task) == line)

    def key(self, line: int) -> LineKey:
        """Of a line that is in use."""
        found = self.keys[line]
        assert found is not None
        return found

    def is_littered(self) -> bool:
        """Whether empty lines outnumber the others."""
        many = len(self.keys)
        return many > _FIRST and 2 * int(np.count_nonzero(self.count[:many])) < many

    def sweep(self) -> None:
        """Forget empty lines, and give the last ones the numbers that are free: what looks at all
        lines looks at fewer. A line of very many tasks keeps its number."""
        for key, number in list(self.numbers.items()):
            if self.count[number] == 0:
                del self.numbers[key]
                self._close(number)
        free = [number for number, key in enumerate(self.keys) if key is None]
        for hole in free:
            while self.keys and self.keys[-1] is None:
                self._drop_last()
            last = len(self.keys) - 1
            if hole >= last or self.count[last] > _MOST_MOVED:
                break
            self._move(last, hole)
        self._unused = [number for number, key in enumerate(self.keys) if key is None]
        self._unused.reverse()

    def _close(self, number: int) -> None:
        self.keys[number], self._heaps[number] = None, []
        self.limited.discard(number)
        self.count[number], self.oldest[number] = 0, inf

    def _drop_last(self) -> None:
        self.keys.pop()
        self._heaps.pop()

    def _move(self, old: int, new: int) -> None:
        key = self.keys[old]
        assert key is not None
        self.keys[new], self._heaps[new] = key, self._heaps[old]
        self.numbers[key] = new
        for task in self.tasks(old):
            self.where[task] = new
        for name in _COLUMNS:
            column = getattr(self, name)
            column[new] = column[old]
        if old in self.limited:
            self.limited.add(new)
        self._close(old)

    def _show_oldest(self, line: int) -> None:
        heap = self._heaps[line]
        while heap and self.where.get(heap[0][1]) != line:
            heapq.heappop(heap)
        self.oldest[line] = heap[0][0] if heap else inf

    def _open(self, key: LineKey, shape: int, owner: int) -> int:
        if self._unused:
            number = self._unused.pop()
            self.keys[number] = key
        else:
            number = len(self.keys)
            self.keys.append(key)
            self._heaps.append([])
            self._grow()
        self.numbers[key] = number
        if key.limits:
            self.limited.add(number)
        self.shape[number], self.owner[number], self.band[number] = shape, owner, key.band
        self.priority[number], self.rank[number] = key.priority, key.rank
        self.deadline[number], self.gang[number] = key.deadline, key.gang
        self.can_checkpoint[number] = key.can_checkpoint
        self.count[number], self.oldest[number] = 0, inf
        return number

    def _grow(self) -> None:
        if len(self.keys) <= len(self.count):
            return
        for name in _COLUMNS:
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros_like(array)]))
