"""What a task still waits for when some of what it needs is there: so a film of many scenes is not
read anew at the end of each. Pure; where anything is in doubt it answers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from coordinator.core.living import LivingYard
from coordinator.core.snapshot import Waiting


def fewer(farm: LivingYard, met: Mapping[str, Sequence[str]]) -> dict[str, Waiting]:
    """Of these tasks, with what each needed that is done now, those that still wait for others: as
    they wait from now on. What the farm does not know, or what may start, has to be looked up."""
    found = {}
    for task_id, done in met.items():
        task = farm.held.get(task_id)
        labels = {farm.under_way[one].label for one in done if one in farm.under_way}
        if task is not None and len(labels) == len(done):
            left = tuple(need for need in task.open_needs if need not in labels)
            if left and len(left) == len(task.open_needs) - len(done):
                found[task_id] = replace(task, open_needs=left)
    return found
