"""Renders one shot: the weights, the pictures, then the clip and what lies beside it. Goes on where
an earlier attempt was left, and is left itself when somebody more urgent waits.

Never decides how to run: the plan comes with the task.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from reelyard.artifact import Artifact
from reelyard.catalog import VideoModel
from reelyard.errors import ArtifactDamaged, NotFound
from reelyard.failure import FailureKind
from reelyard.task import Checkpoint, VideoResult, VideoWork
from worker.desk import Desk, TaskFailed, Yielded
from worker.engines.video.checkpoint import MEDIA_TYPE, STATE_VERSION, Place, Unusable, read, write
from worker.engines.video.course import Left
from worker.engines.video.limits import refuse_gang, refuse_impossible
from worker.engines.video.render import Pictures, VideoEngine, Visit, load_engine, variant
from worker.engines.video.wording import worded
from worker.media.clip import write_clip, write_png, write_thumbnail
from worker.weights import locate, may_download

log = logging.getLogger(__name__)
_KEPT: Final = "checkpoint.safetensors"


def run(work: VideoWork, desk: Desk) -> VideoResult:
    """Render the shot and store it. Raises TaskFailed, Stopped, Yielded, and what the store
    raises."""
    # 1. What cannot be rendered is refused before anything is loaded.
    model = _model(work.model, desk)
    refuse_impossible(work, model)
    refuse_gang(desk.plan)
    where = locate(model, desk.settings)
    wording = worded(work.prompt, Path(where))
    start = _start_image(work, desk)

    # 2. The weights: there from the task before, or loaded now.
    desk.report("load")
    engine = _engine(model, where, desk)
    engine.follow(desk.plan)
    desk.ran(engine.plan)
    if desk.should_yield():  # nothing was done yet that would have to be kept
        raise Yielded(desk.checkpoint)

    # 3. The pictures. A first call may show that a part of the plan cannot be.
    try:
        pictures, notes = _pictures(engine, work, wording.prompt, start, desk)
    except Left as left:
        raise _kept(left.place, engine, work, desk) from None
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


def preload(model_id: str, desk: Desk) -> None:
    """Have the model's weights in memory, in the form that the plan wants. Raises TaskFailed."""
    model = _model(model_id, desk)
    refuse_gang(desk.plan)
    _engine(model, locate(model, desk.settings), desk)


def _model(model_id: str, desk: Desk) -> VideoModel:
    model = desk.catalog.models.get(model_id)
    if model is None:
        raise TaskFailed(
            FailureKind.MODEL_MISSING,
            f"This worker's catalog has no model {model_id!r}. "
            "Give every worker the same REELYARD_CATALOG_FILE.",
        )
    return model


def _engine(model: VideoModel, where: str, desk: Desk) -> VideoEngine:
    return desk.resident(
        model.id,
        lambda: load_engine(model, where, desk.device_id, may_download(desk.settings), desk.plan),
        variant(desk.plan, desk.device_id),
    )


def _pictures(
    engine: VideoEngine, work: VideoWork, prompt: str, start: Path | None, desk: Desk
) -> tuple[Pictures, tuple[str, ...]]:
    """From where an earlier attempt was left; from the beginning where that cannot be used. Raises
    Yielded, with what this attempt has done."""

    def rendered(place: Place | None) -> tuple[Pictures, tuple[str, ...]]:
        desk.went_on(place.step if place else 0)
        return engine.render(work, prompt, start, Visit(desk.report, desk.should_yield, place))

    try:
        place = _place(engine, work, desk)
        pictures, notes = rendered(place)
        return pictures, notes + _went_on(place, engine)
    except Unusable as why:
        log.warning("a checkpoint of %s cannot be used: %s", work.model, why)
        pictures, notes = rendered(None)
        return pictures, (*notes, f"began anew: an earlier try's checkpoint was of no use ({why})")


def _place(engine: VideoEngine, work: VideoWork, desk: Desk) -> Place | None:
    """Where an earlier attempt was left, if one was. Raises Unusable."""
    checkpoint = desk.checkpoint
    if checkpoint is None:
        return None
    if checkpoint.state_version != STATE_VERSION:
        raise Unusable(f"it is of version {checkpoint.state_version}, not {STATE_VERSION}")
    path = desk.folder / _KEPT
    try:
        desk.store.fetch(checkpoint.artifact.sha256, path)
    except (NotFound, ArtifactDamaged) as wrong:
        raise Unusable(f"the store does not have it as it was: {wrong}") from wrong
    return read(path, engine.belongs_to(work))


def _kept(place: Place | None, engine: VideoEngine, work: VideoWork, desk: Desk) -> Yielded:
    """The place in the store, before anybody is told of it. A store that does not take it costs the
    steps, but room is made."""
    if place is None:
        return Yielded(None)
    path = desk.folder / _KEPT
    try:
        write(place, engine.belongs_to(work), path)
        artifact = desk.store.put(path, path.name, MEDIA_TYPE)
    except Exception:
        log.exception("the steps of %s are lost", work.model)
        return Yielded(desk.checkpoint)
    return Yielded(
        Checkpoint(
            artifact=artifact, step=place.step, steps=place.steps, state_version=STATE_VERSION
        )
    )


def _went_on(place: Place | None, engine: VideoEngine) -> tuple[str, ...]:
    if place is None:
        return ()
    how = "" if place.precision == engine.plan.precision else f" in {place.precision}"
    return (f"went on after step {place.step} of {place.steps}, which an earlier try made{how}",)


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
