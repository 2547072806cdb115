"""Whether the pools that a job asks for are pools of this farm. Reads the house rules only."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from coordinator.store.database import Database
from coordinator.store.rules import read_rules
from reelyard.errors import InvalidInput, Problem

_MOST_NAMED = 10


def unknown_pools(database: Database, asked: Sequence[str]) -> list[Problem]:
    """One problem per name that is no pool; a job that asks for it would wait for ever. Rules that
    this version cannot read say nothing against any."""
    if not asked:
        return []
    try:
        with database.read() as connection:
            known = [pool.id for pool in read_rules(connection)[1].pools]
    except InvalidInput:
        return []
    return [_no_pool(place, name, known) for place, name in enumerate(asked) if name not in known]


def _no_pool(place: int, name: str, known: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    limit = ", ".join(known[:_MOST_NAMED]) + (", ..." if len(known) > _MOST_NAMED else "")
    remedy = (
        f"Did you mean {near[0]}?" if near else "`reelyard rules` shows the pools of this farm."
    )
    return Problem(
        f"pools[{place}]", "is no pool of the house rules", name[:80], limit or "none yet", remedy
    )
