"""A day on the played farm: one job runs, others are done, failed, waiting, cancelled."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from reelyard.artifact import Artifact
from reelyard.resources import JobView, TaskView
from reelyard.states import AttemptState, JobState, TaskKind, TaskState
from tests.support import played_media as media
from tests.support.played_farm import PlayedFarm
from tests.support.played_jobs import (
    DETAIL,
    HOSTILE,
    SCENES,
    Times,
    attempt,
    done,
    film,
    job,
    storyboard,
    task,
)

RUNNING, DONE, FAILED, QUEUED, ODD = (
    "job-7k3m9x2qab",
    "job-4hw8c6znpd",
    "job-9f2rtv5mxe",
    "job-2b6ykq8jsg",
    "job-3z9dn4hwca",
)
VOICE, VIDEO, COMPOSE = TaskKind.VOICE, TaskKind.VIDEO, TaskKind.COMPOSE


@cache
def files() -> dict[str, media.Held]:
    """Real files, made once."""
    made = {
        "film": media.held("film.mp4", "video/mp4", media.film("evening")),
        "poster": media.held("poster.jpg", "image/jpeg", media.jpeg(media.picture("evening", 0.4))),
        "sheet": media.held("sheet.jpg", "image/jpeg", media.sheet("evening")),
        "subtitles": media.held("film.vtt", "text/vtt", media.SUBTITLES.encode()),
    }
    for place, sky in enumerate(("day", "dawn", "day", "evening", "night")):
        shown = media.jpeg(media.picture(sky, place / 5))
        made[f"shot{place}"] = media.held(f"shot{place}.jpg", "image/jpeg", shown)
    return made


def played_farm(now: float) -> PlayedFarm:
    """The farm in the middle of its day."""
    times = Times(now)
    jobs = [_running(times), _done(times), _failed(times), _queued(times), _odd(times)]
    farm = PlayedFarm(now, jobs, files())
    for ago, type, said, name in _STORY:
        farm.tell(type, said, job_id=name)
        farm.happened[-1] = farm.happened[-1].model_copy(update={"at": times.ago(seconds=ago)})
    return farm


def _pictured(place: int) -> dict[str, Any]:
    shown = files()[f"shot{place}"].artifact
    return {"thumbnail": shown, "frames": 49, "artifacts": [shown]}


def _running(times: Times) -> JobView:
    tasks: list[TaskView] = []
    for place in range(len(SCENES)):
        voice, video = f"{RUNNING}.s{place + 1:02d}.voice", f"{RUNNING}.s{place + 1:02d}.video1"
        tasks.append(task(RUNNING, place, VOICE, times, **_voice_state(voice, place, times)))
        tasks.append(task(RUNNING, place, VIDEO, times, **_video_state(video, place, times)))
    tasks.append(task(RUNNING, None, COMPOSE, times, because="waits for Scene 3 video1"))
    return job(
        RUNNING,
        "The Lighthouse",
        JobState.RUNNING,
        tasks,
        times,
        started_at=times.ago(minutes=13),
        thumbnail=files()["shot0"].artifact,
        warnings=["Scene 2: the line is 0.4 s longer than its 3 s; the last picture is held."],
    )


def _voice_state(name: str, place: int, times: Times) -> dict[str, Any]:
    if place < 4:
        return done(name, times, seconds=1.8)
    return {
        "state": TaskState.RUNNING,
        "phase": "speak",
        "progress": 0.4,
        **_on_device(name, times),
    }


def _video_state(name: str, place: int, times: Times) -> dict[str, Any]:
    if place < 2:
        return done(name, times, **_pictured(place))
    if place == 2:
        busy = {"phase": "denoise", "step": 31, "steps": 50, "progress": 0.56}
        return {"state": TaskState.RUNNING, **busy, **_on_device(name, times)}
    because = "needs 18.4 GiB on one device; the largest free is 6.1 (NVIDIA H100, atlas)"
    return {"because": because if place == 3 else "waits for Scene 5 voice"}


def _on_device(name: str, times: Times) -> dict[str, Any]:
    running = attempt(name, times, state=AttemptState.RUNNING, ended_at=None, run_seconds=None)
    return {
        "attempts": [running],
        "worker_id": "atlas",
        "device_id": "atlas:cuda0",
        "started_at": times.ago(seconds=48),
        "because": "wan2.1-t2v-1.3b is in its memory already; best of 3 able devices",
    }


def _done(times: Times) -> JobView:
    tasks = []
    for place in range(len(SCENES)):
        name = f"{DONE}.s{place + 1:02d}"
        notes = ["'dragon' is not a word of this model; drawn as 'bird'"] if place == 2 else []
        tasks.append(task(DONE, place, VOICE, times, **done(f"{name}.voice", times, seconds=2.1)))
        shown = {**_pictured(place), "notes": notes}
        tasks.append(task(DONE, place, VIDEO, times, **done(f"{name}.video1", times, **shown)))
    tasks.append(task(DONE, None, COMPOSE, times, **done(f"{DONE}.film", times, seconds=1.2)))
    artifacts: dict[str, Artifact] = {name: item.artifact for name, item in files().items()}
    return job(
        DONE,
        "Harbour at dawn",
        JobState.DONE,
        tasks,
        times,
        created_at=times.ago(hours=3),
        started_at=times.ago(hours=3),
        ended_at=times.ago(hours=2, minutes=51),
        film=film(artifacts),
        film_seconds=4.0,
        thumbnail=artifacts["poster"],
    )


def _failed(times: Times) -> JobView:
    name = f"{FAILED}.s01.video1"
    said = (
        "Out of memory on the 24 GiB card, also with tiled decode. No larger device is free to try."
    )
    tried = [
        attempt(
            name,
            times,
            number,
            state=AttemptState.FAILED,
            failure_kind="out_of_memory",
            failure=said,
            failure_detail=DETAIL,
            device_id="atlas:cuda1",
            peak_gib=23.6,
            predicted_gib=21.0,
            predicted_peak_gib=19.6,
            run_seconds=None,
        )
        for number in (1, 2)
    ]
    tasks = [
        task(FAILED, 0, VOICE, times, **done(f"{FAILED}.s01.voice", times, seconds=1.4)),
        task(FAILED, 0, VIDEO, times, state=TaskState.FAILED, attempts=tried, because=said),
        task(FAILED, None, COMPOSE, times, state=TaskState.CANCELLED),
    ]
    return job(
        FAILED,
        "Deep space in 4K",
        JobState.FAILED,
        tasks,
        times,
        created_at=times.ago(hours=5),
        started_at=times.ago(hours=5),
        ended_at=times.ago(hours=4, minutes=50),
        failure=f"Scene 1 video1: {said}",
        owner="ben",
    )


def _queued(times: Times) -> JobView:
    because = "needs 31.2 GiB on one device; the largest free is 24.0 (RTX 4090, atlas)"
    tasks = [
        task(QUEUED, 0, VOICE, times, because="devices that speak are busy"),
        task(QUEUED, 0, VIDEO, times, because=because, model="wan2.1-t2v-14b"),
        task(QUEUED, None, COMPOSE, times, because="waits for Scene 1 voice and Scene 1 video1"),
    ]
    return job(
        QUEUED,
        "Mountain weather",
        JobState.QUEUED,
        tasks,
        times,
        created_at=times.ago(minutes=6),
        owner="ben",
        priority=30,
    )


def _odd(times: Times) -> JobView:
    tasks = [
        task(ODD, 0, VOICE, times, **done(f"{ODD}.s01.voice", times), label=HOSTILE),
        task(ODD, 0, VIDEO, times, state=TaskState.CANCELLED, because=HOSTILE, label=HOSTILE),
        task(ODD, None, COMPOSE, times, state=TaskState.CANCELLED),
    ]
    return job(
        ODD,
        HOSTILE,
        JobState.CANCELLED,
        tasks,
        times,
        created_at=times.now - timedelta(days=1),
        ended_at=times.now - timedelta(hours=23),
        storyboard=storyboard(HOSTILE, ((HOSTILE, HOSTILE),)),
        warnings=[HOSTILE],
        owner=HOSTILE[:60],
    )


_STORY = (
    (860, "job.created", "The Lighthouse was submitted by anna: 5 scenes, 11 tasks", RUNNING),
    (850, "task.assigned", "Scene 1 voice goes to atlas:cuda0: best of 3 able devices", RUNNING),
    (840, "task.done", "Scene 1 voice is done after 1.8 s", RUNNING),
    (720, "task.assigned", "Scene 1 video1 goes to atlas:cuda0: its model is in memory", RUNNING),
    (660, "task.done", "Scene 1 video1 is done after 44.6 s, 17.9 GiB at most", RUNNING),
    (600, "job.warning", "Scene 2: the line is 0.4 s longer than its 3 s", RUNNING),
    (48, "task.started", "Scene 3 video1 runs on atlas:cuda0", RUNNING),
    (10_300, "job.created", "Harbour at dawn was submitted by anna: 5 scenes", DONE),
    (10_260, "job.done", "The film is ready: 4.0 s, 48 frames", DONE),
    (17_500, "task.failed", "Scene 1 video1 failed: out of memory on the 24 GiB card", FAILED),
    (17_400, "job.failed", "Scene 1 video1 gave up after 2 tries", FAILED),
    (80_000, "job.cancelled", HOSTILE, ODD),
)
