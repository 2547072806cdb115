"""Jobs, workers and what happened to them, as a busy farm would tell of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reelyard.artifact import Artifact
from reelyard.resources import (
    AttemptView,
    DeviceView,
    EventView,
    FilmView,
    JobView,
    ResidentView,
    TaskView,
    WorkerView,
)
from reelyard.states import AttemptState, JobState, TaskKind, TaskState, WorkerState

SCENES = (
    ("a white lighthouse growing on the hills", "At the edge of the hills stands a lighthouse."),
    ("a red boat moving right on the sea", "All day long, red boats pass by on their way."),
    ("a white bird moving left in the sky", "A white bird follows them, high above the waves."),
    ("a yellow sun moving down over the sea", "In the evening the sun sinks into the water."),
    ("a white moon moving up in the night", "When the moon climbs, the lighthouse keeps watch."),
)
HOSTILE = "<script>alert(1)</script> {{7*7}} " + "W" * 90
DETAIL = (
    "Traceback (most recent call last):\n"
    '  File "worker/engines/video.py", line 212, in render\n'
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.31 GiB."
)


class Times:
    """Moments before now."""

    def __init__(self, now: float) -> None:
        self.now = datetime.fromtimestamp(now, UTC)

    def ago(self, **span: float) -> datetime:
        return self.now - timedelta(**span)


def attempt(task: str, times: Times, number: int = 1, **more: Any) -> AttemptView:
    usual: dict[str, Any] = {
        "id": f"{task}.a{number}",
        "number": number,
        "state": AttemptState.DONE,
        "worker_id": "atlas",
        "device_id": "atlas:cuda0",
        "because": "wan2.1-t2v-1.3b is in its memory already; best of 3 able devices",
        "plan": "bf16, tiled decode",
        "created_at": times.ago(minutes=12),
        "started_at": times.ago(minutes=12),
        "ended_at": times.ago(minutes=11),
        "load_seconds": 3.4,
        "run_seconds": 41.2,
        "peak_gib": 17.9,
        "predicted_gib": 18.4,
        "predicted_peak_gib": 17.2,
        "predicted_seconds": 36.0,
        "predicted_load_seconds": 5.1,
        "warm": False,
    }
    return AttemptView(**{**usual, **more})


def task(job: str, scene: int | None, kind: TaskKind, times: Times, **more: Any) -> TaskView:
    role = "film" if scene is None else kind.value + ("1" if kind is TaskKind.VIDEO else "")
    name = f"{job}.{role}" if scene is None else f"{job}.s{scene + 1:02d}.{role}"
    label = "Film" if scene is None else f"Scene {scene + 1} {role}"
    usual: dict[str, Any] = {
        "id": name,
        "job_id": job,
        "kind": kind,
        "scene": scene,
        "role": role,
        "label": label,
        "state": TaskState.WAITING,
        "model": {"voice": "heart", "video": "wan2.1-t2v-1.3b", "compose": ""}[kind.value],
        "created_at": times.ago(minutes=14),
    }
    return TaskView(**{**usual, **more})


def done(name: str, times: Times, **more: Any) -> dict[str, Any]:
    """What a finished task has more."""
    return {
        "state": TaskState.DONE,
        "progress": 1.0,
        "seconds": 44.6,
        "attempts": [attempt(name, times)],
        "worker_id": "atlas",
        "device_id": "atlas:cuda0",
        "started_at": times.ago(minutes=12),
        "ended_at": times.ago(minutes=11),
        **more,
    }


def job(
    name: str, title: str, state: JobState, tasks: list[TaskView], times: Times, **more: Any
) -> JobView:
    counts: dict[str, int] = {}
    for item in tasks:
        counts[item.state.value] = counts.get(item.state.value, 0) + 1
    usual: dict[str, Any] = {
        "id": name,
        "title": title,
        "state": state,
        "owner": "anna",
        "priority": 50,
        "scenes": len({item.scene for item in tasks} - {None}),
        "created_at": times.ago(minutes=14),
        "progress": sum(item.progress for item in tasks) / max(1, len(tasks)),
        "tasks": counts,
        "storyboard": storyboard(title),
        "task_list": tasks,
    }
    return JobView(**{**usual, **more})


def storyboard(title: str, scenes: tuple[tuple[str, str], ...] = SCENES) -> dict[str, Any]:
    return {
        "title": title,
        "model": "wan2.1-t2v-1.3b",
        "voice": "heart",
        "size": "832x480",
        "fps": 16,
        "seed": 7,
        "scenes": [{"picture": picture, "say": say} for picture, say in scenes],
    }


def film(files: dict[str, Artifact]) -> FilmView:
    return FilmView(
        film=files["film"],
        poster=files["poster"],
        sheet=files["sheet"],
        subtitles=files["subtitles"],
        frames=48,
        seconds=4.0,
        lufs=-16.1,
        true_peak_db=-1.4,
    )


def workers(times: Times, running: list[str]) -> list[WorkerView]:
    return [
        WorkerView(
            id="atlas",
            node="atlas",
            state=WorkerState.ONLINE,
            version="0.1.0",
            cpus=64,
            ram_gib=512,
            last_seen=times.ago(seconds=1),
            devices=[
                DeviceView(
                    id="atlas:cuda0",
                    kind="cuda",
                    name="NVIDIA H100 80GB HBM3",
                    memory_gib=79.6,
                    free_gib=24.9,
                    foreign_gib=6.2,
                    utilisation=0.97,
                    temperature_c=64,
                    power_w=612,
                    resident=[
                        ResidentView(model="wan2.1-t2v-14b", gib=28.6),
                        ResidentView(model="wan2.1-t2v-1.3b", gib=3.1),
                    ],
                    running=running,
                ),
                DeviceView(
                    id="atlas:cuda1",
                    kind="cuda",
                    name="NVIDIA GeForce RTX 4090",
                    memory_gib=24.0,
                    free_gib=20.4,
                    utilisation=0.0,
                    temperature_c=38,
                    power_w=31,
                    resident=[ResidentView(model="wan2.1-t2v-1.3b", gib=3.1)],
                ),
            ],
        ),
        WorkerView(
            id="orin-1",
            node="orin-1",
            state=WorkerState.DRAINING,
            version="0.1.0",
            cpus=12,
            ram_gib=61.4,
            last_seen=times.ago(seconds=3),
            devices=[
                DeviceView(
                    id="orin-1:gpu",
                    kind="jetson",
                    name="Jetson AGX Orin",
                    memory_gib=61.4,
                    free_gib=51.0,
                    foreign_gib=9.4,
                    unified=True,
                    temperature_c=47,
                )
            ],
        ),
        WorkerView(
            id="studio-7",
            node="studio-7",
            state=WorkerState.OFFLINE,
            version="0.1.0",
            cpus=16,
            ram_gib=128,
            last_seen=times.ago(minutes=42),
            devices=[
                DeviceView(id="studio-7:cpu", kind="cpu", name="CPU", memory_gib=96, free_gib=96)
            ],
        ),
    ]


def event(seq: int, at: datetime, type: str, sentence: str, **more: Any) -> EventView:
    return EventView(seq=seq, at=at, type=type, sentence=sentence, **more)
