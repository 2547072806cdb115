"""A storyboard goes in, a playable film comes out: the whole farm, in processes, on both sets of
servers. The pictures come from the demo model, the voice from the embedded one."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.support.films import (
    THREE_SCENES,
    Decoded,
    decode,
    heard_at,
    pictures,
    seen_at,
)
from tests.support.postgres import running_postgres
from tests.support.running_farm import RunningFarm, running_farm
from tests.support.seaweed import running_seaweed

SPOKEN = "One red circle. And then a blue square. A yellow triangle at last."
FIXED_FRAMES = 30  # scene 2 asks for 2.5 s at 12 fps


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[RunningFarm]:
    with running_farm(folder / "farm") as farm:
        yield farm


@contextlib.contextmanager
def on_servers(folder: Path) -> Iterator[RunningFarm]:
    with (
        running_postgres(folder / "postgres") as database,
        running_seaweed(folder / "s3") as s3,
        running_farm(
            folder / "farm", REELYARD_DATABASE_URL=database, **s3.farm_environment("films")
        ) as farm,
    ):
        yield farm


@pytest.mark.parametrize("kind", [embedded, on_servers])
def test_a_storyboard_becomes_a_film(
    tmp_path: Path, kind: Callable[[Path], AbstractContextManager[RunningFarm]]
) -> None:
    with kind(tmp_path) as farm:
        job = farm.finished(farm.submit(THREE_SCENES))
        assert job["state"] == "done", (job["failure"], farm.log())
        film = decode(farm.film(job["id"], tmp_path / "film.mp4"))
        scenes = [_parts(farm, job, scene, tmp_path) for scene in range(3)]
        assert all(len(task["attempts"]) == 1 for task in job["task_list"])
        assert farm.stop() == 0

    assert (film.video_codec, film.audio_codec) == ("h264", "aac")
    assert len(film.frames) == job["film"]["frames"]
    assert float(film.sound_seconds) == pytest.approx(len(film.frames) / film.fps, abs=1024 / 48000)
    assert " ".join(" ".join(film.subtitles).split()) == SPOKEN
    assert -17 <= job["film"]["lufs"] <= -15
    assert job["film"]["true_peak_db"] <= -1
    _agree_at_every_cut(film, job, scenes)


def _agree_at_every_cut(
    film: Decoded, job: dict[str, Any], scenes: list[tuple[Path, Path]]
) -> None:
    """Each scene's picture is seen on its frame, and its line is heard on that frame's sample."""
    lengths = [_task(job, 0, "video")["frames"], FIXED_FRAMES, _task(job, 2, "video")["frames"]]
    starts = [0, *itertools.accumulate(lengths)]
    assert starts.pop() == len(film.frames)
    for (shot, line), start, length in zip(scenes, starts, lengths, strict=True):
        assert seen_at(film, pictures(shot)[:length]) == start
        said, rate = soundfile.read(line, dtype="float32")
        assert heard_at(film, said, rate) == round(start * film.sample_rate / film.fps)


def _parts(farm: RunningFarm, job: dict[str, Any], scene: int, folder: Path) -> tuple[Path, Path]:
    """The scene's clip and its line, as the store has them."""
    clip = _fetched(farm, _task(job, scene, "video"), "video/mp4", folder / f"shot{scene}.mp4")
    return clip, _fetched(farm, _task(job, scene, "voice"), "audio/wav", folder / f"say{scene}.wav")


def _task(job: dict[str, Any], scene: int, kind: str) -> dict[str, Any]:
    return next(t for t in job["task_list"] if t["scene"] == scene and t["kind"] == kind)


def _fetched(farm: RunningFarm, task: dict[str, Any], media_type: str, into: Path) -> Path:
    sha256 = next(a["sha256"] for a in task["artifacts"] if a["media_type"] == media_type)
    with farm.http() as http:
        answer = http.get(f"/artifacts/{sha256}")
    assert answer.status_code == 200, answer.text
    into.write_bytes(answer.content)
    return into


def test_a_second_up_goes_on_with_what_was_queued(tmp_path: Path) -> None:
    with running_farm(tmp_path / "farm") as farm:
        job_id = farm.submit(THREE_SCENES)
        farm.task_running(job_id, "video")
        assert farm.stop() == 0
    with running_farm(tmp_path / "farm") as again:
        assert again.finished(job_id)["state"] == "done"
