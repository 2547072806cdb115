"""Holds a storyboard to the farm's limits and its catalog. Problems refuse it; notes only say what
a person may want to know. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reelyard.catalog import Catalog, VideoModel
from reelyard.errors import InvalidInput, Problem
from reelyard.script import SourceMap
from reelyard.settings import Settings
from reelyard.storyboard import Scene, Storyboard

CHARACTERS_PER_SECOND = 15.0
_FITS_ALWAYS = 0.75
_SHORTEST_SCENE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is wrong, and all that is worth knowing."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check(
    storyboard: Storyboard,
    catalog: Catalog,
    settings: Settings,
    source_map: SourceMap | None = None,
) -> Findings:
    """Everything at once, with lines where they are known."""
    where = source_map or SourceMap()
    problems = [
        *_names(storyboard, catalog),
        *_amounts(storyboard, settings),
        *_picture(storyboard, catalog, settings),
        *_scenes(storyboard, catalog),
    ]
    return Findings(
        tuple(_with_line(problem, where) for problem in problems),
        tuple(_notes(storyboard, catalog)),
    )


def check_size(source: bytes, settings: Settings) -> None:
    """Refuses a script that is too large to be read at all. Raises InvalidInput."""
    if len(source) > settings.max_script_bytes:
        raise InvalidInput(
            [
                Problem(
                    "the script",
                    "is too large",
                    f"{len(source)} bytes",
                    f"{settings.max_script_bytes} bytes",
                    "Make two films of it, or raise REELYARD_MAX_SCRIPT_BYTES.",
                )
            ]
        )


def natural_seconds(text: str) -> float:
    """About how long a line takes to say; the voice itself decides."""
    return len(text) / CHARACTERS_PER_SECOND


def _names(storyboard: Storyboard, catalog: Catalog) -> Iterable[Problem]:
    asked: list[tuple[str, str, Mapping[str, object]]] = [
        ("model", storyboard.model, catalog.models),
        ("voice", storyboard.voice, catalog.voices),
    ]
    if storyboard.style:
        asked.append(("style", storyboard.style, catalog.styles))
    for index, scene in enumerate(storyboard.scenes):
        if scene.model:
            asked.append((f"scenes[{index}].model", scene.model, catalog.models))
        if scene.voice:
            asked.append((f"scenes[{index}].voice", scene.voice, catalog.voices))
    for field, name, known in asked:
        if name not in known:
            yield _unknown(field, name, known)


def _unknown(field: str, name: str, known: Mapping[str, object]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known)
    remedy = f"Did you mean `{near[0]}`? " if near else ""
    kind = field.rpartition(".")[2]
    return Problem(
        field, f"is not a {kind} of the catalog", name[:80], remedy=f"{remedy}Known: {listed}."
    )


def _amounts(storyboard: Storyboard, settings: Settings) -> Iterable[Problem]:
    if len(storyboard.scenes) > settings.max_scenes:
        yield Problem(
            "scenes",
            "too many scenes",
            str(len(storyboard.scenes)),
            str(settings.max_scenes),
            "Make two films of it.",
        )
    for index, scene in enumerate(storyboard.scenes):
        yield from _scene_amounts(f"scenes[{index}]", scene, settings)
    total = sum(scene.seconds or natural_seconds(scene.say) for scene in storyboard.scenes)
    if total > settings.max_film_seconds:
        yield Problem(
            "scenes",
            "the film would be too long",
            f"about {total:.0f} s",
            f"{settings.max_film_seconds:.0f} s",
            "Shorten scenes, or make two films of it.",
        )


def _scene_amounts(path: str, scene: Scene, settings: Settings) -> Iterable[Problem]:
    for name, text in (("picture", scene.picture), ("say", scene.say)):
        if len(text) > settings.max_scene_characters:
            yield Problem(
                f"{path}.{name}",
                "is too long",
                f"{len(text)} characters",
                f"{settings.max_scene_characters} characters",
                "Split it into several scenes.",
            )
    if scene.seconds is None:
        return
    if not _SHORTEST_SCENE_SECONDS <= scene.seconds <= settings.max_scene_seconds:
        yield Problem(
            f"{path}.seconds",
            "is out of range",
            f"{scene.seconds:g}",
            f"{_SHORTEST_SCENE_SECONDS:g} to {settings.max_scene_seconds:g}",
            "Give a length in that range, or leave it out to follow the narration.",
        )


def _picture(storyboard: Storyboard, catalog: Catalog, settings: Settings) -> Iterable[Problem]:
    model = catalog.models.get(storyboard.model)
    size = storyboard.dimensions
    if size is None or model is None:
        return
    width, height = size
    if width % model.size_multiple or height % model.size_multiple:
        yield Problem(
            "size",
            f"{model.id} needs multiples of {model.size_multiple}",
            f"{width}x{height}",
            f"multiples of {model.size_multiple}",
            f"{_nearest(width, model)}x{_nearest(height, model)} is near.",
        )
    if width * height > settings.max_pixels or max(size) > settings.max_side:
        yield Problem(
            "size",
            "is too large",
            f"{width}x{height} = {width * height} pixels",
            f"{settings.max_pixels} pixels, {settings.max_side} a side",
            "Give a smaller one.",
        )


def _nearest(side: int, model: VideoModel) -> int:
    return max(1, round(side / model.size_multiple)) * model.size_multiple


def _scenes(storyboard: Storyboard, catalog: Catalog) -> Iterable[Problem]:
    film = catalog.models.get(storyboard.model)
    for index, scene in enumerate(storyboard.scenes):
        model = catalog.models.get(scene.model or storyboard.model)
        if model is None or film is None:
            continue
        if scene.continues and model.image_pipeline is None:
            able = ", ".join(m.id for m in catalog.models.values() if m.image_pipeline)
            yield Problem(
                f"scenes[{index}].continue",
                f"{model.id} cannot start from a picture",
                "true",
                remedy=f"Take it out, or choose one of: {able}.",
            )
        if scene.model and scene.model != storyboard.model:
            yield from _same_format(f"scenes[{index}].model", storyboard, film, model)


def _same_format(
    path: str, storyboard: Storyboard, film: VideoModel, model: VideoModel
) -> Iterable[Problem]:
    width, height = storyboard.dimensions or (film.width, film.height)
    if width % model.size_multiple or height % model.size_multiple:
        yield Problem(
            path,
            f"cannot render the film's size of {width}x{height}",
            model.id,
            f"multiples of {model.size_multiple}",
            "Set `size` to one that both models can render.",
        )


def _notes(storyboard: Storyboard, catalog: Catalog) -> Iterable[str]:
    for index, scene in enumerate(storyboard.scenes):
        model = catalog.models.get(scene.model or storyboard.model)
        if model and not model.negative and (scene.negative or storyboard.negative):
            yield f"scene {index + 1}: {model.id} takes no negative prompt; it is left out"
        needs = natural_seconds(scene.say)
        if scene.seconds and scene.seconds < needs * _FITS_ALWAYS:
            yield (
                f"scene {index + 1}: the line takes about {needs:.1f} s to say and may not fit "
                f"{scene.seconds:g} s; {needs * _FITS_ALWAYS:.1f} s would do"
            )


def _with_line(problem: Problem, where: SourceMap) -> Problem:
    return Problem(
        problem.field,
        problem.message,
        problem.value,
        problem.limit,
        problem.remedy,
        where.line(problem.field),
    )
