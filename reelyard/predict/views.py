"""What the API and the command line say of predictions: plain values that print as JSON.

Times in seconds, memory in GiB, energy in watt-hours, money in the currency of the farm's prices;
what is not known is null.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from reelyard.predict.answer import Answer, PlanView, Status


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class FitDevice(_View):
    """A column of the matrix: devices that are alike. `count` is 0 for a type of the catalog that
    the farm does not have."""

    id: str
    name: str
    memory_gib: float
    count: int = 0


class FitCell(_View):
    """Can this model run there at its default size, how, and how long does it take?"""

    device: str
    status: Status
    plan: str = ""
    bound_gib: float | None = None
    seconds: float | None = None
    is_measured: bool = False
    because: str = ""


class FitRow(_View):
    """A model with its default size, over all devices. `resident_on`: where it is in memory now."""

    model: str
    name: str
    shape: str
    weights_gib: float
    resident_on: list[str] = Field(default_factory=list)
    cells: list[FitCell]


class FitMatrix(_View):
    """Every model over every kind of device."""

    devices: list[FitDevice]
    data: list[FitRow]


class LessonView(_View):
    """What runs of one model, plan and device type taught. Ratios are measured over predicted."""

    model: str
    plan: str
    device: str
    runs: int = Field(ge=0)
    timed: int = Field(ge=0)
    memory: float = Field(gt=0)
    most_memory: float = Field(ge=0)
    seconds: float = Field(gt=0)
    spread: float = Field(ge=1)
    load: float = Field(gt=0)
    loads: int = Field(ge=0)
    failures: int = Field(ge=0)


class LessonList(_View):
    """Every lesson of a farm: also the form in which they are exported and imported."""

    data: list[LessonView]


class PredictionList(_View):
    """Answers in the order of the questions."""

    data: list[Answer]


class QuotedScene(_View):
    """One scene's pictures: on what, how, and what it costs of the whole. `share` of the job's
    device seconds."""

    scene: int
    model: str
    frames: int
    shots: int
    device: str = ""
    plan: PlanView | None = None
    bound_gib: float | None = None
    seconds: float | None = None
    energy_wh: float | None = None
    share: float | None = None


class QuotedDevice(_View):
    """A kind of device and whether it can take every picture of the job."""

    device: str
    count: int
    can: bool
    because: str


class Quote(_View):
    """What a job would need: where it can run, when it would be done, memory, energy, money.

    `done_in_seconds` counts from now, with what the farm has to do already; `money` is what the
    farm's own power costs, `rent` what the same device time would cost rented. Null: not known.
    """

    is_possible: bool | None
    because: str
    done_in_seconds: float | None = None
    done_in_range: tuple[float, float] | None = None
    device_seconds: float | None = None
    load_seconds: float | None = None
    needs_gib: float | None = None
    energy_wh: float | None = None
    money: float | None = None
    rent: float | None = None
    currency: str = ""
    dearest_scene: int | None = None
    scenes: list[QuotedScene] = Field(default_factory=list)
    devices: list[QuotedDevice] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list)
