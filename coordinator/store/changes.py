"""What has become of some tasks and workers, for a scheduler that keeps the farm in memory.
They, and what needs them, are read anew; the whole farm is read in `coordinator.store.farm`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from coordinator.core.living import Changes, LivingYard
from coordinator.core.needs import fewer
from coordinator.store.bulk import among
from coordinator.store.farm import read_devices, read_under_way, read_waiting
from coordinator.store.tables import edges, tasks
from reelyard.catalog import Catalog
from reelyard.states import TaskState

_OF_JOBS = select(tasks.c.id).where(among(tasks.c.job_id))
_STATES = select(tasks.c.id, tasks.c.state).where(among(tasks.c.id))
_DEPENDANTS = select(edges.c.task_id, edges.c.needs).where(among(edges.c.needs))


@dataclass(frozen=True, slots=True)
class Only:
    """Some tasks: these, and all of these jobs; and the devices of these workers."""

    ids: frozenset[str] = frozenset()
    jobs: frozenset[str] = frozenset()
    workers: frozenset[str] = frozenset()


def read_changes(
    connection: Connection, catalog: Catalog, only: Only, known: LivingYard
) -> tuple[Changes, list[tuple[str, str]]]:
    """What has become of these, and of the tasks that need them; and tasks that make no sense to
    us, with why. What `known` can tell by itself is not read."""
    changed, workers = _changed(connection, only), only.workers
    met = _met(connection, only.ids, changed)
    waits_on = fewer(known, met)
    read = changed | (met.keys() - waits_on.keys())
    if not read and not waits_on and not workers:
        return Changes(), []
    waiting, unreadable = read_waiting(connection, read)
    under_way, lost = read_under_way(connection, read)
    devices = read_devices(connection, catalog, workers) if workers else []
    all_that_wait = (*waiting, *waits_on.values())
    changes = Changes(
        read | waits_on.keys(), all_that_wait, tuple(under_way), workers, tuple(devices)
    )
    return changes, [*unreadable, *lost]


def _changed(connection: Connection, only: Only) -> frozenset[str]:
    """One column a condition: a planner that has to choose reads every task that waits."""
    of_jobs = connection.scalars(_OF_JOBS, {"ids": only.jobs}) if only.jobs else ()
    return only.ids.union(of_jobs)


def _met(
    connection: Connection, ids: frozenset[str], changed: frozenset[str]
) -> dict[str, list[str]]:
    """By task that needs some of these, and has not changed itself: those that are done now. A
    change of what is not done changes nothing there."""
    states = connection.execute(_STATES, {"ids": ids}) if ids else ()
    done = [id for id, state in states if state == TaskState.DONE]
    found = defaultdict[str, list[str]](list)
    for task_id, needs in connection.execute(_DEPENDANTS, {"ids": done}) if done else ():
        if task_id not in changed:
            found[task_id].append(needs)
    return found
