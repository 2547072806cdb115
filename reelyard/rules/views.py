"""What the HTTP API answers about house rules. Times are RFC 3339 in UTC; hours are in the words of
the document, on the clock of its time zone.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from reelyard.resources import ProblemItem
from reelyard.states import TaskKind


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class HoursView(_View):
    """`changes_at`: when it closes, or opens; null when it never does."""

    text: str
    is_open: bool
    changes_at: datetime | None = None


class OwnerView(_View):
    """Tasks; null is any number."""

    name: str
    weight: float
    group: str = ""
    max_running: int | None = None
    max_waiting: int | None = None


class GroupView(_View):
    """Owners who share a share. `owners`: those that the document names."""

    name: str
    weight: float
    max_running: int | None = None
    owners: list[str] = Field(default_factory=list)


class PoolView(_View):
    """Empty lists ask nothing. `devices`: of the `device_count` that are in it now, the first 50,
    as `cuda:0 of w`."""

    id: str
    nodes: list[str]
    types: list[str]
    tags: list[str]
    owners: list[str]
    hours: HoursView
    power_cap: float | None = None
    device_count: int = 0
    devices: list[str] = Field(default_factory=list)


class NodeRuleView(_View):
    """About a node, a worker or one of its devices."""

    match: str
    device: str
    hours: HoursView
    tags: list[str]
    serves: list[TaskKind]


class LimitView(_View):
    """At most so many running tasks of these models, owners and kinds; null is any number."""

    id: str
    models: list[str]
    owners: list[str]
    kinds: list[TaskKind]
    farm: int | None = None
    per_node: int | None = None


class PinView(_View):
    """A model that is wanted in memory."""

    model: str
    nodes: list[str]
    types: list[str]


class PeriodView(_View):
    """A price while these hours are open."""

    hours: HoursView
    price_per_kwh: float


class TariffView(_View):
    """`price_now`: of a kWh at this moment. `patience_hours`: so long batch work waits for a lower
    price, 0 is never; `slack_power_cap`: the share of the power limit at which work runs that has
    time, null is all of it."""

    currency: str
    price_per_kwh: float
    periods: list[PeriodView]
    price_now: float
    patience_hours: float = 0.0
    slack_power_cap: float | None = None


class RulesBody(_View):
    """The rules as values."""

    timezone: str
    age_seconds_per_band: float
    minimum_run_seconds: float
    loads_per_storage: int
    half_life_seconds: float
    preempt: bool
    default_owner: OwnerView
    owners: list[OwnerView]
    groups: list[GroupView]
    pools: list[PoolView]
    nodes: list[NodeRuleView]
    limits: list[LimitView]
    pins: list[PinView]
    tariff: TariffView | None = None


class RulesView(_View):
    """A revision: the document as it was sent, and what it says. Revision 0 is a farm that has no
    rules. `notes`: what is not wrong, but worth knowing."""

    revision: int
    at: datetime | None = None
    who: str = ""
    text: str = ""
    rules: RulesBody
    notes: list[str] = Field(default_factory=list)


class RulesCheck(_View):
    """What would come of a document. `changes`: against the present rules; `rules` is null where
    there are problems."""

    problems: list[ProblemItem] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    changes: list[str] = Field(default_factory=list)
    rules: RulesBody | None = None


class RevisionView(_View):
    """Who changed the rules when, and what."""

    revision: int
    at: datetime
    who: str
    sentence: str = ""


class RulesHistory(_View):
    """Newest first."""

    data: list[RevisionView]
    has_more: bool = False
