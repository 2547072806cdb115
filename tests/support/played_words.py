"""What a played farm says of itself: the overview, why a task waits, its models, its checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from reelyard.errors import InvalidInput, Problem
from reelyard.predict.views import Quote
from reelyard.resources import (
    AttentionItem,
    EstimateView,
    JobView,
    ModelList,
    ModelView,
    OverviewView,
    ProblemItem,
    TaskView,
    ThroughputPoint,
    ValidationView,
    WhyDevice,
    WhyView,
    WorkerView,
)
from reelyard.script import read_storyboard
from reelyard.states import JobState
from reelyard.storyboard import Storyboard
from tests.support.played_jobs import Times
from tests.support.played_models import impossible_quote, quote

TOO_LARGE = "hunyuanvideo"
"""Scripts that ask for this model cannot be rendered here."""


def overview(
    jobs: list[JobView], seen: list[WorkerView], times: Times, minutes: int
) -> OverviewView:
    return OverviewView(
        at=times.now,
        jobs=counted(job.state.value for job in jobs),
        tasks=counted(task.state.value for job in jobs for task in job.task_list),
        waiting_because={"devices are busy": 4, "waits for another task": 3} if jobs else {},
        workers=counted(worker.state.value for worker in seen),
        memory_used_gib=61.2 if seen else 0,
        memory_total_gib=165.0 if seen else 0,
        power_w=643 if seen else None,
        video_seconds_today=412.5 if jobs else 0,
        films_today=sum(job.state is JobState.DONE for job in jobs),
        failed_today=sum(job.state is JobState.FAILED for job in jobs),
        throughput=_throughput(times, minutes) if jobs else [],
        attention=[
            AttentionItem(kind="job_failed", sentence=f"{job.title}: {job.failure}", job_id=job.id)
            for job in jobs
            if job.state is JobState.FAILED
        ]
        + [
            AttentionItem(
                kind="worker_lost",
                sentence="Worker studio-7 is offline; it was last seen 42 min ago.",
                worker_id="studio-7",
            )
            for worker in seen
            if worker.state.value == "offline"
        ],
    )


def why(task: TaskView) -> WhyView:
    return WhyView(
        task_id=task.id,
        state=task.state,
        because=task.because,
        can_ever_run=True,
        queue_position=3,
        devices=[
            WhyDevice(
                worker_id="atlas",
                device_id="atlas:cuda0",
                name="NVIDIA H100 80GB HBM3",
                can=True,
                because="can run it (bf16, 18.4 GiB), but is busy with Scene 3 video1",
            ),
            WhyDevice(
                worker_id="orin-1",
                device_id="orin-1:gpu",
                name="Jetson AGX Orin",
                can=False,
                because="its worker is draining",
            ),
        ],
    )


def models() -> ModelList:
    return ModelList(
        data=[
            ModelView(
                id="wan2.1-t2v-1.3b",
                kind="video",
                name="Wan 2.1 T2V 1.3B",
                licence="Apache-2.0",
                available_on=["atlas"],
                width=832,
                height=480,
                fps=16,
            ),
            ModelView(id="mochi", kind="video", name="Mochi 1", licence="Apache-2.0"),
            ModelView(
                id="heart",
                kind="voice",
                name="Heart",
                licence="Apache-2.0",
                available_on=["atlas"],
                language="en",
                about="A warm voice for stories.",
            ),
            ModelView(id="siwis", kind="voice", name="Siwis", licence="CC-BY-4.0", language="fr"),
        ]
    )


def validation(source: bytes, media_type: str) -> ValidationView:
    try:
        board, _ = read_storyboard(source, media_type)
    except InvalidInput as wrong:
        return ValidationView(
            ok=False, problems=[ProblemItem(**_fields(item)) for item in wrong.problems]
        )
    free = sum(scene.seconds is None for scene in board.scenes)
    return ValidationView(
        ok=True,
        notes=["Scene 1: 'dragon' is not a word of this model; drawn as 'bird'"]
        if b"dragon" in source
        else [],
        storyboard=board.model_dump(mode="json", by_alias=True),
        estimate=EstimateView(
            is_possible=board.model != TOO_LARGE,
            because="3 devices can run it",
            scenes=len(board.scenes),
            tasks=2 * len(board.scenes) + 1,
            fixed_seconds=sum(scene.seconds or 0 for scene in board.scenes),
            free_scenes=free,
            needs_gib=18.4,
            quote=_quote(board) if b"no quote" not in source else None,
        ),
    )


def _quote(board: Storyboard) -> Quote:
    """A scene without a length lasts as long as its narration."""
    if board.model == TOO_LARGE:
        return impossible_quote()
    lengths = [scene.seconds or len(scene.say) / 14 for scene in board.scenes]
    return quote(tuple(max(17, round(seconds * 16)) for seconds in lengths))


def _throughput(times: Times, minutes: int) -> list[ThroughputPoint]:
    amounts = [
        0,
        0,
        0,
        4,
        6,
        9,
        7,
        8,
        12,
        11,
        9,
        13,
        15,
        12,
        14,
        10,
        6,
        2,
        3,
        8,
        12,
        16,
        14,
        17,
    ]
    span = minutes / len(amounts)
    return [
        ThroughputPoint(
            at=times.now - timedelta(minutes=span * (len(amounts) - place)),
            tasks=amount // 2,
            video_seconds=amount * 1.5,
            voice_seconds=amount,
        )
        for place, amount in enumerate(amounts)
    ]


def counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _fields(problem: Problem) -> dict[str, Any]:
    return {
        name: getattr(problem, name)
        for name in ("field", "message", "value", "limit", "remedy", "line")
    }
