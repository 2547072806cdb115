"""Everything that a film is made of, as pieces of work with their costs: lines, pictures, the film.

Pure. Lines and films are small beside pictures, so their costs are constants that were measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from reelyard.plan import Offload
from reelyard.predict.case import Case
from reelyard.predict.fleet import Group
from reelyard.predict.outlook import Ask, scene_frames
from reelyard.predict.timetable import Cost, Piece
from reelyard.shots import film_format, narration_seconds

VOICE_LOAD_SECONDS = 2.3
VOICE_SHARE = 0.06
"""Of a line's length, what saying it takes: five lines of `examples/lighthouse.yaml` in a demo farm
on 2 cores (0.99 s for 16.5 s), the first one after a load."""
FILM_SECONDS = 6.0
FILM_SECONDS_PER_PIXEL = 4.3e-8
"""Of putting a film together: two films on the same machine, 23.5 and 53.7 million pixels (of all
frames together) in 7.2 and 8.5 s."""
SMALL_WORK_RANGE = 2.0


def pieces(case: Case) -> Iterator[Piece]:
    """Pictures are numbered as the shots are, the film comes after them; lines have numbers below
    zero: they go first where the same CPU makes pictures too."""
    lines, count = _lines(case), len(case.storyboard.scenes)
    for scene, seconds in lines.items():
        voice = case.storyboard.scenes[scene].voice or case.storyboard.voice
        cost = _small(seconds * VOICE_SHARE, VOICE_LOAD_SECONDS, f"voice {voice}")
        yield Piece(scene - count, dict.fromkeys(case.speakers, cost))
    for number, shot in enumerate(case.shots):
        before = (number - 1,) if shot.after_shot else ()
        line = (shot.scene - count,) if shot.waits else ()
        yield Piece(number, _costs(shot.ask, case), (*before, *line))
    everything = (*(scene - count for scene in lines), *range(len(case.shots)))
    film = dict.fromkeys(case.speakers, _small(_film_seconds(case), 0.0, ""))
    yield Piece(len(case.shots), film, everything)


def _lines(case: Case) -> dict[int, float]:
    """About how long each scene's line is, by scene; silent scenes have none."""
    scenes = enumerate(case.storyboard.scenes)
    return {
        number: scene.seconds or narration_seconds(scene.say)
        for number, scene in scenes
        if scene.say
    }


def _film_seconds(case: Case) -> float:
    film = film_format(case.storyboard, case.catalog)
    frames = sum(scene_frames(scene, film.fps) for scene in case.storyboard.scenes)
    return FILM_SECONDS + FILM_SECONDS_PER_PIXEL * film.width * film.height * frames


def _small(seconds: float, load: float, model: str) -> Cost:
    low, high = seconds / SMALL_WORK_RANGE, seconds * SMALL_WORK_RANGE
    return Cost(seconds, low, high, load_seconds=load, model=model)


def _costs(ask: Ask, case: Case) -> dict[Group, Cost]:
    """Where a picture can be made, with times; devices whose times nobody knows are left out."""
    return {
        group: Cost(
            seconds=way.seconds,
            low=way.low or way.seconds,
            high=way.high or way.seconds,
            load_seconds=way.load_seconds or 0.0,
            model=ask.model,
            variant=f"{way.plan.precision} {way.plan.offload}",
            needs_gib=way.bound_gib,
            keeps_gib=way.footprint.weights_gib if way.plan.offload is Offload.NONE else 0.0,
        )
        for group, way in case.able(ask).items()
        if way.seconds is not None
    }
