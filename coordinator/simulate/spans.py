"""When tasks ran and when they waited, as intervals. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coordinator.simulate.engine import Played
from coordinator.simulate.policy import Floats, Ints


@dataclass(frozen=True, slots=True)
class Spans:
    """Intervals of one kind, by owner's number: [n] begin, end, owner, devices."""

    begin: Floats
    end: Floats
    owner: Ints
    devices: Ints


def spans_of(played: Played, names: list[str]) -> tuple[Spans, Spans]:
    """When tasks ran, and when they waited: from arrival or a run's bad end to the next start, what
    is left to the end of all."""
    tasks, runs = played.world.tasks, played.runs
    number = {name: n for n, name in enumerate(names)}
    owner = np.array([number[task.owner] for task in tasks], dtype=np.int64)
    task, start, end = (np.array(column) for column in (runs.task, runs.start, runs.end))
    ready = np.array([one.at for one in tasks], dtype=np.float64)
    last = max(float(end.max(initial=0.0)), float(ready.max(initial=0.0)))
    order = np.lexsort((start, task))
    begin = ready[task]
    again = np.zeros(len(task), dtype=bool)
    again[order[1:]] = task[order[1:]] == task[order[:-1]]
    before = np.zeros(len(task), dtype=np.int64)
    before[order[1:]] = order[:-1]
    begin[again] = end[before[again]]
    np.maximum.at(ready, task, end)  # only what is left is looked at again
    left = np.array(sorted(played.left), dtype=np.int64)
    gang = np.diff(np.array(runs.first))
    return Spans(start, end, owner[task], gang), Spans(
        np.concatenate([begin, ready[left]]),
        np.concatenate([start, np.full(len(left), last)]),
        np.concatenate([owner[task], owner[left]]),
        np.ones(len(task) + len(left), dtype=np.int64),
    )


def union(begin: Floats, end: Floats) -> tuple[Floats, Floats]:
    """The times that these intervals cover; those that touch are one."""
    some = end > begin
    order = np.argsort(begin[some], kind="stable")
    begins, ends = begin[some][order], np.maximum.accumulate(end[some][order])
    if not len(begins):
        return begins, ends
    fresh = np.concatenate([[True], begins[1:] > ends[:-1]])
    return begins[fresh], ends[np.concatenate([fresh[1:], [True]])]
