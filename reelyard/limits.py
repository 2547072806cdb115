"""Holds a storyboard to the farm's limits and its catalog. Problems refuse it; notes only say what
a person may want to know. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reelyard.catalog import Catalog, VideoModel
from reelyard.errors import Problem
from reelyard.script import draft
from reelyard.settings import Settings
from reelyard.source_map import SourceMap
from reelyard.storyboard import Scene, Storyboard

CHARACTERS_PER_SECOND = 15.0
_FITS_ALWAYS = 0.75
_SHORTEST_SCENE_SECONDS = 0.5
_SMALLEST_SIDE = 64


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
    problems = [*_counts(storyboard, settings)]
    storyboard = _as_far_as_allowed(storyboard, settings)
    problems += [
        *_names(storyboard, catalog),
        *_amounts(storyboard, settings),
        *_picture(storyboard, catalog, settings),
        *_scenes(storyboard, catalog),
    ]
    return Findings(
        tuple(_with_line(problem, where) for problem in problems),
        tuple(_notes(storyboard, catalog)),
    )


def read_checked(
    source: bytes, media_type: str, catalog: Catalog, settings: Settings, name: str = ""
) -> tuple[Storyboard | None, Findings]:
    """Reads a script and holds it to everything at once: what cannot be read in one field does not
    hide what is beyond the limits in another. The storyboard is sound when there is no problem."""
    if len(source) > settings.max_script_bytes:
        return None, Findings((_too_large(source, settings, name),), ())
    found = draft(source, media_type, name)
    if found.storyboard is None:
        return None, Findings(found.problems, ())
    more = check(found.storyboard, catalog, settings, found.where)
    told = {problem.field for problem in found.problems}
    others = tuple(problem for problem in more.problems if problem.field not in told)
    problems = tuple(sorted((*found.problems, *others), key=lambda problem: problem.line or 0))
    return found.storyboard, Findings(problems, () if problems else more.notes)


def _too_large(source: bytes, settings: Settings, name: str) -> Problem:
    return Problem(
        name or "the script",
        "is too large",
        f"{len(source)} bytes",
        f"{settings.max_script_bytes} bytes",
        "Make two films of it, or raise REELYARD_MAX_SCRIPT_BYTES.",
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


def _counts(storyboard: Storyboard, settings: Settings) -> Iterable[Problem]:
    if len(storyboard.scenes) > settings.max_scenes:
        yield Problem(
            "scenes",
            "too many scenes",
            str(len(storyboard.scenes)),
            str(settings.max_scenes),
            "Make two films of it.",
        )
    total = sum(scene.seconds or natural_seconds(scene.say) for scene in storyboard.scenes)
    if total > settings.max_film_seconds:
        yield Problem(
            "scenes",
            "the film would be too long",
            f"about {total:.0f} s",
            f"{settings.max_film_seconds:.0f} s",
            "Shorten scenes, or make two films of it.",
        )


def _as_far_as_allowed(storyboard: Storyboard, settings: Settings) -> Storyboard:
    """What is beyond the limit is refused as a whole; nobody looks at it scene by scene."""
    return storyboard.model_copy(update={"scenes": storyboard.scenes[: settings.max_scenes]})


def _amounts(storyboard: Storyboard, settings: Settings) -> Iterable[Problem]:
    yield from _texts("", [("negative", storyboard.negative)], settings)
    for index, scene in enumerate(storyboard.scenes):
        yield from _scene_amounts(f"scenes[{index}]", scene, settings)


def _scene_amounts(path: str, scene: Scene, settings: Settings) -> Iterable[Problem]:
    texts = [("picture", scene.picture), ("say", scene.say), ("negative", scene.negative or "")]
    yield from _texts(f"{path}.", texts, settings)
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


def _texts(path: str, texts: Iterable[tuple[str, str]], settings: Settings) -> Iterable[Problem]:
    for name, text in texts:
        if len(text) > settings.max_scene_characters:
            yield Problem(
                f"{path}{name}",
                "is too long",
                f"{len(text)} characters",
                f"{settings.max_scene_characters} characters",
                "Split it into several scenes." if name == "say" else "Shorten it.",
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
            f"{_nearest(width, model, settings)}x{_nearest(height, model, settings)} is near.",
        )
    if min(size) < _SMALLEST_SIDE:
        yield Problem(
            "size",
            "is too small",
            f"{width}x{height}",
            f"{_SMALLEST_SIDE} a side",
            "Give a larger one, or leave it out for the model's own.",
        )
    if width * height > settings.max_pixels or max(size) > settings.max_side:
        yield Problem(
            "size",
            "is too large",
            f"{width}x{height} = {width * height} pixels",
            f"{settings.max_pixels} pixels, {settings.max_side} a side",
            "Give a smaller one.",
        )


def _nearest(side: int, model: VideoModel, settings: Settings) -> int:
    multiple = model.size_multiple
    allowed = min(max(side, _SMALLEST_SIDE), settings.max_side)
    return max(1, round(allowed / multiple)) * multiple


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
