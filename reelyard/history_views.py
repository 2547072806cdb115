"""What a farm has done, as a workload that the simulator plays again. Shapes of the API only."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class RecordedTask(BaseModel):
    """A finished task with the fields of a workload's line, but for times: `at`, `ended_at` and
    `deadline` are unix seconds here. `at`: when it could first have run. `seconds`, `load_seconds`:
    what tasks of its shape took here on average, by type of device."""

    model_config = ConfigDict(frozen=True)

    id: str
    job: str
    owner: str
    kind: str
    model: str
    at: float
    ended_at: float
    seconds: dict[str, float]
    load_seconds: dict[str, float]
    memory_gib: float
    gang: int = 1
    priority: int = 50
    band: str = "normal"
    deadline: float | None = None


class RecordedTasks(BaseModel):
    """One page, in the order in which tasks ended. `left_out`: tasks of it whose seconds nobody
    measured on a device of a known type."""

    model_config = ConfigDict(frozen=True)

    data: list[RecordedTask]
    left_out: int = 0
    has_more: bool = False
    next_cursor: str | None = None
