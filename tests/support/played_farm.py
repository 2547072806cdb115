"""A farm for pages: it tells what a busy farm would tell, and a test plays what happens next."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
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
from reelyard.predict.views import FitMatrix, LessonList
from reelyard.queue_views import QueueList
from reelyard.resources import (
    EventList,
    EventView,
    HealthView,
    JobList,
    JobSummary,
    JobView,
    ModelList,
    OverviewView,
    Submitted,
    TaskView,
    ValidationView,
    WhyView,
    WorkerList,
)
from reelyard.risk_views import RiskList
from reelyard.script import read_storyboard
from reelyard.states import FINAL_JOB_STATES, JobState, TaskState
from reelyard.terms import USUAL, Terms, problems_of
from tests.support import played_models as predicted
from tests.support import played_words as told
from tests.support.played_jobs import Times, event, workers
from tests.support.played_media import Held
from tests.support.played_queue import in_line, steered
from tests.support.played_rules import PlayedRules

TOKEN = "reelyard_played_token"


class PlayedFarm(PlayedRules):
    """Implements dashboard.farm.Farm over values in memory."""

    def __init__(self, now: float, jobs: list[JobView], files: Mapping[str, Held]) -> None:
        super().__init__(Times(now))
        self.jobs_by_id = {job.id: job for job in jobs}
        self.files = dict(files)
        self.happened: list[EventView] = []
        self.submissions: list[tuple[bytes, str, str, int]] = []
        self.terms: list[Terms] = []
        self.steered: list[tuple[str, str, str]] = []
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.cancelled: list[tuple[str, str]] = []
        self.away = False
        self.has_workers = True
        self.followers = 0
        self.media_closed = 0
        self.matrix: FitMatrix | None = None
        self.learned = predicted.lesson_list()
        self.risks = RiskList(at=self.times.now, data=[])
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
        counts = told.counted(task.state.value for task in tasks)
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
        return told.overview(
            list(self.jobs_by_id.values()), self.workers().data, self.times, minutes
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
            "tasks": told.counted(task.state.value for task in tasks),
        }
        self.put(job.model_copy(update=changes), "Cancelled")

    def task(self, task_id: str) -> TaskView:
        self._check()
        found = [task for task in self._with_task(task_id).task_list if task.id == task_id]
        return found[0]

    def why(self, task_id: str) -> WhyView:
        return told.why(self.task(task_id))

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
        return told.models()

    def model_fit(self, every_device: bool) -> FitMatrix:
        self._check()
        if self.matrix is not None:
            return self.matrix
        return predicted.fit_matrix(every_device, self.has_workers)

    def lessons(self) -> LessonList:
        self._check()
        return self.learned

    def queue(self, limit: int) -> QueueList:
        self._check()
        return in_line(list(self.jobs_by_id.values()), limit)

    def risk(self, job_id: str) -> RiskList:
        self._check()
        found = [risk for risk in self.risks.data if job_id in ("", risk.job_id)]
        return self.risks.model_copy(update={"data": found})

    def steer(self, job_id: str, word: str, because: str) -> None:
        job = self.job(job_id)
        if job.state in FINAL_JOB_STATES:
            raise Conflict(f"{job_id} has ended already: it is {job.state.value}.")
        if word == "release" and job.held_because is None:
            raise Conflict(f"{job_id} is not held.", "`reelyard why` says what it waits for.")
        self.steered.append((job_id, word, because))
        self.put(job.model_copy(update=steered(job, word, because)), f"{word} by anna")

    def change(self, job_id: str, changes: Mapping[str, Any]) -> None:
        job = self.job(job_id)
        if "nihgt" in changes.get("pools", ()):
            said = "is no pool of the house rules"
            raise InvalidInput([Problem("pools[0]", said, "nihgt", "night", "Did you mean night?")])
        self.changes.append((job_id, dict(changes)))
        times = {name: changes[name] for name in ("deadline", "start_after") if name in changes}
        moments = {n: at and datetime.fromtimestamp(at, UTC) for n, at in times.items()}
        self.put(job.model_copy(update={**changes, **moments}), "Changed by anna")

    def validate(self, source: bytes, media_type: str, terms: Terms = USUAL) -> ValidationView:
        self._check()
        if problems := problems_of(terms, self.times.now.timestamp()):
            raise InvalidInput(problems)
        return told.validation(source, media_type)

    def submit(
        self, source: bytes, media_type: str, key: str, priority: int, terms: Terms = USUAL
    ) -> Submitted:
        self._check()
        board, _ = read_storyboard(source, media_type)
        if any(sent[2] == key and sent[0] != source for sent in self.submissions):
            raise Conflict("This key was used for another storyboard.", "Reload the form.")
        self.submissions.append((source, media_type, key, priority))
        self.terms.append(terms)
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
        sent = {
            "Content-Type": kind,
            "Accept-Ranges": "bytes",
            "ETag": f'"{found.artifact.sha256}"',
        }
        if "download=true" in path:
            sent["Content-Disposition"] = f'attachment; filename="{found.artifact.name}"'
        asked = re.match(r"bytes=(\d+)-(\d*)$", headers.get("Range", ""))
        if not asked:
            return Media(
                200, {**sent, "Content-Length": str(size)}, iter([found.data]), self._closed
            )
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        part = found.data[first : last + 1]
        sent |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(len(part))}
        return Media(206, sent, iter([part]), self._closed)

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
                yield from fresh or (None,)
                position += len(fresh)
        finally:
            self.followers -= 1

    def _closed(self) -> None:
        self.media_closed += 1

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
