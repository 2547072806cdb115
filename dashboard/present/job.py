"""The page of one job: its grid of tasks, its pipeline, what went wrong, its shots. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dashboard.format import count, seconds
from dashboard.marks import mark
from reelyard.artifact import Artifact
from reelyard.resources import EventList, EventView, JobView, TaskView
from reelyard.states import FINAL_JOB_STATES, TaskKind, TaskState

_KINDS = ((TaskKind.VOICE, "Voice"), (TaskKind.VIDEO, "Picture"), (TaskKind.COMPOSE, "Film"))
_MOST_TOLD = 300


@dataclass(frozen=True, slots=True)
class SceneRow:
    """A scene: what to see, what to say, and its tasks. `number` None: the film as a whole."""

    number: int | None
    picture: str
    say: str
    voice: tuple[TaskView, ...]
    video: tuple[TaskView, ...]
    compose: tuple[TaskView, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the pipeline strip."""

    name: str
    done: int
    total: int
    state: str

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in a sentence; `detail` is for those who look closer."""

    task_id: str
    label: str
    sentence: str
    detail: str


def is_over(job: JobView) -> bool:
    """Nothing more will happen to it."""
    return job.state in FINAL_JOB_STATES


def scene_rows(job: JobView) -> tuple[SceneRow, ...]:
    """One row per scene of the storyboard, in order."""
    scenes = job.storyboard.get("scenes") or []
    return tuple(
        SceneRow(
            number,
            str(scene.get("picture", "")),
            str(scene.get("say", "")),
            tuple(_of(job, number, TaskKind.VOICE)),
            tuple(_of(job, number, TaskKind.VIDEO)),
        )
        for number, scene in enumerate(scenes)
    )


def film_tasks(job: JobView) -> tuple[TaskView, ...]:
    """What belongs to no scene."""
    return tuple(task for task in job.task_list if task.scene is None)


def _of(job: JobView, scene: int, kind: TaskKind) -> Iterable[TaskView]:
    return (task for task in job.task_list if task.scene == scene and task.kind is kind)


def pipeline(job: JobView) -> tuple[Stage, ...]:
    """Voice, picture, film: how far each is."""
    stages = []
    for kind, name in _KINDS:
        tasks = [task for task in job.task_list if task.kind is kind]
        if tasks:
            done = sum(task.state is TaskState.DONE for task in tasks)
            stages.append(Stage(name, done, len(tasks), _together(tasks)))
    return tuple(stages)


def _together(tasks: list[TaskView]) -> str:
    """One state for several tasks: the one that a person should know of first."""
    states = {task.state for task in tasks}
    for state in (TaskState.FAILED, TaskState.RUNNING, TaskState.ASSIGNED, TaskState.WAITING):
        if state in states:
            return state.value
    return TaskState.DONE.value if TaskState.DONE in states else TaskState.CANCELLED.value


def failures(job: JobView) -> tuple[Failure, ...]:
    """The failed tasks with the last thing that was said about each."""
    found = []
    for task in job.task_list:
        if task.state is TaskState.FAILED:
            tried = [attempt for attempt in task.attempts if attempt.failure]
            last = tried[-1] if tried else None
            sentence = (last.failure if last else "") or task.because or "It failed."
            detail = (last.failure_detail if last else "") or ""
            found.append(Failure(task.id, task.label, sentence, detail))
    return tuple(found)


def shots(job: JobView) -> tuple[tuple[TaskView, Artifact], ...]:
    """Pictures that were made, each with its task."""
    videos = (task for task in job.task_list if task.kind is TaskKind.VIDEO)
    return tuple((task, task.thumbnail) for task in videos if task.thumbnail)


def told(story: EventList) -> tuple[EventView, ...]:
    """What happened, the newest first; steps are seen in the grid and would drown the rest."""
    worth = [event for event in story.data if event.type != "task.progress"]
    return tuple(reversed(worth[-_MOST_TOLD:]))


def parameters(job: JobView) -> tuple[tuple[str, str], ...]:
    """The settings of the storyboard that were given, without its scenes."""
    hidden = {"scenes", "title"}
    return tuple(
        (name, _shown(value))
        for name, value in job.storyboard.items()
        if name not in hidden and value not in (None, "")
    )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def thrown_away(job: JobView) -> str:
    """What a cancel would cost, for the question before it."""
    done = [task for task in job.task_list if task.state is TaskState.DONE]
    running = [task for task in job.task_list if task.state is TaskState.RUNNING]
    spent = sum(task.seconds or 0.0 for task in done)
    waiting = len(job.task_list) - len(done) - len(running)
    said = []
    if running:
        said.append(f"{count(len(running), 'running task')} will be stopped")
    if done:
        said.append(
            f"{count(len(done), 'finished task')} ({seconds(spent)} of work) will not be used"
        )
    if waiting > 0:
        said.append(f"{count(waiting, 'task')} will not be started")
    return "; ".join(said) + "." if said else "Nothing has been rendered yet."


def cell_title(task: TaskView) -> str:
    """All that a cell knows, as one line of text."""
    state = mark(task.state).word
    steps = f", step {task.step} of {task.steps}" if task.steps and state == "running" else ""
    where = f" on {task.device_id}" if task.device_id and state == "running" else ""
    because = f": {task.because}" if task.because and state in ("waiting", "failed") else ""
    return f"{task.label}, {state}{steps}{where}{because}"
