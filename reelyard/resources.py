"""What the HTTP API answers: one set of shapes for server, client, CLI and dashboard.

Times are RFC 3339 in UTC. The OpenAPI document is made from these classes. Longer than our files
are, because it is one document: who reads one shape reads those it is made of.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reelyard.artifact import Artifact
from reelyard.predict.views import Quote
from reelyard.states import AttemptState, Band, JobState, TaskKind, TaskState, WorkerState


class _Resource(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ProblemItem(_Resource):
    """One thing that is wrong; `pointer` is a JSON pointer into what was sent."""

    field: str
    pointer: str = ""
    message: str
    value: str = ""
    limit: str = ""
    remedy: str = ""
    line: int | None = None


class ProblemDetails(_Resource):
    """RFC 9457 problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    remedy: str = ""
    errors: list[ProblemItem] = Field(default_factory=list)


class AttemptView(_Resource):
    """One try."""

    id: str
    number: int
    state: AttemptState
    worker_id: str
    device_id: str
    because: str
    plan: str = ""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure_kind: str | None = None
    failure: str | None = None
    failure_detail: str | None = None
    load_seconds: float | None = None
    run_seconds: float | None = None
    peak_gib: float | None = None
    predicted_gib: float | None = None
    predicted_peak_gib: float | None = None
    predicted_seconds: float | None = None
    predicted_load_seconds: float | None = None
    warm: bool | None = None
    power_cap: float | None = None


class TaskView(_Resource):
    """One schedulable unit. `because` says why it waits, or why it runs where it does."""

    id: str
    job_id: str
    kind: TaskKind
    scene: int | None
    role: str
    label: str
    state: TaskState
    because: str = ""
    model: str = ""
    needs: list[str] = Field(default_factory=list)
    phase: str = ""
    step: int = 0
    steps: int = 0
    progress: float = 0.0
    worker_id: str | None = None
    device_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    frames: int | None = None
    attempts: list[AttemptView] = Field(default_factory=list)
    artifacts: list[Artifact] = Field(default_factory=list)
    thumbnail: Artifact | None = None
    notes: list[str] = Field(default_factory=list)


class JobSummary(_Resource):
    """A line of the job list. `tasks` counts by state; `held_because` is null for a job that is not
    held; of two jobs of one band the one of the lower `rank` goes first."""

    id: str
    title: str
    state: JobState
    owner: str
    priority: int
    scenes: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: float = 0.0
    tasks: dict[str, int] = Field(default_factory=dict)
    film_seconds: float | None = None
    thumbnail: Artifact | None = None
    failure: str | None = None
    warnings: list[str] = Field(default_factory=list)
    band: Band = Band.NORMAL
    deadline: datetime | None = None
    start_after: datetime | None = None
    held_because: str | None = None
    pools: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    rank: float = 0.0


class FilmView(_Resource):
    """The finished film and what lies beside it."""

    film: Artifact
    poster: Artifact
    sheet: Artifact
    subtitles: Artifact | None = None
    frames: int
    seconds: float
    lufs: float | None = None
    true_peak_db: float | None = None


class JobView(JobSummary):
    """A job with all that belongs to it."""

    storyboard: dict[str, Any]
    task_list: list[TaskView] = Field(default_factory=list)
    film: FilmView | None = None


class JobList(_Resource):
    """A page of jobs, newest first."""

    data: list[JobSummary]
    has_more: bool = False
    next_cursor: str | None = None


class EventView(_Resource):
    """Something that happened. `sentence` is for people, `data` for programs."""

    seq: int
    at: datetime
    type: str
    job_id: str | None = None
    task_id: str | None = None
    attempt_id: str | None = None
    worker_id: str | None = None
    sentence: str
    data: dict[str, Any] = Field(default_factory=dict)


class EventList(_Resource):
    """A page of events, oldest first."""

    data: list[EventView]
    has_more: bool = False


class ResidentView(_Resource):
    """A model in a device's memory."""

    model: str
    gib: float


class DeviceView(_Resource):
    """A GPU, or the CPU, of a node."""

    id: str
    kind: Literal["cpu", "cuda", "jetson"]
    name: str
    memory_gib: float
    free_gib: float
    foreign_gib: float = 0.0
    unified: bool = False
    utilisation: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    resident: list[ResidentView] = Field(default_factory=list)
    running: list[str] = Field(default_factory=list)


class WorkerView(_Resource):
    """The process that offers a node's devices."""

    id: str
    node: str
    state: WorkerState
    version: str
    cpus: int
    ram_gib: float
    last_seen: datetime
    tags: list[str] = Field(default_factory=list)
    storage: str = ""
    devices: list[DeviceView] = Field(default_factory=list)


class WorkerList(_Resource):
    """Every worker that was ever seen, online first."""

    data: list[WorkerView]


class WhyDevice(_Resource):
    """What one device says to a task."""

    worker_id: str
    device_id: str
    name: str
    can: bool
    because: str


class WhyView(_Resource):
    """Why a task waits, with every device's answer."""

    task_id: str
    state: TaskState
    because: str
    can_ever_run: bool
    queue_position: int | None = None
    starts_in_seconds: tuple[float, float] | None = None
    devices: list[WhyDevice] = Field(default_factory=list)


class WhyList(_Resource):
    """Why each waiting task of a job waits."""

    data: list[WhyView]


class EstimateView(_Resource):
    """What is known before anything runs."""

    is_possible: bool
    because: str
    scenes: int
    tasks: int
    fixed_seconds: float
    free_scenes: int
    needs_gib: float | None = None
    quote: Quote | None = None


class ValidationView(_Resource):
    """The answer to a dry run: nothing was stored."""

    ok: bool
    problems: list[ProblemItem] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    storyboard: dict[str, Any] | None = None
    estimate: EstimateView | None = None


class Submitted(_Resource):
    """The answer to a submission. `created` is False when the key was used before."""

    job: JobSummary
    created: bool
    is_possible: bool
    because: str
    queue_position: int
    notes: list[str] = Field(default_factory=list)


class AttentionItem(_Resource):
    """Something that a person should look at."""

    kind: Literal["job_failed", "worker_lost", "nobody_can_run", "disk_low"]
    sentence: str
    job_id: str | None = None
    task_id: str | None = None
    worker_id: str | None = None


class ThroughputPoint(_Resource):
    """What was finished in one bucket of time."""

    at: datetime
    tasks: int
    video_seconds: float
    voice_seconds: float


class OverviewView(_Resource):
    """The farm at a glance."""

    at: datetime
    jobs: dict[str, int]
    tasks: dict[str, int]
    waiting_because: dict[str, int]
    workers: dict[str, int]
    memory_used_gib: float
    memory_total_gib: float
    power_w: float | None = None
    video_seconds_today: float
    films_today: int
    failed_today: int
    throughput: list[ThroughputPoint] = Field(default_factory=list)
    attention: list[AttentionItem] = Field(default_factory=list)


class ModelView(_Resource):
    """A video model or a voice of the catalog. `frames`: of a clip when nothing is said; weights
    in the model's own number format."""

    id: str
    kind: Literal["video", "voice"]
    name: str
    licence: str
    available_on: list[str] = Field(default_factory=list)
    width: int | None = None
    height: int | None = None
    fps: int | None = None
    frame_step: int | None = None
    max_frames: int | None = None
    frames: int | None = None
    steps: int | None = None
    parameters_billion: float | None = None
    weights_gib: float | None = None
    language: str | None = None
    about: str = ""


class ModelList(_Resource):
    """What the farm can render and speak with."""

    data: list[ModelView]


class HealthView(_Resource):
    """Is it well? `parts` names each part and what is wrong with it."""

    status: Literal["ok", "degraded", "down"]
    version: str
    parts: dict[str, str]


class IndexView(_Resource):
    """Where to begin."""

    name: str = "Reelyard"
    version: str
    api: str = "/api/v1"
    openapi: str = "/openapi.json"
    health: str = "/api/v1/health"
    metrics: str = "/metrics"


class TokenView(_Resource):
    """A token as listed: never the secret itself."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


class TokenCreated(TokenView):
    """A fresh token; the only time that the secret is shown."""

    secret: str


class TokenList(_Resource):
    """All tokens."""

    data: list[TokenView]
