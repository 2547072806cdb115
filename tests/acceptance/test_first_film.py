"""A storyboard goes in, a playable film comes out: the whole farm, in processes, on both sets of
servers. The pictures come from the demo model, the voice from the embedded one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.films import THREE_SCENES, decode
from tests.support.postgres import running_postgres
from tests.support.running_farm import RunningFarm, running_farm
from tests.support.seaweed import running_seaweed

SPOKEN = "One red circle. And then a blue square. A yellow triangle at last."


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
def test_a_storyboard_becomes_a_film(tmp_path: Path, kind: object) -> None:
    with kind(tmp_path) as farm:  # type: ignore[operator]
        job = farm.finished(farm.submit(THREE_SCENES))
        assert job["state"] == "done", (job["failure"], farm.log())
        film = decode(farm.film(job["id"], tmp_path / "film.mp4"))

        assert (film.video_codec, film.audio_codec) == ("h264", "aac")
        assert len(film.frames) == job["film"]["frames"]
        sound_seconds = len(film.sound) / film.sample_rate
        assert sound_seconds == pytest.approx(len(film.frames) / film.fps, abs=1024 / 48000)
        said = " ".join(film.subtitles).replace("\\N", " ")
        for word in SPOKEN.split():
            assert word in said
        assert all(len(t["attempts"]) == 1 for t in job["task_list"])
        assert farm.stop() == 0


def test_a_second_up_goes_on_with_what_was_queued(tmp_path: Path) -> None:
    with running_farm(tmp_path / "farm") as farm:
        job_id = farm.submit(THREE_SCENES)
        farm.task_running(job_id, "video")
        assert farm.stop() == 0
    with running_farm(tmp_path / "farm") as again:
        assert again.finished(job_id)["state"] == "done"
