"""The page of house rules: who has which share, what is open now and until when, what is limited.
Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dashboard.format import count, span
from dashboard.marks import Mark
from reelyard.rules.views import HoursView, OwnerView, PoolView, RulesBody, RulesView

OPEN: Final = Mark("O", "check", "open", "good")
CLOSED: Final = Mark("C", "slash", "closed", "off")
_SHOWN_DEVICES: Final = 6


@dataclass(frozen=True, slots=True)
class Opening:
    """Open or closed now. `change`: what happens next (`closes`, `opens`), `at` when, `left` how
    far away that is; all empty when nothing ever does."""

    text: str
    mark: Mark
    change: str = ""
    at: datetime | None = None
    left: str = ""


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """A share. `part`: of the largest weight in the list, 0 to 1."""

    name: str
    weight: str
    part: float
    group: str
    running: str
    waiting: str
    is_everybody: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Anything with opening hours: a pool, a node, a period of the tariff. `says`: what it asks and
    does, in short phrases; `inside`: the first of the `count` devices that are in it now."""

    name: str
    opening: Opening
    says: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """A name, and what there is to say about it."""

    name: str
    said: str


@dataclass(frozen=True, slots=True)
class RulesPage:
    """All that is shown of a revision."""

    owners: tuple[OwnerRow, ...]
    groups: tuple[OwnerRow, ...]
    pools: tuple[Row, ...]
    nodes: tuple[Row, ...]
    limits: tuple[Fact, ...]
    pins: tuple[Fact, ...]
    periods: tuple[Row, ...]
    thrift: tuple[str, ...]
    """What follows from prices, in sentences."""
    settings: tuple[Fact, ...]


def rules_page(view: RulesView, now: float) -> RulesPage:
    """The page of a revision at this moment."""
    body = view.rules
    return RulesPage(
        owners=_owners([*body.owners, body.default_owner]),
        groups=_groups(body),
        pools=tuple(_pool(pool, now) for pool in body.pools),
        nodes=tuple(_nodes(body, now)),
        limits=tuple(_limits(body)),
        pins=tuple(_pins(body)),
        periods=tuple(_periods(body, now)),
        thrift=tuple(_thrift(body)),
        settings=_settings(body),
    )


def opening(hours: HoursView, now: float) -> Opening:
    """`open, closes Fri 19:00 (in 3 h)`, in its parts."""
    mark = OPEN if hours.is_open else CLOSED
    if hours.changes_at is None:
        return Opening(hours.text, mark)
    left = span(hours.changes_at.timestamp() - now)
    return Opening(hours.text, mark, "closes" if hours.is_open else "opens", hours.changes_at, left)


def price(amount: float, currency: str) -> str:
    """Of a kWh: small amounts keep their digits."""
    shown = f"{amount:.2f}" if round(amount, 2) == amount else f"{amount:.10g}"
    return f"{shown} {currency}"


def _owners(owners: Sequence[OwnerView]) -> tuple[OwnerRow, ...]:
    """The last is everybody else."""
    most = max(owner.weight for owner in owners)
    return tuple(
        OwnerRow(
            name=owner.name or "everybody else",
            weight=f"{owner.weight:.10g}",
            part=owner.weight / most,
            group=owner.group,
            running=_number(owner.max_running),
            waiting=_number(owner.max_waiting),
            is_everybody=owner is owners[-1],
        )
        for owner in owners
    )


def _groups(body: RulesBody) -> tuple[OwnerRow, ...]:
    most = max((group.weight for group in body.groups), default=1.0)
    return tuple(
        OwnerRow(
            name=group.name,
            weight=f"{group.weight:.10g}",
            part=group.weight / most,
            group=", ".join(group.owners) or "nobody by name",
            running=_number(group.max_running),
            waiting="",
        )
        for group in body.groups
    )


def _pool(pool: PoolView, now: float) -> Row:
    asked = (("nodes", pool.nodes), ("types", pool.types), ("tags", pool.tags))
    says = [f"{what}: {', '.join(names)}" for what, names in asked if names]
    says += [f"only for {', '.join(pool.owners)}"] if pool.owners else []
    says += [] if pool.power_cap is None else [f"at most {pool.power_cap:.0%} of the power limit"]
    shown = tuple(pool.devices[:_SHOWN_DEVICES])
    return Row(pool.id, opening(pool.hours, now), tuple(says), shown, pool.device_count)


def _nodes(body: RulesBody, now: float) -> Iterator[Row]:
    for one in body.nodes:
        name = one.match if one.device == "*" else f"{one.device} of {one.match}"
        says = [f"serves only {', '.join(one.serves)}"] if one.serves else []
        says += [f"tags: {', '.join(one.tags)}"] if one.tags else []
        yield Row(name, opening(one.hours, now), tuple(says))


def _limits(body: RulesBody) -> Iterator[Fact]:
    for one in body.limits:
        most = [] if one.farm is None else [f"{one.farm} in the farm"]
        most += [] if one.per_node is None else [f"{one.per_node} on a node"]
        asked = (("models", one.models), ("owners", one.owners), ("kinds", one.kinds))
        of = [f"{what} {', '.join(names)}" for what, names in asked if names]
        yield Fact(one.id, f"{', '.join(most)}; {'; '.join(of) or 'every task'}")


def _pins(body: RulesBody) -> Iterator[Fact]:
    for one in body.pins:
        where = [*one.nodes, *one.types]
        yield Fact(one.model, f"on {', '.join(where)}" if where else "anywhere")


def _periods(body: RulesBody, now: float) -> Iterator[Row]:
    tariff = body.tariff
    for one in tariff.periods if tariff else ():
        assert tariff is not None
        yield Row(price(one.price_per_kwh, tariff.currency), opening(one.hours, now))


def _thrift(body: RulesBody) -> Iterator[str]:
    tariff = body.tariff
    if tariff is not None and tariff.patience_hours > 0:
        yield f"Batch work waits up to {span(tariff.patience_hours * 3600)} for a lower price."
    if tariff is not None and tariff.slack_power_cap is not None:
        yield f"What has time runs at {tariff.slack_power_cap:.0%} of the power limit."


def _settings(body: RulesBody) -> tuple[Fact, ...]:
    return (
        Fact("time zone", body.timezone),
        Fact("one band up", f"after {span(body.age_seconds_per_band)} of waiting"),
        Fact("what was used", f"counts half after {span(body.half_life_seconds)}"),
        Fact("preemption", _preemption(body)),
        Fact("loads", f"{count(body.loads_per_storage, 'model')} at once from one storage"),
    )


def _preemption(body: RulesBody) -> str:
    if not body.preempt:
        return "off: what runs is never stopped for others"
    return f"a run is left alone for {span(body.minimum_run_seconds)} at least"


def _number(most: int | None) -> str:
    return "any" if most is None else f"{most:,}".replace(",", "\u202f")
