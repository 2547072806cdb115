"""Which devices of a farm would ever take a task, asked once for tasks that are alike. Whether they
are online, busy or open at this hour does not matter here. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.core.asks import Ask, FarmEstimates, Kind, Lane, ask_of, kind_of, lane_of
from coordinator.core.snapshot import Device, Snapshot, Waiting


@dataclass(slots=True)
class Able:
    """Answers about one farm."""

    farm: Snapshot
    estimates: FarmEstimates
    _kinds: dict[Lane, Mapping[Kind, list[Device]]] = field(default_factory=dict)
    _known: dict[Ask, Mapping[Kind, list[Device]]] = field(default_factory=dict)

    def kinds(self, lane: Lane) -> Mapping[Kind, list[Device]]:
        """Every kind of device, and which are of it."""
        if lane not in self._kinds:
            found = defaultdict[Kind, list[Device]](list)
            for device in self.farm.devices:
                found[kind_of(device, lane, self.estimates.rules)].append(device)
            self._kinds[lane] = found
        return self._kinds[lane]

    def of(self, task: Waiting) -> Mapping[Kind, list[Device]]:
        """Those that can run the task."""
        ask = ask_of(task, self.estimates.rules)
        if ask not in self._known:
            kinds, refusal = self.kinds(lane_of(task.kind)), self.estimates.refusal
            self._known[ask] = {
                kind: found for kind, found in kinds.items() if refusal(task, kind) is None
            }
        return self._known[ask]

    def devices(self, task: Waiting) -> list[Device]:
        """The same, one by one."""
        return [device for found in self.of(task).values() for device in found]
