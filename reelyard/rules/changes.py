"""What is different between two sets of rules, in words for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import zip_longest

from reelyard.rules.document import GroupRule, Limit, NodeRule, OwnerRule, Pin, Pool, Rules
from reelyard.rules.hours import Hours
from reelyard.rules.tariff import Tariff

MOST_SAID = 6
Rule = OwnerRule | GroupRule | Pool | NodeRule | Limit | Pin | Tariff
_NOTHING = ("", None, (), False)
_PLAIN = (
    *("timezone", "age_seconds_per_band", "minimum_run_seconds", "loads_per_storage"),
    *("half_life_seconds", "preempt"),
)


def changes(before: Rules, after: Rules) -> tuple[str, ...]:
    """`owner anna: weight is 2 (was 1)`, `pool night is new`, one for each; none when alike."""
    return tuple(_changes(before, after))


def changes_sentence(before: Rules, after: Rules) -> str:
    """The first few of them, and how many more there are."""
    found = changes(before, after)
    more = f"; and {len(found) - MOST_SAID} more" if len(found) > MOST_SAID else ""
    return "; ".join(found[:MOST_SAID]) + more if found else "only its wording"


def _changes(before: Rules, after: Rules) -> Iterator[str]:
    yield from _values("", {n: (getattr(before, n), getattr(after, n)) for n in _PLAIN})
    yield from _rule("everybody", before.default_owner, after.default_owner)
    yield from _named("owner", before.owners, after.owners)
    yield from _named("group", before.groups, after.groups)
    yield from _named("pool", _by_id(before.pools), _by_id(after.pools))
    yield from _named("limit", _by_id(before.limits), _by_id(after.limits))
    yield from _numbered("node rule", before.nodes, after.nodes)
    yield from _numbered("pin", before.pins, after.pins)
    yield from _named("the", _tariff(before), _tariff(after))


def _named(kind: str, before: Mapping[str, Rule], after: Mapping[str, Rule]) -> Iterator[str]:
    for name in [*before, *(name for name in after if name not in before)]:
        yield from _rule(f"{kind} {name}", before.get(name), after.get(name))


def _numbered(kind: str, before: tuple[Rule, ...], after: tuple[Rule, ...]) -> Iterator[str]:
    for place, (one, other) in enumerate(zip_longest(before, after), 1):
        yield from _rule(f"{kind} {place} ({_title(other or one)})", one, other)


def _rule(name: str, before: Rule | None, after: Rule | None) -> Iterator[str]:
    if before == after:
        return
    if before is None:
        yield f"{name} is new"
    elif after is None:
        yield f"{name} is gone"
    else:
        names = [field.name for field in fields(after)]
        pairs = {one: (getattr(before, one), getattr(after, one)) for one in names}
        yield f"{name}: {', '.join(_values('', pairs))}"


def _values(prefix: str, pairs: Mapping[str, tuple[object, object]]) -> Iterator[str]:
    for name, (before, after) in pairs.items():
        if before != after:
            yield f"{prefix}{name} is {_said(after)} (was {_said(before)})"


def _said(value: object) -> str:
    if isinstance(value, Hours):
        return value.sentence()
    if isinstance(value, bool):
        return "on" if value else "off"
    if value in _NOTHING:
        return "none"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        return ", ".join(_said(part) for part in value)
    return str(value)


def _title(rule: Rule | None) -> str:
    return getattr(rule, "match", "") or getattr(rule, "model", "")


def _by_id(rules: tuple[Pool, ...] | tuple[Limit, ...]) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rules}


def _tariff(rules: Rules) -> Mapping[str, Rule]:
    return {"tariff": rules.tariff} if rules.tariff else {}
