"""Every picture of a storyboard, and how each would run on each group of devices. Pure.

A scene of free length is as long as its line will probably take; everything else is counted as the
coordinator splits it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reelyard.catalog import Catalog, VideoModel
from reelyard.predict.ask import unmeasured
from reelyard.predict.fleet import Group
from reelyard.predict.forecast import Circumstances, Forecast, basis
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.matrix import shortfall
from reelyard.predict.plans import best, fits, ways
from reelyard.predict.remedy import remedies
from reelyard.predict.request import Request
from reelyard.predict.shape import Shape
from reelyard.predict.subject import Subject, subject
from reelyard.shots import (
    film_format,
    fixed_frames,
    narration_seconds,
    shot_frames,
    spoken_frames,
)
from reelyard.storyboard import Scene, Storyboard


@dataclass(frozen=True, slots=True)
class Ask:
    """What a model is asked for: alike asks are forecast once."""

    model: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Shot:
    """One run of a model. `after_shot`: it starts from the last picture of the shot before it;
    `waits`: for its scene's narration."""

    scene: int
    ask: Ask
    after_shot: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class Chance:
    """How an ask would run on a group; no `way`: it cannot, `because`. `least_gib`: what the
    leanest way needs."""

    way: Forecast | None
    because: str
    least_gib: float | None = None


@dataclass(slots=True)
class Outlook:
    """Answers about this catalog with what was learned, each worked out once."""

    catalog: Catalog
    lessons: Lessons = NOTHING
    known: dict[tuple[Ask, Group], Chance] = field(default_factory=dict)

    def chance(self, ask: Ask, group: Group) -> Chance:
        """How the ask would run there."""
        if (ask, group) not in self.known:
            self.known[ask, group] = self._chance(ask, group)
        return self.known[ask, group]

    def remedies(self, ask: Ask, group: Group) -> str:
        """What would make it fit, for people; empty when nothing that is known would."""
        asked = self._subject(ask, group)
        request = Request(
            model=ask.model,
            device=group.type or group.name,
            ram_gib=group.host.ram_gib,
            offload=group.wish.offload,
        )
        leanest = min(ways(asked, request.wish), key=lambda way: way.bound_gib)
        found = list(remedies(request, asked, leanest.plan, group.room_gib))
        return f"it would fit {', or '.join(found)}" if found else ""

    def basis(self, ask: Ask, group: Group, way: Forecast) -> tuple[str, ...]:
        """What the figures rest on."""
        return basis(self._subject(ask, group), way.plan, self.lessons)

    def _chance(self, ask: Ask, group: Group) -> Chance:
        if not group.has(ask.model):
            return Chance(None, f"its nodes do not have the model {ask.model}")
        if missing := unmeasured(self.catalog.models[ask.model], self.catalog):
            return Chance(None, f"{missing} was never measured: see `reelyard models add`")
        asked, under = self._subject(ask, group), Circumstances(group.host, self.lessons)
        found = ways(asked, group.wish, under)
        way = best(asked, found, group.room_gib, under)
        least = min(
            (one.bound_gib for one in found if fits(one, float("inf"), group.host)),
            default=min(one.bound_gib for one in found),
        )
        if way is None:
            return Chance(None, shortfall(found, group.room_gib, group.host), least)
        return Chance(way, way.promise(group.room_gib), least)

    def _subject(self, ask: Ask, group: Group) -> Subject:
        return subject(self.catalog.models[ask.model], self.catalog, ask.shape, group.device)


def scene_frames(scene: Scene, fps: int) -> int:
    """Of the scene in the film: fixed, or as many as its line will probably take."""
    fixed = fixed_frames(scene, fps)
    return spoken_frames(narration_seconds(scene.say), fps) if fixed is None else fixed


def shots(storyboard: Storyboard, catalog: Catalog) -> list[Shot]:
    """Every run of a model, in film order."""
    return [
        shot
        for number, scene in enumerate(storyboard.scenes)
        for shot in _scene_shots(number, scene, storyboard, catalog)
    ]


def unlike(asked: Sequence[Shot]) -> Mapping[Ask, int]:
    """The different asks, and how often each comes."""
    found: dict[Ask, int] = {}
    for shot in asked:
        found[shot.ask] = found.get(shot.ask, 0) + 1
    return found


def _scene_shots(
    number: int, scene: Scene, storyboard: Storyboard, catalog: Catalog
) -> Iterator[Shot]:
    film = film_format(storyboard, catalog)
    model = catalog.models[scene.model or storyboard.model]
    follows = model.image_pipeline is not None
    is_free = fixed_frames(scene, film.fps) is None
    lengths = shot_frames(model, scene_frames(scene, film.fps), follows)
    for index, frames in enumerate(lengths):
        after_shot = follows if index else scene.continues
        shape = replace(
            _shape(model, storyboard, film.width, film.height, frames),
            from_image=after_shot or model.needs_image,
        )
        yield Shot(number, Ask(model.id, shape), after_shot, is_free)


def _shape(
    model: VideoModel, storyboard: Storyboard, width: int, height: int, frames: int
) -> Shape:
    guidance = model.guidance if storyboard.guidance is None else storyboard.guidance
    return Shape(width, height, frames, storyboard.steps or model.steps, guidance > 1)
