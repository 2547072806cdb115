"""What coordinator and worker say to each other. They meet in nothing else.

Coordinator to worker: RunTask, CancelAttempt, Preempt, Preload, Unload, Fetch, Acknowledge,
Introduce. Worker to coordinator: Hello, Heartbeat, Started, Progress, Finished, Failed, Preempted,
Goodbye. Unknown fields are ignored, so that a newer side may say more to an older one. `report_id`
names a report for acknowledgement: it may arrive twice.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from reelyard.failure import Failure
from reelyard.plan import Plan
from reelyard.task import Checkpoint, Result, Work

Lane = Literal["main", "side"]
"""Which of a device's two queues: models that fill it, or small work beside them."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunTask(_Message):
    """Try this task on that device. A worker drops an attempt that it has seen before, and one that
    was meant for an earlier boot of it.

    `lane`: a device works through one `main` attempt at a time and, beside it, one of its `side`
    lane; whoever orders has seen to it that both fit. With a `checkpoint` the work goes on from
    there; one that cannot be used is left, the work begins anew and the result's notes say so.
    `power_cap`: the share of the device's power limit at which it is to run; where the worker may
    not set one it runs without, and the result's notes say so.
    """

    type: Literal["run_task"] = "run_task"
    attempt_id: str
    task_id: str
    job_id: str
    device_id: str
    work: Work
    plan: Plan = Plan()
    predicted_gib: float = 0.0
    boot_id: str = ""
    timeout_seconds: float
    lane: Lane = "main"
    checkpoint: Checkpoint | None = None
    power_cap: float | None = Field(default=None, gt=0, le=1)


class CancelAttempt(_Message):
    """Stop at the next step; be killed if that takes longer than `grace_seconds`."""

    type: Literal["cancel_attempt"] = "cancel_attempt"
    attempt_id: str
    because: str
    grace_seconds: float = 5.0


class Preempt(_Message):
    """Make room for something more urgent: stop after the present step, keep what is needed to go
    on, and say where it lies (`Preempted`). Work that cannot be kept is stopped all the same, and
    so is, killed if need be, what is not over after `grace_seconds`."""

    type: Literal["preempt"] = "preempt"
    attempt_id: str
    because: str
    grace_seconds: float = 120.0


class Preload(_Message):
    """Load this model while the device has nothing to do. A device that is busy, or that would have
    to drop a model for it, does not.

    `predicted_gib`: what the weights take there in this plan, zero when nobody knows.
    """

    type: Literal["preload"] = "preload"
    device_id: str
    model: str
    plan: Plan = Plan()
    predicted_gib: float = 0.0


class Unload(_Message):
    """Take this model out of the device's memory, unless an attempt is using it now."""

    type: Literal["unload"] = "unload"
    device_id: str
    model: str


class Fetch(_Message):
    """Read this model's weight files into the page cache, as far as free RAM goes: a load that
    comes soon then reads no disk."""

    type: Literal["fetch"] = "fetch"
    model: str


class Acknowledge(_Message):
    """These reports are in the database: the worker may forget them."""

    type: Literal["acknowledge"] = "acknowledge"
    report_ids: tuple[str, ...]


class Introduce(_Message):
    """The coordinator heard from a worker that it does not know: say hello again."""

    type: Literal["introduce"] = "introduce"


class Resident(_Message):
    """A model that is already in a device's memory."""

    model: str
    gib: float


class DeviceReport(_Message):
    """A GPU, or the CPU, of a node, as measured now. Memory in GiB, power in watts.

    `type` is its id in the catalog of devices, empty when it is none that the worker knows.
    `running` is what its main lane does, `side_running` its side lane; `loading` is the model that
    it loads now.
    """

    id: str
    kind: Literal["cpu", "cuda", "jetson"]
    name: str
    type: str = ""
    memory_gib: float
    free_gib: float
    foreign_gib: float = 0.0
    unified: bool = False
    compute_capability: str = ""
    utilisation: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    resident: tuple[Resident, ...] = ()
    running: tuple[str, ...] = ()
    side_running: tuple[str, ...] = ()
    loading: str = ""


class _Report(_Message):
    report_id: str
    worker_id: str
    boot_id: str
    at: float


class Hello(_Report):
    """A worker has started. Whatever an earlier boot of it was running is lost.

    `ram_gib` is all of the node's RAM, `ram_free_gib` what is left of it; `read_gb_s` is how fast
    the disk with the models was read (1e9 bytes a second), None when that was not measured. `tags`
    are the worker's own (`REELYARD_TAGS`); `storage` names what holds the models: workers that name
    the same share its speed. `checkpoints` are those of `models` that can stop at a step and go on
    later.
    """

    type: Literal["hello"] = "hello"
    node: str
    version: str
    cpus: int
    ram_gib: float
    ram_free_gib: float = 0.0
    read_gb_s: float | None = None
    devices: tuple[DeviceReport, ...]
    models: tuple[str, ...]
    voices: tuple[str, ...]
    tags: tuple[str, ...] = ()
    storage: str = ""
    checkpoints: tuple[str, ...] = ()


class Heartbeat(_Report):
    """Still here; renews the lease of every attempt that it names as running or queued."""

    type: Literal["heartbeat"] = "heartbeat"
    devices: tuple[DeviceReport, ...]
    attempts: tuple[str, ...]


class Started(_Report):
    """The task's first line runs."""

    type: Literal["started"] = "started"
    attempt_id: str


class Progress(_Report):
    """Where an attempt is: `phase` is load, encode, denoise, decode, speak, mux or store."""

    type: Literal["progress"] = "progress"
    attempt_id: str
    phase: str
    step: int = 0
    steps: int = 0


class Measured(_Message):
    """What the attempt really took; feeds the predictor. `steps_before` of the task's steps were
    done by an earlier attempt: then `run_seconds` are those of the rest. `power_cap`: the share of
    the power limit that was in force; None: all of it."""

    load_seconds: float = 0.0
    run_seconds: float = 0.0
    peak_gib: float | None = None
    warm: bool = True
    plan: Plan | None = None
    steps_before: int = 0
    power_cap: float | None = None


class Finished(_Report):
    """The output is in the store."""

    type: Literal["finished"] = "finished"
    attempt_id: str
    result: Result
    measured: Measured


class Failed(_Report):
    """The attempt came to nothing, and why."""

    type: Literal["failed"] = "failed"
    attempt_id: str
    failure: Failure
    measured: Measured = Measured()


class Preempted(_Report):
    """The attempt made room, as asked. Without a checkpoint the work has to begin anew."""

    type: Literal["preempted"] = "preempted"
    attempt_id: str
    checkpoint: Checkpoint | None = None
    measured: Measured = Measured()


class Goodbye(_Report):
    """The worker stops on purpose; attempts it still names will not be finished."""

    type: Literal["goodbye"] = "goodbye"


Report = Annotated[
    Hello | Heartbeat | Started | Progress | Finished | Failed | Preempted | Goodbye,
    Field(discriminator="type"),
]
Order = Annotated[
    RunTask | CancelAttempt | Preempt | Preload | Unload | Fetch | Acknowledge | Introduce,
    Field(discriminator="type"),
]

DURABLE_REPORTS = frozenset({"finished", "failed", "preempted"})
"""Kept on the worker's disk until acknowledged."""

_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_ORDER: TypeAdapter[Order] = TypeAdapter(Order)


def read_report(data: object) -> Report:
    """What a worker said. Raises pydantic's ValidationError on anything else."""
    return _REPORT.validate_python(data)


def read_order(data: object) -> Order:
    """What the coordinator said. Raises pydantic's ValidationError on anything else."""
    return _ORDER.validate_python(data)
