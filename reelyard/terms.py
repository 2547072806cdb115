"""What people ask of a job beside its storyboard: how urgent, by when, not before when, on which
devices, and whether it waits until it is released. Values and their limits; reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reelyard.errors import Problem
from reelyard.stamps import stamp
from reelyard.states import Band

MOST_NAMES = 20
LONGEST_REASON = 200
FURTHEST_DAYS = 366
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMES_LIMIT = "64 letters, digits, '.', '_' and '-', a letter or digit first"


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
