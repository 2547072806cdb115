"""What people ask of a job beside its storyboard: how urgent, by when, not before when, on which
devices, and whether it waits until it is released. Values and their limits; reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reelyard.errors import Problem
from reelyard.stamps import stamp
from reelyard.states import Band

MOST_NAMES = 20
LONGEST_REASON = 200
FURTHEST_DAYS = 366
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMES_LIMIT = "64 letters, digits, '.', '_' and '-', a letter or digit first"


CHANGEABLE = ("priority", "band", "deadline", "start_after", "pools", "tags")
"""What may be changed after a job was submitted; a hold has words of its own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Times are seconds since 1970. `hold` is None for a job that is not held; empty: held, and
    nobody said why. A task runs on a device that is in one of `pools` (none named: in any), of a
    worker that has all of `tags`."""

    band: Band = Band.NORMAL
    deadline: float | None = None
    start_after: float | None = None
    hold: str | None = None
    pools: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


USUAL = Terms()
"""What nobody asked for anything gets."""


def phrases(terms: Terms) -> list[str]:
    """What was asked that is not usual: `interactive`, `due by 2026-11-27 07:00 UTC`."""
    said = [] if terms.band is Band.NORMAL else [terms.band.value]
    said += [f"due by {stamp(terms.deadline)}"] if terms.deadline is not None else []
    said += [f"not before {stamp(terms.start_after)}"] if terms.start_after is not None else []
    said += [f"only in {' or '.join(terms.pools)}"] if terms.pools else []
    said += [f"only where tagged {' and '.join(terms.tags)}"] if terms.tags else []
    said += ["held" + (f": {terms.hold}" if terms.hold else "")] if terms.hold is not None else []
    return said


def problems_of(terms: Terms, now: float) -> list[Problem]:
    """All that is wrong with them at this moment."""
    return [
        *_with_time("deadline", terms.deadline, now),
        *_with_time("start_after", terms.start_after, now),
        *order_problems(terms.start_after, terms.deadline),
        *_with_reason(terms.hold or ""),
        *name_problems("pools", terms.pools),
        *name_problems("tags", terms.tags),
    ]


def change_problems(
    asked: Mapping[str, Any], present: Mapping[str, Any], now: float
) -> list[Problem]:
    """All that is wrong with a change of a job that stands like `present`. What stays as it is was
    checked when it came: a deadline that has passed keeps nobody from another priority."""
    times = {name: asked.get(name, present[name]) for name in ("deadline", "start_after")}
    news = {name: at for name, at in times.items() if name in asked and at != present[name]}
    return [
        *(problem for name, at in news.items() for problem in _with_time(name, at, now)),
        *(order_problems(times["start_after"], times["deadline"]) if news else ()),
        *name_problems("pools", asked.get("pools", ())),
        *name_problems("tags", asked.get("tags", ())),
    ]


def changes_sentence(was: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    """`priority 80 (was 50), deadline 2026-11-27 07:00 UTC (was none)`"""
    said = (
        f"{name.replace('_', ' ')} {_shown(value)} (was {_shown(was[name])})"
        for name, value in news.items()
    )
    return ", ".join(said)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(value) or "any"
    if isinstance(value, float):
        return stamp(value)
    return "none" if value is None else str(value)


def order_problems(start_after: float | None, deadline: float | None) -> Iterator[Problem]:
    """A job that may only start when it should be done."""
    if start_after is not None and deadline is not None and start_after >= deadline:
        yield Problem(
            "start_after",
            "is not before the deadline",
            stamp(start_after),
            f"before {stamp(deadline)}",
            "Let it start earlier, or give it more time.",
        )


def name_problems(field: str, names: Sequence[str]) -> Iterator[Problem]:
    """Names of pools or tags that are none, and too many of them."""
    if len(names) > MOST_NAMES:
        remedy = "Name fewer."
        yield Problem(field, "are too many", str(len(names)), f"at most {MOST_NAMES}", remedy)
    for place, name in enumerate(names[:MOST_NAMES]):
        if not _NAME.fullmatch(name):
            yield Problem(
                f"{field}[{place}]",
                "is not a name",
                name[:80],
                _NAMES_LIMIT,
                "Write it as the house rules or the worker's settings do.",
            )


def _with_time(field: str, at: float | None, now: float) -> Iterator[Problem]:
    if at is None:
        return
    if at <= now:
        remedy = {
            "deadline": "Name a moment that is still to come, or leave it out.",
            "start_after": "Leave it out: then it starts as soon as its turn comes.",
        }[field]
        yield Problem(field, "is over", stamp(at), f"after {stamp(now)}", remedy)
    elif at > now + FURTHEST_DAYS * 86_400:
        limit, remedy = f"{FURTHEST_DAYS} days from now", "Name a nearer moment, or hold the job."
        yield Problem(field, "is too far away", stamp(at), limit, remedy)


def _with_reason(said: str) -> Iterator[Problem]:
    if len(said) > LONGEST_REASON or not said.isprintable():
        yield Problem(
            "hold",
            "is no short sentence",
            f"{said[:40]!r}, {len(said)} characters",
            f"{LONGEST_REASON} printable characters",
            "Say it in fewer words, on one line.",
        )
