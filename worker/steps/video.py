"""Renders one shot: the model's weights, the pictures, then the clip and what lies beside it.

Never decides how to run: the plan comes with the task.
"""

from __future__ import annotations

from pathlib import Path

from reelyard.artifact import Artifact
from reelyard.catalog import VideoModel
from reelyard.failure import FailureKind
from reelyard.task import VideoResult, VideoWork
from worker.desk import Desk, TaskFailed
from worker.engines.video.limits import refuse_gang, refuse_impossible
from worker.engines.video.render import Pictures, load_engine, variant
from worker.engines.video.wording import worded
from worker.media.clip import write_clip, write_png, write_thumbnail
from worker.weights import locate, may_download


def run(work: VideoWork, desk: Desk) -> VideoResult:
    """Render the shot and store it. Raises TaskFailed, Stopped, and what the store raises."""
    # 1. What cannot be rendered is refused before anything is loaded.
    model = _model(work, desk)
    refuse_impossible(work, model)
    refuse_gang(desk.plan)
    where = locate(model, desk.settings)
    wording = worded(work.prompt, Path(where))
    start = _start_image(work, desk)

    # 2. The weights: there from the task before, or loaded now.
    desk.report("load")
    engine = desk.resident(
        model.id,
        lambda: load_engine(model, where, desk.device_id, may_download(desk.settings), desk.plan),
        variant(desk.plan, desk.device_id),
    )
    engine.follow(desk.plan)
    desk.ran(engine.plan)

    # 3. The pictures. A first call may show that a part of the plan cannot be.
    pictures, notes = engine.render(work, wording.prompt, start, desk.report)
    desk.ran(engine.plan)

    # 4. The files, in the store before anybody is told of them.
    desk.report("store")
    clip, last_frame, thumbnail = _store(pictures, work.fps, desk)
    return VideoResult(
        clip=clip,
        last_frame=last_frame,
        thumbnail=thumbnail,
        frames=len(pictures),
        notes=wording.notes + notes,
    )


def _model(work: VideoWork, desk: Desk) -> VideoModel:
    model = desk.catalog.models.get(work.model)
    if model is None:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"This worker's catalog has no model {work.model!r}. "
            "Give every worker the same REELYARD_CATALOG_FILE.",
        )
    return model


def _start_image(work: VideoWork, desk: Desk) -> Path | None:
    if work.start_image is None:
        return None
    return desk.store.fetch(work.start_image.sha256, desk.folder / "start.png")


def _store(pictures: Pictures, fps: int, desk: Desk) -> tuple[Artifact, Artifact, Artifact]:
    clip = desk.folder / "clip.mp4"
    last = desk.folder / "last_frame.png"
    thumbnail = desk.folder / "thumbnail.jpg"
    write_clip(pictures, fps, clip)
    write_png(pictures[-1], last)
    write_thumbnail(pictures[len(pictures) // 2], thumbnail)
    return (
        desk.store.put(clip, clip.name, "video/mp4"),
        desk.store.put(last, last.name, "image/png"),
        desk.store.put(thumbnail, thumbnail.name, "image/jpeg"),
    )
