"""From the text of a document of rules to its values, or to everything that is wrong with it, with
lines. Never looks at the farm: a name that nothing here has is not wrong, see `remarks`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from pydantic import ValidationError

from reelyard.errors import InvalidInput, Problem
from reelyard.rules import written
from reelyard.rules.document import GroupRule, Limit, NodeRule, OwnerRule, Pin, Pool, Rules
from reelyard.rules.lines import source_map
from reelyard.rules.misread import problem_of
from reelyard.rules.opening import read_hours
from reelyard.rules.tariff import Tariff
from reelyard.rules.zone import zone_of
from reelyard.source_map import MOST_PROBLEMS, SourceMap
from reelyard.states import TaskKind

MOST_BYTES = 256 * 1024
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


def parse(text: str) -> Rules:
    """The rules. Raises InvalidInput with every problem at once: field, value, limit, remedy and
    line. An empty document is `no_rules()`."""
    table, where = _table(text), source_map(text)
    problems = [*_groups(table)]
    try:
        document = written.Document.model_validate(table)
    except ValidationError as wrong:
        problems += [problem_of(error) for error in wrong.errors(include_url=False)]
    if problems:
        placed = sorted((_placed(one, where) for one in problems), key=lambda one: one.line or 0)
        raise InvalidInput(placed[:MOST_PROBLEMS])
    return _rules(document)


def _table(text: str) -> dict[str, Any]:
    size = len(text.encode(errors="replace"))
    if size > MOST_BYTES:
        remedy = "Use `*` in names instead of listing them all."
        said = f"{size} bytes"
        raise InvalidInput([Problem("rules", "are too long", said, f"{MOST_BYTES} bytes", remedy)])
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as wrong:
        said, at = str(wrong), _AT_LINE.search(str(wrong))
        line = int(at[1]) if at and at[1] else None
        message = f"cannot be read as TOML: {_AT_LINE.sub('', said)}"
        remedy = "`reelyard rules example` prints a document to start from."
        raise InvalidInput([Problem("rules", message, remedy=remedy, line=line)]) from None


def _groups(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Groups that owners are in and that have no table."""
    known = [str(name) for name in _tables(table.get("groups"))]
    asked = [("default_owner", table.get("default_owner"))]
    asked += [(f"owners.{name}", one) for name, one in _tables(table.get("owners")).items()]
    for where, one in asked:
        name = one.get("group", "") if isinstance(one, dict) else ""
        if not isinstance(name, str) or not name or name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean `{near[0]}`?" if near else "Add a table of that name to groups."
        said, limit = "is a group that has no table", ", ".join(known[:20])
        yield Problem(f"{where}.group", said, name[:80], limit, remedy)


def _tables(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _placed(problem: Problem, where: SourceMap) -> Problem:
    return replace(problem, line=where.line(problem.field))


def _rules(document: written.Document) -> Rules:
    zone = zone_of(document.timezone)
    return Rules(
        owners={name: _owner(table) for name, table in document.owners.items()},
        default_owner=_owner(document.default_owner),
        groups={
            name: GroupRule(table.weight, table.max_running)
            for name, table in document.groups.items()
        },
        pools=tuple(_pool(name, table, zone) for name, table in document.pools.items()),
        nodes=tuple(_node(table, zone) for table in document.nodes),
        limits=tuple(_limit(name, table) for name, table in document.limits.items()),
        pins=tuple(Pin(one.model, tuple(one.nodes), tuple(one.types)) for one in document.pins),
        tariff=_tariff(document.tariff, zone) if document.tariff else None,
        timezone=document.timezone,
        age_seconds_per_band=document.age_seconds_per_band,
        minimum_run_seconds=document.minimum_run_seconds,
        loads_per_storage=document.loads_per_storage,
        half_life_seconds=document.half_life_seconds,
        preempt=document.preempt,
    )


def _owner(table: written.OwnerTable) -> OwnerRule:
    return OwnerRule(table.weight, table.group, table.max_running, table.max_waiting)


def _pool(name: str, table: written.PoolTable, zone: tzinfo) -> Pool:
    return Pool(
        id=name,
        nodes=tuple(table.nodes),
        types=tuple(table.types),
        tags=tuple(table.tags),
        owners=tuple(table.owners),
        hours=read_hours(table.hours, zone),
        power_cap=table.power_cap,
    )


def _node(table: written.NodeTable, zone: tzinfo) -> NodeRule:
    hours = read_hours(table.hours, zone)
    return NodeRule(
        table.match,
        table.device,
        hours,
        tuple(table.tags),
        tuple(TaskKind(k) for k in table.serves),
    )


def _limit(name: str, table: written.LimitTable) -> Limit:
    return Limit(
        id=name,
        models=tuple(table.models),
        owners=tuple(table.owners),
        kinds=tuple(TaskKind(kind) for kind in table.kinds),
        farm=table.farm,
        per_node=table.per_node,
    )


def _tariff(table: written.TariffTable, zone: tzinfo) -> Tariff:
    periods = ((read_hours(one.hours, zone), one.price_per_kwh) for one in table.periods)
    return Tariff(
        currency=table.currency,
        price_per_kwh=table.price_per_kwh,
        periods=tuple(periods),
        patience_hours=table.patience_hours,
        slack_power_cap=table.slack_power_cap,
    )
