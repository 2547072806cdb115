"""From scenes to shots: the film's format, the frames of a scene, the clips that hold them, and
about how long a line takes to say. Pure: the coordinator splits by it, a quote counts by it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from reelyard.catalog import Catalog, VideoModel
from reelyard.storyboard import Scene, Storyboard

SILENT_SCENE_SECONDS = 4.0
LETTERS_PER_SECOND = 15.0
SHORT_PAUSE_SECONDS = 0.37
LONG_PAUSE_SECONDS = 0.54
"""Fitted to 20 lines of 1 to 24 words that the voice `heart` said: wrong by 7 % on average, by 20 %
at worst. Words instead of letters are wrong by 13 % and 48 %."""
SYLLABLE_LETTERS = 3
_LETTER = re.compile(r"\w")
_SHORT_PAUSE = re.compile(r"[,;:\u2013\u2014](?=\s)|[\u3001\uff0c]")
_LONG_PAUSE = re.compile(r"[.!?\u2026]+(?=\s|$)|\u3002")
_FIRST_SYLLABIC = "\u2e80"


@dataclass(frozen=True, slots=True)
class Film:
    """The picture's format, which all scenes share."""

    width: int
    height: int
    fps: int


def film_format(storyboard: Storyboard, catalog: Catalog) -> Film:
    """Size and speed: the storyboard's, or those of its model."""
    model = catalog.models[storyboard.model]
    width, height = storyboard.dimensions or (model.width, model.height)
    return Film(width, height, storyboard.fps or model.fps)


def fixed_frames(scene: Scene, fps: int) -> int | None:
    """The scene's frames in the film, or None when its narration decides."""
    if scene.seconds is not None:
        return max(1, round(scene.seconds * fps))
    return None if scene.say else round(SILENT_SCENE_SECONDS * fps)


def spoken_frames(seconds: float, fps: int) -> int:
    """The fewest frames that hold so much narration. What a float adds does not count."""
    return max(1, math.ceil(seconds * fps - 1e-9))


def shot_frames(model: VideoModel, frames: int, continues: bool) -> tuple[int, ...]:
    """Legal clip lengths that hold `frames` together, as even as can be.

    A continuing shot repeats one picture, which the film skips; a model of single pictures has
    none to repeat.
    """
    longest = model.longest_clip
    if model.frames_for(frames) >= frames:
        return (model.frames_for(frames),)
    again = 1 if continues and longest > 1 else 0
    count = math.ceil((frames - again) / (longest - again))
    each = model.frames_for(math.ceil((frames - again) / count) + again)
    return (each,) * count


def narration_seconds(text: str) -> float:
    """About how long a line takes to say, before anybody says it. In scripts that write syllables
    (Chinese, Japanese, Korean) a sign counts as three letters."""
    signs = _LETTER.findall(text)
    syllables = sum(1 for sign in signs if sign >= _FIRST_SYLLABIC)
    letters = len(signs) + (SYLLABLE_LETTERS - 1) * syllables
    pauses = SHORT_PAUSE_SECONDS * len(_SHORT_PAUSE.findall(text))
    pauses += LONG_PAUSE_SECONDS * len(_LONG_PAUSE.findall(text))
    return letters / LETTERS_PER_SECOND + pauses
