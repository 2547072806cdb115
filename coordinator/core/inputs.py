"""Fills a task's work from what its needs have made: the start picture of a continuing shot, the
clips and lines of the film. A line that does not fit lengthens its scene; it is never cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reelyard.task import (
    Clip,
    ComposeWork,
    FilmScene,
    Result,
    VideoResult,
    VideoWork,
    VoiceResult,
    Work,
)

FIRST_SHOT = "video1"
_SHARE_OF_A_SCENE = 3
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Made:
    """What a finished task made, and where in the film it belongs."""

    task_id: str
    scene: int | None
    role: str
    continues: bool
    result: Result


def complete(work: Work, continues: bool, needs: Sequence[Made]) -> Work:
    """The work with everything it needs in it; `needs` in film order."""
    if isinstance(work, VideoWork) and continues:
        before = [made.result for made in needs if isinstance(made.result, VideoResult)]
        return work.model_copy(update={"start_image": before[-1].last_frame})
    if isinstance(work, ComposeWork):
        scenes = [
            _film_scene(scene, [made for made in needs if made.scene == index], work.fps)
            for index, scene in enumerate(work.scenes)
        ]
        return work.model_copy(update={"scenes": tuple(scenes)})
    return work


def overflow_sentence(scene: int, voice: VoiceResult, frames: int, fps: int) -> str | None:
    """What a person should know when a line is longer than its clip; None when it fits."""
    over = voice.seconds - frames / fps
    if over <= _ROUNDING:
        return None
    return (
        f"scene {scene + 1}: the line needs {voice.seconds:.1f} s, the clip has "
        f"{frames / fps:.1f} s; its last picture is held for {over:.1f} s"
    )


def _film_scene(scene: FilmScene, made: Sequence[Made], fps: int) -> FilmScene:
    clips = tuple(
        Clip(
            artifact=item.result.clip,
            frames=item.result.frames,
            skip_frames=1 if item.continues and item.role != FIRST_SHOT else 0,
        )
        for item in made
        if isinstance(item.result, VideoResult)
    )
    voices = [item.result for item in made if isinstance(item.result, VoiceResult)]
    frames = scene.frames or sum(clip.frames - clip.skip_frames for clip in clips)
    if voices:
        frames = max(frames, math.ceil(voices[0].seconds * fps - _ROUNDING))
    return FilmScene(
        frames=frames,
        clips=clips,
        voice=voices[0] if voices else None,
        crossfade_frames=min(scene.crossfade_frames, frames // _SHARE_OF_A_SCENE),
    )
