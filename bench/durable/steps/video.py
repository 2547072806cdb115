"""A shot that is made at once."""

from __future__ import annotations

from bench.durable.first_line import note
from bench.durable.nothing import NOTHING
from reelyard.task import VideoResult, VideoWork
from worker.desk import Desk


def run(work: VideoWork, desk: Desk) -> VideoResult:
    note(desk)
    desk.resident(work.model, object)
    assert work.frames is not None
    return VideoResult(clip=NOTHING, last_frame=NOTHING, thumbnail=NOTHING, frames=work.frames)


def preload(model_id: str, desk: Desk) -> None:
    """Nothing is loaded, but held."""
    desk.resident(model_id, object)
