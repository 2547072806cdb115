"""Turns a storyboard into tasks: per scene a voice and one or more shots, then the film.

A scene with a fixed length starts voice and picture at once. A scene of free length takes its
frames from its narration: its one shot waits, and `unfold` says what it becomes then.
Pure: no ids are thrown, no clock is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reelyard.catalog import Catalog
from reelyard.ids import task_id
from reelyard.shots import Film, film_format, fixed_frames, shot_frames, spoken_frames
from reelyard.states import TaskKind
from reelyard.storyboard import Scene, Storyboard
from reelyard.task import ComposeWork, FilmScene, VideoWork, VoiceWork, Work

CROSSFADE_SECONDS = 0.5
_SEEDS = 2**63


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is to be. `continues`: it starts from the last picture of its last need."""

    id: str
    kind: TaskKind
    scene: int | None
    role: str
    label: str
    work: Work
    model: str
    needs: tuple[str, ...] = ()
    continues: bool = False

    @property
    def shape(self) -> str:
        """What makes tasks alike for the scheduler."""
        return shape_of(self.work)


@dataclass(frozen=True, slots=True)
class Unfolded:
    """What a scene of free length becomes: its first shot's frames, and the shots after it."""

    frames: int
    further: tuple[NewTask, ...]


def shape_of(work: Work) -> str:
    """`video/wan2.1-t2v-1.3b/832x480x81/50`, `voice/heart`, `compose`."""
    if isinstance(work, VideoWork):
        size = f"{work.width}x{work.height}x{work.frames or '?'}"
        return f"video/{work.model}/{size}/{work.steps}"
    return f"voice/{work.voice}" if isinstance(work, VoiceWork) else "compose"


def split(job_id: str, storyboard: Storyboard, catalog: Catalog, encoder: str) -> list[NewTask]:
    """Every task of the job, in film order, the film last."""
    film = film_format(storyboard, catalog)
    tasks: list[NewTask] = []
    last_shot = ""
    for index, scene in enumerate(storyboard.scenes):
        made = _scene_tasks(job_id, storyboard, index, scene, film, catalog, last_shot)
        last_shot = made[-1].id
        tasks += made
    return [*tasks, _film_task(job_id, storyboard, film, tasks, encoder)]


def unfold(task: NewTask, seconds: float, catalog: Catalog) -> Unfolded:
    """The shots of a free scene whose narration lasts so many seconds."""
    work = task.work
    assert isinstance(work, VideoWork)
    model = catalog.models[work.model]
    follows = model.image_pipeline is not None
    lengths = shot_frames(model, spoken_frames(seconds, work.fps), follows)
    first = replace(task, work=work.model_copy(update={"frames": lengths[0]}))
    return Unfolded(lengths[0], tuple(_followers(first, lengths[1:], follows)))


def _scene_tasks(
    job_id: str,
    storyboard: Storyboard,
    index: int,
    scene: Scene,
    film: Film,
    catalog: Catalog,
    last_shot: str,
) -> list[NewTask]:
    frames = fixed_frames(scene, film.fps)
    tasks = [_voice_task(job_id, storyboard, index, scene, film, frames)] if scene.say else []
    waits_for = (tasks[0].id,) if frames is None else ()
    if scene.continues:
        waits_for = (*waits_for, last_shot)
    first = _shot(job_id, storyboard, index, scene, film, catalog, waits_for)
    if frames is None:
        return [*tasks, first]
    model = catalog.models[first.model]
    follows = model.image_pipeline is not None
    lengths = shot_frames(model, frames, follows)
    first = replace(first, work=first.work.model_copy(update={"frames": lengths[0]}))
    return [*tasks, first, *_followers(first, lengths[1:], follows)]


def _voice_task(
    job_id: str,
    storyboard: Storyboard,
    index: int,
    scene: Scene,
    film: Film,
    frames: int | None,
) -> NewTask:
    voice = scene.voice or storyboard.voice
    return NewTask(
        id=task_id(job_id, index, "voice"),
        kind=TaskKind.VOICE,
        scene=index,
        role="voice",
        label=f"Scene {index + 1} · voice",
        work=VoiceWork(
            text=scene.say, voice=voice, fps=film.fps, frames=frames, seed=_seed(storyboard, index)
        ),
        model=voice,
    )


def _shot(
    job_id: str,
    storyboard: Storyboard,
    index: int,
    scene: Scene,
    film: Film,
    catalog: Catalog,
    needs: tuple[str, ...],
) -> NewTask:
    model = catalog.models[scene.model or storyboard.model]
    return NewTask(
        id=task_id(job_id, index, "video1"),
        kind=TaskKind.VIDEO,
        scene=index,
        role="video1",
        label=f"Scene {index + 1} · picture",
        work=VideoWork(
            model=model.id,
            prompt=_prompt(scene, storyboard, catalog),
            negative=scene.negative if scene.negative is not None else storyboard.negative,
            width=film.width,
            height=film.height,
            fps=film.fps,
            frames=None,
            steps=storyboard.steps or model.steps,
            guidance=model.guidance if storyboard.guidance is None else storyboard.guidance,
            seed=_seed(storyboard, index),
        ),
        model=model.id,
        needs=needs,
        continues=scene.continues,
    )


def _followers(first: NewTask, lengths: tuple[int, ...], follows: bool) -> list[NewTask]:
    """The shots after the first: each from the last picture of the one before, if it can be."""
    assert isinstance(first.work, VideoWork)
    made, before = [], first.id
    for number, frames in enumerate(lengths, start=2):
        role = f"video{number}"
        again = replace(
            first,
            id=first.id.removesuffix(first.role) + role,
            role=role,
            label=f"{first.label} {number}",
            work=first.work.model_copy(
                update={"frames": frames, "seed": (first.work.seed + number - 1) % _SEEDS}
            ),
            needs=(before,) if follows else (),
            continues=follows,
        )
        made.append(again)
        before = again.id
    return made


def _film_task(
    job_id: str, storyboard: Storyboard, film: Film, tasks: list[NewTask], encoder: str
) -> NewTask:
    scenes = tuple(
        FilmScene(
            frames=fixed_frames(scene, film.fps) or 0,
            clips=(),
            crossfade_frames=(
                round(CROSSFADE_SECONDS * film.fps) if scene.transition == "crossfade" else 0
            ),
        )
        for scene in storyboard.scenes
    )
    return NewTask(
        id=task_id(job_id, None, "film"),
        kind=TaskKind.COMPOSE,
        scene=None,
        role="film",
        label="Film",
        work=ComposeWork(
            title=storyboard.title,
            width=film.width,
            height=film.height,
            fps=film.fps,
            scenes=scenes,
            encoder=encoder,
        ),
        model="",
        needs=tuple(task.id for task in tasks),
    )


def _prompt(scene: Scene, storyboard: Storyboard, catalog: Catalog) -> str:
    style = catalog.styles.get(storyboard.style) if storyboard.style else None
    adds = style.adds if style else ""
    return f"{scene.picture}, {adds}" if adds else scene.picture


def _seed(storyboard: Storyboard, index: int) -> int:
    own = storyboard.scenes[index].seed
    return own if own is not None else (storyboard.seed + index) % _SEEDS
