"""What follows from a finished task: a free scene unfolds, people are told, the job may be done."""

from __future__ import annotations

from dataclasses import replace

from coordinator.apply import end_job
from coordinator.core.inputs import overflow_sentence
from coordinator.core.lifecycle import JobEvent
from coordinator.core.split import NewTask, unfold
from coordinator.store import graph
from coordinator.store.ledger import Ledger
from reelyard.catalog import Catalog
from reelyard.task import FilmResult, Result, VideoResult, VoiceResult, VoiceWork


def follow_up(ledger: Ledger, job_id: str, task: NewTask, result: Result, catalog: Catalog) -> None:
    """In the same transaction that finished the task."""
    for note in result.notes:
        _warn(ledger, job_id, task, f"{_where(task)}: {note}")
    if isinstance(result, VoiceResult):
        _voice_is_done(ledger, job_id, task, result, catalog)
    elif isinstance(result, FilmResult):
        _film_is_done(ledger, job_id, result)
    elif isinstance(result, VideoResult):
        return


def _voice_is_done(
    ledger: Ledger, job_id: str, task: NewTask, result: VoiceResult, catalog: Catalog
) -> None:
    assert task.scene is not None and isinstance(task.work, VoiceWork)
    if task.work.frames is not None:
        _look_at_overflow(ledger, job_id, task, result, task.work.frames, task.work.fps)
        return
    shot = graph.free_shot_of(ledger.connection, job_id, task.scene)
    if shot is None:
        return
    unfolded = unfold(shot, result.seconds, catalog)
    ledger.touch("task", [shot.id])
    graph.set_work(ledger.connection, _with_frames(shot, unfolded.frames))
    if unfolded.further:
        _insert_further(ledger, job_id, shot, unfolded.further)


def _insert_further(
    ledger: Ledger, job_id: str, shot: NewTask, further: tuple[NewTask, ...]
) -> None:
    """What waited for the scene's only shot waits for all of its shots; a scene that continues from
    this one waits for the last of them."""
    new = [task.id for task in further]
    graph.insert_tasks(ledger.connection, job_id, further, ledger.now)
    ledger.touch("task", new)
    for waiting in graph.waiting_on(ledger.connection, shot.id):
        if waiting not in new:
            graph.add_needs(ledger.connection, waiting, new)
            ledger.touch("task", [waiting])


def _look_at_overflow(
    ledger: Ledger, job_id: str, task: NewTask, result: VoiceResult, frames: int, fps: int
) -> None:
    assert task.scene is not None
    said = overflow_sentence(task.scene, result, frames, fps)
    if said is None:
        return
    if graph.storyboard_of(ledger.connection, job_id).get("overflow") == "fail":
        end_job(ledger, job_id, JobEvent.FAIL, f"{said.split(';')[0]}. Give the scene more time.")
        return
    _warn(ledger, job_id, task, said)


def _film_is_done(ledger: Ledger, job_id: str, result: FilmResult) -> None:
    film = result.model_dump(mode="json")
    if ledger.job(job_id, JobEvent.FINISH, ended_at=ledger.now, film=film):
        ledger.tell(
            "job.done",
            f"The film is done: {result.seconds:.1f} s.",
            job_id=job_id,
            seconds=result.seconds,
            frames=result.frames,
        )


def _warn(ledger: Ledger, job_id: str, task: NewTask, sentence: str) -> None:
    if graph.warn(ledger.connection, job_id, sentence):
        ledger.tell("job.warning", sentence, job_id=job_id, task_id=task.id)


def _with_frames(shot: NewTask, frames: int) -> NewTask:
    return replace(shot, work=shot.work.model_copy(update={"frames": frames}))


def _where(task: NewTask) -> str:
    return "film" if task.scene is None else f"scene {task.scene + 1}"
