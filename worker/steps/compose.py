"""Puts shots, lines and words into the film, and lays subtitles, poster and sheet beside it.

Cuts lie on frames, lines on the first sample of their scene; neither is ever moved. Holds one
picture at a time and the sound of the whole film, never a clip.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import soundfile

from reelyard.artifact import Artifact
from reelyard.errors import ArtifactDamaged, NotFound
from reelyard.failure import FailureKind
from reelyard.task import ComposeWork, FilmResult, FilmScene
from worker.desk import Desk, TaskFailed
from worker.media.clip import Picture, write_jpeg
from worker.media.cues import Cue, lay_cues
from worker.media.loudness import Level
from worker.media.mux import ENCODERS, FilmFormat, has_encoder, write_film
from worker.media.reel import DamagedClip, Reel, Shot, pictures
from worker.media.sound import Line, TooLong, place, publish
from worker.media.stills import Stills
from worker.media.subtitles import webvtt
from worker.media.timeline import Timeline, lay_out

_NAME_CHARACTERS = 60
_LOUDNESS_TOLERANCE = 1.0
_AGAIN = "Submit the storyboard again: its scenes are then rendered anew."


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What the store had, as files."""

    reels: tuple[Reel, ...]
    lines: tuple[Line, ...]


def run(work: ComposeWork, desk: Desk) -> FilmResult:
    """Make the film and store it. Raises TaskFailed, Stopped, and what the store raises."""
    # 1. What cannot become a film is refused before anything is fetched.
    timeline = _timeline(work)
    form = _format(work)

    # 2. Shots and lines, from the store.
    inputs = _fetch(work, desk)

    # 3. The sound: lines at their scene's first sample, one gain, encoded once, measured.
    desk.report("sound")
    sound = desk.folder / "sound.m4a"
    level = _sound(work, inputs, timeline, sound, desk)

    # 4. The words, from when they are heard.
    cues = _cues(work, timeline)

    # 5. Pictures, sound and words in one pass; on the way, pictures for poster and sheet.
    film, stills = desk.folder / "film.mp4", Stills(timeline)
    shown = stills.watch(pictures(inputs.reels, form.width, form.height))
    tell = partial(desk.report, "mux", steps=timeline.frames)
    tell(0)
    try:
        frames = write_film(film, form, shown, sound, cues, tell)
    except DamagedClip as wrong:
        raise TaskFailed(FailureKind.BAD_INPUT, _sentence(wrong)) from wrong

    # 6. The files, in the store before anybody is told of them.
    desk.report("store")
    name = _file_name(work.title)
    return FilmResult(
        film=desk.store.put(film, f"{name}.mp4", "video/mp4"),
        poster=_store_picture(stills.poster, f"{name}.jpg", desk),
        sheet=_store_picture(stills.sheet, f"{name}-sheet.jpg", desk),
        subtitles=_store_subtitles(cues, f"{name}.vtt", desk),
        frames=frames,
        seconds=frames / work.fps,
        lufs=_rounded(level.lufs),
        true_peak_db=_rounded(level.true_peak_db),
        notes=tuple(_notes(work, level)),
    )


def _timeline(work: ComposeWork) -> Timeline:
    if not work.scenes:
        raise TaskFailed(
            FailureKind.BAD_INPUT, "A film needs a scene at least, and this one has none."
        )
    for index, scene in enumerate(work.scenes):
        if scene.frames < 1 or not scene.clips:
            raise TaskFailed(
                FailureKind.BAD_INPUT,
                f"Scene {index + 1} has {scene.frames} frames and {len(scene.clips)} clips; it "
                f"needs one of each at least. {_AGAIN}",
            )
    return lay_out([scene.frames for scene in work.scenes], work.fps)


def _format(work: ComposeWork) -> FilmFormat:
    if not has_encoder(work.encoder):
        raise TaskFailed(
            FailureKind.BAD_INPUT,
            f"This worker has no encoder {work.encoder!r}. Set REELYARD_ENCODER on the coordinator "
            f"to one of: {', '.join(ENCODERS)}.",
        )
    return FilmFormat(
        width=work.width + work.width % 2,
        height=work.height + work.height % 2,
        fps=work.fps,
        encoder=work.encoder,
        title=work.title,
        language=work.language,
    )


def _fetch(work: ComposeWork, desk: Desk) -> _Inputs:
    wanted = [
        (index, artifact)
        for index, scene in enumerate(work.scenes)
        for artifact in _artifacts(scene)
    ]
    for done, (index, artifact) in enumerate(wanted):
        desk.report("fetch", done, len(wanted))
        _bring(artifact, index, desk)
    return _Inputs(
        tuple(_reel(scene, desk.folder) for scene in work.scenes),
        tuple(
            Line(index, _path(scene.voice.audio, desk.folder))
            for index, scene in enumerate(work.scenes)
            if scene.voice
        ),
    )


def _artifacts(scene: FilmScene) -> Iterator[Artifact]:
    yield from (clip.artifact for clip in scene.clips)
    if scene.voice:
        yield scene.voice.audio


def _bring(artifact: Artifact, scene: int, desk: Desk) -> None:
    path = _path(artifact, desk.folder)
    if path.exists():
        return
    try:
        desk.store.fetch(artifact.sha256, path)
    except (NotFound, ArtifactDamaged) as wrong:
        raise TaskFailed(
            FailureKind.UNKNOWN,
            f"{artifact.name} of scene {scene + 1} cannot be had from the store. {_AGAIN}",
            str(wrong),
        ) from wrong


def _path(artifact: Artifact, folder: Path) -> Path:
    return folder / f"{artifact.sha256}{Path(artifact.name).suffix}"


def _reel(scene: FilmScene, folder: Path) -> Reel:
    shots = tuple(
        Shot(_path(clip.artifact, folder), clip.frames, clip.skip_frames) for clip in scene.clips
    )
    return Reel(shots, scene.frames, scene.crossfade_frames)


def _sound(work: ComposeWork, inputs: _Inputs, timeline: Timeline, path: Path, desk: Desk) -> Level:
    try:
        placed = place(inputs.lines, timeline)
    except (TooLong, soundfile.LibsndfileError) as wrong:
        raise TaskFailed(FailureKind.BAD_INPUT, _sentence(wrong)) from wrong
    return publish(placed, work.lufs, path, partial(desk.report, "sound"))


def _cues(work: ComposeWork, timeline: Timeline) -> tuple[Cue, ...]:
    said = [
        (slot.start_seconds, scene.voice.words)
        for slot, scene in zip(timeline.slots, work.scenes, strict=True)
        if scene.voice
    ]
    return lay_cues(said, timeline.seconds)


def _store_picture(picture: Picture, name: str, desk: Desk) -> Artifact:
    path = desk.folder / name
    write_jpeg(picture, path)
    return desk.store.put(path, name, "image/jpeg")


def _store_subtitles(cues: tuple[Cue, ...], name: str, desk: Desk) -> Artifact | None:
    """None when nothing is said: a player would offer an empty track."""
    if not cues:
        return None
    path = desk.folder / name
    path.write_text(webvtt(cues), encoding="utf-8")
    return desk.store.put(path, name, "text/vtt")


def _file_name(title: str) -> str:
    """The title in plain letters, for a file: `The Lighthouse` as `the-lighthouse`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_NAME_CHARACTERS].strip("-") or "film"


def _notes(work: ComposeWork, level: Level) -> Iterator[str]:
    for index, scene in enumerate(work.scenes):
        missing = scene.frames - sum(clip.frames - clip.skip_frames for clip in scene.clips)
        if missing > 0:
            yield (
                f"scene {index + 1}: its last picture is held for {missing / work.fps:.1f} s, "
                "because its clip is shorter"
            )
        if scene.voice and not scene.voice.words:
            yield f"scene {index + 1}: no subtitles, because its voice gave no words"
    if level.lufs is not None and abs(level.lufs - work.lufs) > _LOUDNESS_TOLERANCE:
        yield (
            f"the narration is at {level.lufs:.1f} LUFS instead of {work.lufs:.0f}: its peaks "
            "leave no room for more"
        )


def _rounded(decibels: float | None) -> float | None:
    return None if decibels is None else round(decibels, 2)


def _sentence(wrong: Exception) -> str:
    said = str(wrong)
    return f"{said[:1].upper()}{said[1:]}. {_AGAIN}"
