"""What waiting tasks have not been told yet. Remembers what each line was told, writes nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coordinator.core.decisions import Hold
from coordinator.core.reasons import Reasons
from coordinator.core.snapshot import Waiting
from coordinator.core.yard.lines import LineKey

if TYPE_CHECKING:
    from coordinator.core.living import LivingYard

_MANY = 50
_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a line was told, and when that was found."""

    key: LineKey
    hold: Hold
    at: float


@dataclass(slots=True)
class News:
    """`fresh`: tasks that nobody has told anything, or that have come back."""

    fresh: set[str] = field(default_factory=set)
    said: dict[int, Said] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)
    """Tasks that wait for very many others and were told for how many just now, and when."""

    def of(self, farm: LivingYard, now: float) -> list[Hold]:
        """For all of a line whose reason is another now, else for those that have newly joined it;
        and for what is held beside the lines."""
        found, reasons, newly = list[Hold](), Reasons(farm), self._newly(farm)
        lines = farm.yard.lines
        for line in lines.standing():
            hold, is_news = self._hold(farm, line, reasons, now)
            for task_id in lines.tasks(line) if is_news else newly.get(line, ()):
                found.append(replace(hold, task=farm.waiting[task_id]))
        self.counted = {id: at for id, at in self.counted.items() if now < at + _AGAIN_SECONDS}
        held = [farm.held[id] for id in sorted(self.fresh & farm.held.keys())]
        due = [task for task in held if self._is_due(task, now)]
        found += [reasons.of_held(task, now) for task in due]
        self.fresh = {task.id for task in held} - {task.id for task in due}
        return [hold for hold in found if hold.because != hold.task.because]

    def _is_due(self, task: Waiting, now: float) -> bool:
        """How many others a large film waits for changes all the time: it is told now and then."""
        if len(task.open_needs) <= _MANY:
            return True
        is_due = task.id not in self.counted
        self.counted.setdefault(task.id, now)
        return is_due

    def _newly(self, farm: LivingYard) -> dict[int, list[str]]:
        found, where = defaultdict[int, list[str]](list), farm.yard.lines.where
        for task_id in self.fresh & where.keys():
            found[where[task_id]].append(task_id)
        return found

    def _hold(self, farm: LivingYard, line: int, reasons: Reasons, now: float) -> tuple[Hold, bool]:
        """Why the line waits, and whether that is another reason than its tasks were told. What
        very many would have to be told anew is looked at now and then."""
        lines, said = farm.yard.lines, self.said.get(line)
        key, one = lines.key(line), farm.waiting[lines.first(line)]
        is_known = said is not None and said.key == key
        if said and is_known and lines.count[line] > _MANY and now < said.at + _AGAIN_SECONDS:
            return replace(said.hold, task=one), False
        hold = reasons.of_line(line, one, now)
        is_news = said is None or not is_known or said.hold.because != hold.because
        self.said[line] = Said(key, hold, now)
        return hold, is_news
