"""The document as people write it: its tables, and what each field may be. Checks field by field;
what several fields say together is `parse`'s. Each description completes "Give ...".
"""

from __future__ import annotations

from typing import Annotated, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reelyard.errors import InvalidInput, Problem
from reelyard.rules.document import (
    AGE_SECONDS_PER_BAND,
    HALF_LIFE_SECONDS,
    LOADS_PER_STORAGE,
    MINIMUM_RUN_SECONDS,
)
from reelyard.rules.opening import read_hours
from reelyard.rules.zone import zone_of
from reelyard.states import TaskKind

DAY = 86_400.0
MOST_TASKS = 100_000_000


def refuse(problem: Problem) -> NoReturn:
    """The problem in pydantic's way; `problems.of_error` finds it again."""
    raise PydanticCustomError(
        "reelyard",
        "{message}",
        {"message": problem.message, "limit": problem.limit, "remedy": problem.remedy},
    )


def _hours(text: str) -> str:
    try:
        read_hours(text)
    except InvalidInput as wrong:
        refuse(wrong.problems[0])
    return text


def _zone(name: str) -> str:
    try:
        zone_of(name)
    except InvalidInput as wrong:
        refuse(wrong.problems[0])
    return name


def _kind(name: str) -> TaskKind:
    if name not in tuple(TaskKind):
        refuse(Problem("", "is no kind of task", name, ", ".join(TaskKind), "Correct it."))
    return TaskKind(name)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Owner = Annotated[str, Field(min_length=1, max_length=100)]
Glob = Annotated[str, Field(min_length=1, max_length=200)]
Globs = Annotated[list[Glob], Field(max_length=200)]
Tags = Annotated[list[Name], Field(max_length=50)]
Kinds = Annotated[list[Annotated[str, AfterValidator(_kind)]], Field(max_length=20)]
HoursText = Annotated[str, AfterValidator(_hours)]

_ANY_NUMBER = "a whole number, or leave it out for any number"


class Table(BaseModel):
    """A table of the document: what is not a field of it is refused, and so is "2" for 2."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class OwnerTable(Table):
    """`[owners.anna]`, `[default_owner]`."""

    weight: float = Field(
        default=1.0, ge=0.001, le=1000, description="a share: 2 is twice that of others"
    )
    group: str = Field(default="", max_length=64, description="the name of a table in groups")
    max_running: int | None = Field(default=None, ge=0, le=MOST_TASKS, description=_ANY_NUMBER)
    max_waiting: int | None = Field(default=None, ge=0, le=MOST_TASKS, description=_ANY_NUMBER)


class GroupTable(Table):
    """`[groups.film]`."""

    weight: float = Field(
        default=1.0, ge=0.001, le=1000, description="a share: 2 is twice that of other groups"
    )
    max_running: int | None = Field(default=None, ge=0, le=MOST_TASKS, description=_ANY_NUMBER)


class PoolTable(Table):
    """`[pools.night]`."""

    nodes: Globs = Field(
        default=[], description='a list of names of nodes or workers, such as "desk-*"'
    )
    types: Globs = Field(default=[], description='a list of types of device, such as "rtx-4090"')
    tags: Tags = Field(default=[], description="a list of tags that its workers all have")
    owners: Globs = Field(
        default=[], description="a list of those who may use it; empty for everybody"
    )
    hours: HoursText = Field(
        default="always", description='hours such as "Mon-Fri 19:00-07:00; Sat Sun"'
    )
    power_cap: float | None = Field(
        default=None, ge=0.3, le=1, description="a share of the power limit, such as 0.7"
    )


class NodeTable(Table):
    """`[[nodes]]`."""

    match: Glob = Field(description='the name of a node or a worker, such as "desk-*"')
    device: Glob = Field(default="*", description='the id of a device, such as "cuda:0"')
    hours: HoursText = Field(
        default="always", description='hours such as "Mon-Fri 19:00-07:00; Sat Sun"'
    )
    tags: Tags = Field(default=[], description="a list of tags to add")
    serves: Kinds = Field(default=[], description="a list of kinds of task; empty for all")


class LimitTable(Table):
    """`[limits.studio-licence]`."""

    models: Globs = Field(default=[], description="a list of models; empty for all")
    owners: Globs = Field(default=[], description="a list of owners; empty for all")
    kinds: Kinds = Field(default=[], description="a list of kinds of task; empty for all")
    farm: int | None = Field(default=None, ge=0, le=MOST_TASKS, description="how many the farm has")
    per_node: int | None = Field(
        default=None, ge=0, le=MOST_TASKS, description="how many a node has"
    )

    @model_validator(mode="after")
    def _limits_something(self) -> LimitTable:
        if self.farm is None and self.per_node is None:
            refuse(Problem("", "limits nothing", "", "", "Give `farm`, `per_node` or both."))
        return self


class PinTable(Table):
    """`[[pins]]`."""

    model: str = Field(min_length=1, max_length=100, description="the id of a model")
    nodes: Globs = Field(default=[], description="a list of nodes or workers; empty for any")
    types: Globs = Field(default=[], description="a list of types of device; empty for any")


class PeriodTable(Table):
    """`[[tariff.periods]]`."""

    hours: HoursText = Field(description='hours such as "22:00-06:00"')
    price_per_kwh: float = Field(ge=0, le=1_000_000, description="the price of a kWh")


class TariffTable(Table):
    """`[tariff]`."""

    currency: str = Field(min_length=1, max_length=8, description="a currency, such as EUR")
    price_per_kwh: float = Field(
        ge=0, le=1_000_000, description="the price of a kWh outside all periods"
    )
    periods: list[PeriodTable] = Field(
        default=[], max_length=50, description="tables of hours and price"
    )
    patience_hours: float = Field(
        default=0.0, ge=0, le=168, description="hours that batch work waits for a lower price"
    )
    slack_power_cap: float | None = Field(
        default=None, ge=0.3, le=1, description="a share of the power limit, such as 0.85"
    )


class Document(Table):
    """The whole."""

    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", max_length=80, description="a time zone such as Europe/Berlin"
    )
    age_seconds_per_band: float = Field(
        default=AGE_SECONDS_PER_BAND, ge=60, le=30 * DAY, description="seconds of waiting"
    )
    minimum_run_seconds: float = Field(
        default=MINIMUM_RUN_SECONDS,
        ge=0,
        le=7 * DAY,
        description="seconds that a run is left alone",
    )
    loads_per_storage: int = Field(
        default=LOADS_PER_STORAGE, ge=1, le=10_000, description="how many models are read at once"
    )
    half_life_seconds: float = Field(
        default=HALF_LIFE_SECONDS, ge=60, le=366 * DAY, description="seconds until use counts half"
    )
    preempt: bool = Field(default=True, description="true or false")
    default_owner: OwnerTable = Field(default=OwnerTable(), description="a table, as one of owners")
    owners: dict[Owner, OwnerTable] = Field(
        default={}, max_length=1_000, description="a table by owner"
    )
    groups: dict[Name, GroupTable] = Field(
        default={}, max_length=200, description="a table by name"
    )
    pools: dict[Name, PoolTable] = Field(default={}, max_length=200, description="a table by name")
    nodes: list[NodeTable] = Field(default=[], max_length=1_000, description="tables, as [[nodes]]")
    limits: dict[Name, LimitTable] = Field(
        default={}, max_length=200, description="a table by name"
    )
    pins: list[PinTable] = Field(default=[], max_length=200, description="tables, as [[pins]]")
    tariff: TariffTable | None = Field(default=None, description="a table of prices")
