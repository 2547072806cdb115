"""A farm for pages: it tells what a busy farm would tell, and a test plays what happens next."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from dashboard.farm import Farm, Media
from reelyard.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    Unauthorized,
    Unreachable,
)
from reelyard.resources import (
    AttentionItem,
    EstimateView,
    EventList,
    EventView,
    HealthView,
    JobList,
    JobSummary,
    JobView,
    ModelList,
    ModelView,
    OverviewView,
    ProblemItem,
    Submitted,
    TaskView,
    ThroughputPoint,
    ValidationView,
    WhyDevice,
    WhyView,
    WorkerList,
)
from reelyard.script import read_storyboard
from reelyard.states import JobState, TaskState
from tests.support.played_jobs import Times, event, workers
from tests.support.played_media import Held

TOKEN = "reelyard_played_token"


class PlayedFarm:
    """Implements dashboard.farm.Farm over values in memory."""

    def __init__(self, now: float, jobs: list[JobView], files: Mapping[str, Held]) -> None:
        self.times = Times(now)
        self.jobs_by_id = {job.id: job for job in jobs}
        self.files = dict(files)
        self.happened: list[EventView] = []
        self.submissions: list[tuple[bytes, str, str, int]] = []
        self.cancelled: list[tuple[str, str]] = []
        self.away = False
        self.has_workers = True
        self.followers = 0
        self._news = threading.Condition()

    # What a test plays.

    def put(self, job: JobView, sentence: str = "Something changed") -> None:
        """The job is like this now, and everybody hears of it."""
        self.jobs_by_id[job.id] = job
        self.tell("job.changed", sentence, job_id=job.id)

    def put_task(self, task_id: str, **changes: Any) -> None:
        """A task changes; its job's counts follow."""
        old = self._with_task(task_id)
        tasks = [
            task.model_copy(update=changes) if task.id == task_id else task
            for task in old.task_list
        ]
        counts: dict[str, int] = {}
        for task in tasks:
            counts[task.state.value] = counts.get(task.state.value, 0) + 1
        self.put(old.model_copy(update={"task_list": tasks, "tasks": counts}))

    def tell(self, type: str, sentence: str, **more: Any) -> None:
        with self._news:
            at = self.times.now
            self.happened.append(event(len(self.happened) + 1, at, type, sentence, **more))
            self._news.notify_all()

    # What the dashboard asks.

    def health(self) -> HealthView:
        return HealthView(status="ok", version="0.1.0", parts={})

    def overview(self, minutes: int) -> OverviewView:
        self._check()
        jobs = list(self.jobs_by_id.values())
        seen = self.workers().data
        return OverviewView(
            at=self.times.now,
            jobs=_counted(job.state.value for job in jobs),
            tasks=_counted(task.state.value for job in jobs for task in job.task_list),
            waiting_because={"devices are busy": 4, "waits for another task": 3} if jobs else {},
            workers=_counted(worker.state.value for worker in seen),
            memory_used_gib=61.2 if seen else 0,
            memory_total_gib=165.0 if seen else 0,
            power_w=643 if seen else None,
            video_seconds_today=412.5 if jobs else 0,
            films_today=sum(job.state is JobState.DONE for job in jobs),
            failed_today=sum(job.state is JobState.FAILED for job in jobs),
            throughput=self._throughput(minutes) if jobs else [],
            attention=[
                AttentionItem(
                    kind="job_failed", sentence=f"{job.title}: {job.failure}", job_id=job.id
                )
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

    def jobs(self, state: str, query: str, after: str, limit: int) -> JobList:
        self._check()
        found = [
            job
            for job in sorted(self.jobs_by_id.values(), key=lambda j: j.created_at, reverse=True)
            if (not state or job.state.value == state)
            and (query.lower() in job.title.lower() or job.id.startswith(query))
        ]
        start = int(after or 0)
        page = found[start : start + limit]
        more = len(found) > start + limit
        return JobList(
            data=[JobSummary.model_validate(job.model_dump()) for job in page],
            has_more=more,
            next_cursor=str(start + limit) if more else None,
        )

    def job(self, job_id: str) -> JobView:
        self._check()
        found = [job for name, job in self.jobs_by_id.items() if name.startswith(job_id)]
        if len(found) != 1:
            raise NotFound(f"There is no job {job_id!r}.")
        return found[0]

    def story(self, job_id: str) -> EventList:
        self._check()
        return EventList(data=[item for item in self.happened if item.job_id == job_id])

    def cancel(self, job_id: str, because: str) -> None:
        job = self.job(job_id)
        if job.state not in (JobState.RUNNING, JobState.QUEUED):
            raise Conflict(f"{job_id} is {job.state.value} already.")
        self.cancelled.append((job_id, because))
        tasks = [
            task
            if task.state is TaskState.DONE
            else task.model_copy(update={"state": TaskState.CANCELLED})
            for task in job.task_list
        ]
        changes = {
            "state": JobState.CANCELLED,
            "task_list": tasks,
            "tasks": _counted(task.state.value for task in tasks),
        }
        self.put(job.model_copy(update=changes), "Cancelled")

    def task(self, task_id: str) -> TaskView:
        self._check()
        found = [task for task in self._with_task(task_id).task_list if task.id == task_id]
        return found[0]

    def why(self, task_id: str) -> WhyView:
        task = self.task(task_id)
        return WhyView(
            task_id=task_id,
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

    def workers(self) -> WorkerList:
        self._check()
        running = [
            f"{task.id}.a1"
            for job in self.jobs_by_id.values()
            for task in job.task_list
            if task.state is TaskState.RUNNING
        ]
        return WorkerList(data=workers(self.times, running[:1]) if self.has_workers else [])

    def models(self) -> ModelList:
        self._check()
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
                ),
            ]
        )

    def validate(self, source: bytes, media_type: str) -> ValidationView:
        self._check()
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
                is_possible=True,
                because="3 devices can run it",
                scenes=len(board.scenes),
                tasks=2 * len(board.scenes) + 1,
                fixed_seconds=sum(scene.seconds or 0 for scene in board.scenes),
                free_scenes=free,
                needs_gib=18.4,
            ),
        )

    def submit(self, source: bytes, media_type: str, key: str, priority: int) -> Submitted:
        self._check()
        board, _ = read_storyboard(source, media_type)
        if any(sent[2] == key and sent[0] != source for sent in self.submissions):
            raise Conflict("This key was used for another storyboard.", "Reload the form.")
        self.submissions.append((source, media_type, key, priority))
        first = next(iter(self.jobs_by_id.values()))
        job = first.model_copy(
            update={"id": "job-new2345678", "title": board.title, "state": JobState.QUEUED}
        )
        self.put(job, "Submitted")
        return Submitted(
            job=JobSummary.model_validate(job.model_dump()),
            created=True,
            is_possible=True,
            because="3 devices can run it",
            queue_position=4,
        )

    def media(self, path: str, headers: Mapping[str, str]) -> Media:
        self._check()
        found = self._file(path.partition("?")[0])
        size, kind = len(found.data), found.artifact.media_type
        told = {
            "Content-Type": kind,
            "Accept-Ranges": "bytes",
            "ETag": f'"{found.artifact.sha256}"',
        }
        if "download=true" in path:
            told["Content-Disposition"] = f'attachment; filename="{found.artifact.name}"'
        asked = re.match(r"bytes=(\d+)-(\d*)$", headers.get("Range", ""))
        if not asked:
            return Media(200, {**told, "Content-Length": str(size)}, iter([found.data]))
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        part = found.data[first : last + 1]
        told |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(len(part))}
        return Media(206, told, iter([part]))

    def events(self, after: str) -> Iterator[EventView | None]:
        self._check()
        with self._news:
            self.followers += 1
            position = int(after) if after else len(self.happened)
        try:
            yield None
            while True:
                fresh = self._since(position)
                self._check()
                yield from fresh or [None]
                position += len(fresh)
        finally:
            self.followers -= 1

    def _since(self, position: int) -> list[EventView]:
        with self._news:
            self._news.wait_for(lambda: len(self.happened) > position or self.away, 5)
            return self.happened[position:]

    def _file(self, path: str) -> Held:
        if path.startswith("/artifacts/"):
            by_hash = {item.artifact.sha256: item for item in self.files.values()}
            name = path.removeprefix("/artifacts/")
            if name in by_hash:
                return by_hash[name]
        part = re.match(r"/jobs/[^/]+/film(?:/(\w+))?$", path)
        if part:
            return self.files[part[1] or "film"]
        raise NotFound("There is no such file.")

    def _with_task(self, task_id: str) -> JobView:
        for job in self.jobs_by_id.values():
            if any(task.id == task_id for task in job.task_list):
                return job
        raise NotFound(f"There is no task {task_id!r}.")

    def _throughput(self, minutes: int) -> list[ThroughputPoint]:
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
                at=self.times.now - timedelta(minutes=span * (len(amounts) - place)),
                tasks=amount // 2,
                video_seconds=amount * 1.5,
                voice_seconds=amount,
            )
            for place, amount in enumerate(amounts)
        ]

    def _check(self) -> None:
        if self.away:
            raise Unreachable("the farm at http://127.0.0.1:8700 does not answer (ConnectError).")


class ClosedFarm:
    """What a wrong token sees."""

    def __getattr__(self, _name: str) -> Any:
        def refuse(*_given: Any, **_named: Any) -> Any:
            raise Unauthorized("This is not a token of this farm.")

        return refuse


def doors(farm: PlayedFarm) -> Any:
    """The farm for who has its token."""

    def farm_for(token: str) -> Farm:
        return farm if token == TOKEN else ClosedFarm()

    return farm_for


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _fields(problem: Problem) -> dict[str, Any]:
    return {
        name: getattr(problem, name)
        for name in ("field", "message", "value", "limit", "remedy", "line")
    }
