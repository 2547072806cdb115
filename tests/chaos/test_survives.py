"""Things are killed in the middle of a job; the film is finished all the same, each task once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.films import THREE_SCENES, decode
from tests.support.running_farm import RunningFarm, running_farm

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    with running_farm(tmp_path_factory.mktemp("chaos") / "farm") as farm:
        yield farm


def each_task_once(job: dict[str, Any]) -> bool:
    """Done, with exactly one attempt that delivered."""
    return all(
        task["state"] == "done" and [a["state"] for a in task["attempts"]].count("done") == 1
        for task in job["task_list"]
    )


@pytest.mark.parametrize("victim", ["worker", "coordinator", "api", "broker"])
def test_kill_nine_in_the_middle_of_a_task(farm: RunningFarm, victim: str, tmp_path: Path) -> None:
    job_id = farm.submit(THREE_SCENES)
    farm.task_running(job_id, "video")
    old = farm.pid(victim)
    os.kill(old, signal.SIGKILL)

    job = farm.finished(job_id)

    assert job["state"] == "done", job["failure"]
    assert each_task_once(job)
    assert farm.pid(victim) != old
    assert len(decode(farm.film(job_id, tmp_path / "film.mp4")).frames) == job["film"]["frames"]


def test_wiping_the_broker_in_the_middle_of_a_job(farm: RunningFarm) -> None:
    job_id = farm.submit(THREE_SCENES)
    farm.task_running(job_id, "video")
    redis.Redis.from_url(broker_url(farm)).flushall()

    job = farm.finished(job_id)

    assert job["state"] == "done", job["failure"]
    assert each_task_once(job)


def broker_url(farm: RunningFarm) -> str:
    folder = farm.state / "broker"
    password = (folder / "password").read_text().strip()
    lines = (folder / "valkey.conf").read_text().splitlines()
    port = next(line.split()[1] for line in lines if line.startswith("port "))
    return f"redis://:{password}@127.0.0.1:{port}/0"
