"""At which share of its device's power limit a run goes: what its pools allow, and less where the
house rules ask for that and the run has time. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.core.asks import Kind, kind_of, lane_of
from coordinator.core.foresight import Fit
from coordinator.core.snapshot import Device, Waiting
from coordinator.core.yard.wishes import Start, Step
from reelyard.rules.document import Rules
from reelyard.states import Band

if TYPE_CHECKING:
    from coordinator.core.living import LivingYard

SLACK = 2.0
"""Work has time when so many times its predicted seconds are left before its deadline."""
_IN_TIME = frozenset({Step.BACKFILL, Step.AHEAD})
"""Steps of the rule by which a run was chosen for the moment at which it ends."""


def fit_there(
    farm: LivingYard, task: Waiting, device: Device, start: Start, now: float
) -> tuple[Fit | None, float]:
    """How the task runs on the device, and how many seconds longer than was priced. None where it
    would not fit."""
    kind = kind_of(device, lane_of(task.kind), farm.estimates.rules)
    allowed = farm.estimates.power_cap(kind)
    there = farm.estimates.beside_pins(task, device, kind.pinned)
    usual = farm.estimates.foresight.fit(task, there, allowed)
    share = slack_share(kind, farm.estimates.rules, allowed)
    if usual is None or share is None or start.step in _IN_TIME or len(start.seats) > 1:
        return usual, 0.0
    slow = farm.estimates.foresight.fit(task, there, share)
    if slow is None:
        return usual, 0.0
    longer = max(0.0, (slow.seconds or 0.0) - (usual.seconds or 0.0))
    lasts = start.begins_in + start.load_seconds + start.seconds + longer
    is_open = farm.house.closes_in(kind, now) >= lasts
    return (slow, longer) if is_open and _has_time(farm, task, lasts, now) else (usual, 0.0)


def slack_share(kind: Kind, rules: Rules, allowed: float | None) -> float | None:
    """The share at which work that has time runs there; None where the rules ask for none, or for
    no less than its pools allow."""
    asked = rules.tariff.slack_power_cap if rules.tariff else None
    if asked is None or not has_limit(kind) or asked >= (1.0 if allowed is None else allowed):
        return None
    return asked


def has_limit(kind: Kind) -> bool:
    """Whether such devices have a power limit that a worker can set."""
    return kind.device.kind == "cuda"


def _has_time(farm: LivingYard, task: Waiting, lasts: float, now: float) -> bool:
    """Batch work without a deadline always has; what is interactive never."""
    if task.band is Band.INTERACTIVE:
        return False
    if task.deadline is None:
        return task.band is Band.BATCH
    needs = max(lasts, farm.thrift.seconds_left(task, now))
    return task.deadline - now >= SLACK * needs
