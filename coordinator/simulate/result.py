"""What a play says of a policy on a fleet, as programs read it. Units are in the names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_FROZEN = ConfigDict(frozen=True)


class Spread(BaseModel):
    """Of many values."""

    model_config = _FROZEN

    mean: float
    p50: float
    p95: float
    p99: float


class TypeUse(BaseModel):
    """Device-seconds of one type, first arrival to last end; `busy` is without loading."""

    model_config = _FROZEN

    type: str
    devices: int
    busy_device_seconds: float
    loading_device_seconds: float
    idle_device_seconds: float
    busy_share: float
    loads: int


class OwnerShare(BaseModel):
    """`device_seconds`: all it got, loading included; `fastest_seconds`: what its finished tasks
    take on the type that is fastest at each. The rest counts only while it had waiting work:
    `entitled`: its weighted part of what was handed out, `received`: what it got, and the most that
    it ever was behind since a backlog began."""

    model_config = _FROZEN

    owner: str
    weight: float
    tasks: int
    device_seconds: float
    share: float
    fastest_seconds: float
    entitled_device_seconds: float
    received_device_seconds: float
    worst_lag_device_seconds: float
    mean_flow_seconds: float | None


class Fairness(BaseModel):
    """`jain_by_hour`: null for hours in which fewer than two owners were owed anything."""

    model_config = _FROZEN

    owners: list[OwnerShare]
    worst_lag_device_seconds: float
    worst_lag_owner: str
    jain_mean: float | None
    jain_worst: float | None
    jain_by_hour: list[float | None]


class Deciding(BaseModel):
    """What asking the policy cost on this machine. One decision is one instant at which it was
    asked; times are of telling it and asking it."""

    model_config = _FROZEN

    decisions: int
    starts: int
    stops: int
    cpu_seconds: float
    wall_seconds: float
    wall_p50_ms: float
    wall_p99_ms: float
    wall_max_ms: float


class NeverRan(BaseModel):
    """Tasks that were left, and why; `examples`: a few of their ids."""

    model_config = _FROZEN

    because: str
    tasks: int
    examples: list[str]


class Result(BaseModel):
    """All of it. Seconds are simulated but for `deciding`. `makespan_seconds`: from the first
    arrival to the last end; `bound_seconds`: what no schedule can beat (null where it was not
    computed; `bound_because` says what it rests on); `gap`: makespan over bound, less one;
    `slowdown`: flow time over the fastest possible run; `on_time_share`: of tasks with a deadline.
    """

    model_config = _FROZEN

    policy: str
    fleet: str
    devices: int
    tasks: int
    tasks_done: int
    makespan_seconds: float
    bound_seconds: float | None
    bound_because: str
    gap: float | None
    flow_seconds: Spread
    slowdown: Spread
    runs: int
    failed_runs: int
    stopped_runs: int
    loads: int
    loads_per_task: float
    tasks_with_deadline: int
    on_time_share: float | None
    types: list[TypeUse]
    fairness: Fairness
    deciding: Deciding
    never_ran: list[NeverRan] = Field(default_factory=list)


class Simulated(BaseModel):
    """What `reelyard simulate --json` prints. `differences`: of the last result against the first,
    by the path of the number."""

    model_config = _FROZEN

    results: list[Result]
    differences: dict[str, float] = Field(default_factory=dict)
