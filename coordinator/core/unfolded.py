"""What is still to be done, as it will probably be: scenes whose length their narration will decide
are unfolded by about how long their lines take to say. Pure, and a guess: nobody has spoken yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from coordinator.core.snapshot import Snapshot, Waiting
from coordinator.core.split import NewTask, shape_of, unfold
from reelyard.catalog import Catalog
from reelyard.shots import narration_seconds
from reelyard.task import VideoWork, VoiceWork

Needs = Mapping[str, tuple[str, ...]]
"""By task the tasks that have to be done before it; those that are done may be left out."""


@dataclass(frozen=True, slots=True)
class Course:
    """A farm and the order of its work. `needs` names only tasks that are not done."""

    farm: Snapshot
    needs: Needs

    def of_job(self, job_id: str) -> tuple[Waiting, ...]:
        """What is still to be done of it, or under way."""
        going = (run.task for run in self.farm.under_way)
        return tuple(task for task in (*self.farm.waiting, *going) if task.job_id == job_id)

    def waiting_of(self, job_id: str) -> tuple[Waiting, ...]:
        """What of it has not been started."""
        return tuple(task for task in self.farm.waiting if task.job_id == job_id)


def course_of(farm: Snapshot, needs: Needs) -> Course:
    """The farm's work with every scene unfolded."""
    open_tasks = {task.id: task for task in (*farm.waiting, *(u.task for u in farm.under_way))}
    still = {id: tuple(n for n in needs.get(id, ()) if n in open_tasks) for id in open_tasks}
    found = list[Waiting]()
    for task in farm.waiting:
        line = _line_of(task, (open_tasks[need] for need in still[task.id]))
        if line is None:
            found.append(task)
        else:
            found += _unfolded(task, line, still, farm.catalog)
    return Course(replace(farm, waiting=tuple(found)), still)


def _line_of(task: Waiting, needs: Iterable[Waiting]) -> Waiting | None:
    """The narration that will give the shot its length."""
    if not isinstance(task.work, VideoWork) or task.work.frames is not None:
        return None
    return next((need for need in needs if isinstance(need.work, VoiceWork)), None)


def _unfolded(
    task: Waiting, line: Waiting, needs: dict[str, tuple[str, ...]], catalog: Catalog
) -> list[Waiting]:
    """The scene's shots, none of which is there before its line has been said. What waited for the
    only one waits for all of them."""
    assert isinstance(task.work, VideoWork) and isinstance(line.work, VoiceWork)
    shot = NewTask(
        id=task.id,
        kind=task.kind,
        scene=task.scene,
        role=task.id.rpartition(".")[2],
        label=task.label,
        work=task.work,
        model=task.model,
        needs=needs[task.id],
        continues=task.continues,
    )
    unfolded = unfold(shot, narration_seconds(line.work.text), catalog)
    work = task.work.model_copy(update={"frames": unfolded.frames})
    further = tuple(one.id for one in unfolded.further)
    for waiting, before in list(needs.items()):
        if task.id in before:
            needs[waiting] = (*before, *further)
    needs |= {one.id: (*one.needs, line.id) for one in unfolded.further}
    first = replace(task, work=work, shape=shape_of(work))
    return [first, *(_like(task, one) for one in unfolded.further)]


def _like(task: Waiting, new: NewTask) -> Waiting:
    return replace(
        task,
        id=new.id,
        label=new.label,
        work=new.work,
        shape=new.shape,
        continues=new.continues,
        open_needs=(task.label,),
        attempt_count=0,
        short_of=(),
    )
