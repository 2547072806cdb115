"""What a farm's people may want to know about their rules: names that nothing here has, devices
that never open. None of it is wrong: a node may come tomorrow. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reelyard.rules.document import Pool, Rules, matches
from reelyard.states import TaskKind

MOST_REMARKS = 50
_MOST_LOOKS = 200_000
"""Rules times devices: beyond that nothing is said of single devices, as it takes long."""


@dataclass(frozen=True, slots=True)
class Place:
    """A device of the farm, by every name that rules may call it. `tags`: what its worker says."""

    node: str
    worker: str
    device: str
    type: str
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Present:
    """What there is: the devices of the farm, the names on its tokens, models and types of device
    of its catalog. An empty `places` is a farm without workers, of which nothing is said."""

    places: Sequence[Place]
    owners: Collection[str]
    models: Collection[str]
    types: Collection[str]


def remarks(rules: Rules, present: Present) -> tuple[str, ...]:
    """One sentence for each."""
    found = [
        *_about_models(rules, present),
        *_about_types(rules, present),
        *_about_owners(rules, present),
        *_about_tariff(rules, present),
        *(_about_places(rules, present) if present.places else ()),
    ]
    return tuple(found[:MOST_REMARKS])


def inside(rules: Rules, places: Sequence[Place]) -> dict[str, list[Place]]:
    """The devices that are in each pool, by its id; alike devices of a node are looked at once."""
    found: dict[str, list[Place]] = {pool.id: [] for pool in rules.pools}
    known: dict[tuple[str, str, str, frozenset[str]], tuple[Pool, ...]] = {}
    for place in places:
        tags = rules.tags_of(place.node, place.worker, place.device, place.tags)
        key = (place.node, place.worker, place.type, tags)
        if key not in known:
            known[key] = rules.pools_of(*key)
        for pool in known[key]:
            found[pool.id].append(place)
    return found


def _about_models(rules: Rules, present: Present) -> Iterator[str]:
    asked = [(f"pins[{n}].model", pin.model) for n, pin in enumerate(rules.pins)]
    asked += [(f"limits.{one.id}.models", name) for one in rules.limits for name in one.models]
    yield from _unmatched(asked, present.models, "no model of the catalog")


def _about_types(rules: Rules, present: Present) -> Iterator[str]:
    asked = [(f"pools.{one.id}.types", name) for one in rules.pools for name in one.types]
    asked += [(f"pins[{n}].types", name) for n, pin in enumerate(rules.pins) for name in pin.types]
    yield from _unmatched(asked, present.types, "no type of device of the catalog")


def _about_owners(rules: Rules, present: Present) -> Iterator[str]:
    asked = [(f"pools.{one.id}.owners", name) for one in rules.pools for name in one.owners]
    asked += [(f"limits.{one.id}.owners", name) for one in rules.limits for name in one.owners]
    exact = [(f"owners.{name}", name) for name in rules.owners if name not in present.owners]
    yield from (f"{field}: no token has the name {name!r}" for field, name in exact)
    yield from _unmatched(asked, present.owners, "no name on a token")


def _about_tariff(rules: Rules, present: Present) -> Iterator[str]:
    tariff = rules.tariff
    if tariff is None:
        return
    prices = {price for _, price in tariff.periods} | {tariff.price_per_kwh}
    if tariff.patience_hours > 0 and len(prices) == 1:
        yield "tariff.patience_hours: nothing waits, as every hour costs the same"
    is_capped = tariff.slack_power_cap is not None and bool(present.places)
    if is_capped and all(one.device == "cpu" for one in present.places):
        yield "tariff.slack_power_cap: no device of this farm has a power limit that can be set"


def _about_places(rules: Rules, present: Present) -> Iterator[str]:
    rules_for_devices = len(rules.nodes) + len(rules.pools)
    if rules_for_devices * len(present.places) > _MOST_LOOKS:
        return
    for name, devices in inside(rules, present.places).items():
        if not devices:
            yield f"pools.{name}: no device of this farm is in it now"
    for number, rule in enumerate(rules.nodes):
        if not any(rule.covers(one.node, one.worker, one.device) for one in present.places):
            yield f"nodes[{number}]: no device of this farm is {rule.match} now"
    for place in present.places:
        yield from _about_place(rules, place)


def _about_place(rules: Rules, place: Place) -> Iterator[str]:
    name = f"{place.device} of {place.worker}"
    tags = rules.tags_of(place.node, place.worker, place.device, place.tags)
    hours = rules.hours_of(place.node, place.worker, place.device, place.type, tags)
    if not hours.edges and not hours.is_open_first:
        yield f"{name} never works: the hours of its rules and pools have nothing in common"
    if not rules.serves(place.node, place.worker, place.device):
        kinds = ", ".join(TaskKind)
        yield f"{name} serves nothing: of {kinds}, its rules have none in common"


def _unmatched(
    asked: Sequence[tuple[str, str]], known: Collection[str], what: str
) -> Iterator[str]:
    for field, pattern in asked:
        if not any(matches((pattern,), name) for name in known):
            yield f"{field}: {pattern!r} is {what}"
