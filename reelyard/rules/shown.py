"""From rules as values to what the API shows of them at a moment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite

from reelyard.rules.document import Limit, NodeRule, OwnerRule, Pin, Pool, Rules
from reelyard.rules.hours import Hours
from reelyard.rules.remarks import Place, inside
from reelyard.rules.tariff import Tariff
from reelyard.rules.views import (
    GroupView,
    HoursView,
    LimitView,
    NodeRuleView,
    OwnerView,
    PeriodView,
    PinView,
    PoolView,
    RulesBody,
    TariffView,
)

MOST_DEVICES = 50
"""Of a pool, named in an answer; all of them are counted."""


def rules_body(rules: Rules, now: float, places: Sequence[Place] = ()) -> RulesBody:
    """All of them, as they are at this moment on these devices."""
    devices = inside(rules, places)
    return RulesBody(
        timezone=rules.timezone,
        age_seconds_per_band=rules.age_seconds_per_band,
        minimum_run_seconds=rules.minimum_run_seconds,
        loads_per_storage=rules.loads_per_storage,
        half_life_seconds=rules.half_life_seconds,
        preempt=rules.preempt,
        default_owner=_owner("", rules.default_owner),
        owners=[_owner(name, rule) for name, rule in rules.owners.items()],
        groups=_groups(rules),
        pools=[_pool(pool, now, devices[pool.id]) for pool in rules.pools],
        nodes=[_node(rule, now) for rule in rules.nodes],
        limits=[_limit(limit) for limit in rules.limits],
        pins=[_pin(pin) for pin in rules.pins],
        tariff=_tariff(rules.tariff, now) if rules.tariff else None,
    )


def hours_view(hours: Hours, now: float) -> HoursView:
    """Open or closed now, and when that changes."""
    is_open = hours.is_open(now)
    at = hours.closes(now) if is_open else hours.opens(now)
    changes_at = datetime.fromtimestamp(at, UTC) if isfinite(at) else None
    return HoursView(text=hours.sentence(), is_open=is_open, changes_at=changes_at)


def _owner(name: str, rule: OwnerRule) -> OwnerView:
    return OwnerView(
        name=name,
        weight=rule.weight,
        group=rule.group,
        max_running=rule.max_running,
        max_waiting=rule.max_waiting,
    )


def _groups(rules: Rules) -> list[GroupView]:
    return [
        GroupView(
            name=name,
            weight=group.weight,
            max_running=group.max_running,
            owners=[owner for owner, rule in rules.owners.items() if rule.group == name],
        )
        for name, group in rules.groups.items()
    ]


def _pool(pool: Pool, now: float, devices: Sequence[Place]) -> PoolView:
    return PoolView(
        id=pool.id,
        nodes=list(pool.nodes),
        types=list(pool.types),
        tags=list(pool.tags),
        owners=list(pool.owners),
        hours=hours_view(pool.hours, now),
        power_cap=pool.power_cap,
        device_count=len(devices),
        devices=[f"{one.device} of {one.worker}" for one in devices[:MOST_DEVICES]],
    )


def _node(rule: NodeRule, now: float) -> NodeRuleView:
    return NodeRuleView(
        match=rule.match,
        device=rule.device,
        hours=hours_view(rule.hours, now),
        tags=list(rule.tags),
        serves=list(rule.serves),
    )


def _limit(limit: Limit) -> LimitView:
    return LimitView(
        id=limit.id,
        models=list(limit.models),
        owners=list(limit.owners),
        kinds=list(limit.kinds),
        farm=limit.farm,
        per_node=limit.per_node,
    )


def _pin(pin: Pin) -> PinView:
    return PinView(model=pin.model, nodes=list(pin.nodes), types=list(pin.types))


def _tariff(tariff: Tariff, now: float) -> TariffView:
    return TariffView(
        currency=tariff.currency,
        price_per_kwh=tariff.price_per_kwh,
        periods=[
            PeriodView(hours=hours_view(hours, now), price_per_kwh=price)
            for hours, price in tariff.periods
        ],
        price_now=tariff.price_at(now),
        patience_hours=tariff.patience_hours,
        slack_power_cap=tariff.slack_power_cap,
    )
