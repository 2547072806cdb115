"""Laws of the yard, over invented days: devices that share memory, caps, limits, doors, storages,
gangs and work that makes way. Each day is played once; every law looks at all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from coordinator.core.yard.because import waits_because
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.terms import Urgency
from coordinator.core.yard.wishes import Decision, Start, Stop
from tests.support.claims import untrue
from tests.support.told_days import MINIMUM_RUN_SECONDS, a_day
from tests.support.told_yard import CAPS, LIMITS, Day, Place, Told, door, loads_at

DAYS = range(36)
_MOST_MOMENTS = 2_000
_ROUNDING = 1e-6
Breaches = dict[str, list[str]]


@cache
def breaches() -> Breaches:
    """What was seen on all days that should never be, by law."""
    found: Breaches = defaultdict(list)
    for seed in DAYS:
        for law, said in _seen(a_day(seed)):
            found[law].append(f"day {seed}: {said}")
    return found


def _seen(day: Day) -> Iterator[tuple[str, str]]:
    for moments, (now, decisions) in enumerate(day.moments()):
        for law, look in LAWS.items():
            yield from ((law, f"at {now:g} s {said}") for said in look(day, decisions))
        if moments > _MOST_MOMENTS:
            break
    for task in sorted(day.tasks.keys() - set(day.done)):
        yield "all ends", f"{task} never ran: {waits_because(day.yard, task, day.now)}"


def _twice(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for place, runs in day.of_place().items():
        if len(runs) > 1:
            yield f"{place} runs {[run.told.id for run in runs]}"


def _memory(day: Day, decisions: list[Decision]) -> Iterator[str]:
    used: dict[str, float] = defaultdict(float)
    for place, runs in day.of_place().items():
        used[day.places[place].pool] += max(run.gib for run in runs)
    for pool, gib in used.items():
        if pool and gib > day.room_gib:
            yield f"{pool} holds {gib} GiB"


def _able(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for start in _starts(decisions):
        for seat in start.seats:
            price = day.estimates.price(start.line.shape, day.places[str(seat)].kind)
            if not price.seconds < float("inf"):
                yield f"{start.task} was put on {seat}, which cannot run it"


def _gangs(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for start in _starts(decisions):
        places = {str(seat): day.places[str(seat)] for seat in start.seats}
        alike = {(place.kind, place.node) for place in places.values()}
        if len(places) != start.line.gang or len(alike) > 1:
            yield f"{start.task} wants {start.line.gang} and has {sorted(places)}"


def _doors(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for start in _starts(decisions):
        until, is_open = door(day.places[str(start.seats[0])].kind, day.now)
        lasts = start.begins_in + start.load_seconds + start.seconds
        can_be_cut = start.line.can_checkpoint and start.line.gang == 1
        if not is_open:
            yield f"{start.task} begins behind a closed door"
        elif lasts > until + _ROUNDING and not can_be_cut:
            yield f"{start.task} takes {lasts:g} s, the door closes in {until:g} s"
        elif min(lasts, start.load_seconds + MINIMUM_RUN_SECONDS) > until + _ROUNDING:
            yield f"{start.task} would get nothing done in {until:g} s"


def _caps(day: Day, decisions: list[Decision]) -> Iterator[str]:
    running = Counter(run.told.line.owner for run in day.bound())
    for owner, most in CAPS.items():
        if running[owner] > most:
            yield f"{owner} runs {running[owner]}"


def _farm_limits(day: Day, decisions: list[Decision]) -> Iterator[str]:
    held = Counter(name for run in day.bound() for name in run.told.line.limits)
    yield from (f"{held[name]} hold {name}" for name in LIMITS if held[name] > LIMITS[name][0])


def _node_limits(day: Day, decisions: list[Decision]) -> Iterator[str]:
    held = Counter(
        (name, place.node)
        for run in day.bound()
        for name in run.told.line.limits
        for place in run.places
    )
    for (name, node), many in held.items():
        if many > LIMITS[name][1]:
            steps = [start.step for start in _starts(decisions) if name in start.line.limits]
            yield f"{many} hold {name} on {node}, by {steps}"


def _storages(day: Day, decisions: list[Decision]) -> Iterator[str]:
    """A gang that is larger than the limit has the storage to itself."""
    for storage, loads in loads_at(day).items():
        many = sum(loads)
        if many > day.loads_per_storage and len(loads) > 1:
            steps = [start.step for start in _starts(decisions) if start.load_seconds > 0]
            yield f"{many} load from {storage}, by {steps}"


def _reasons(day: Day, decisions: list[Decision]) -> Iterator[str]:
    yield from untrue(day)


def _stops(day: Day, decisions: list[Decision]) -> Iterator[str]:
    """Only batch work that can go on, after its minimum, for work asked for as interactive."""
    for stop in decisions:
        if not isinstance(stop, Stop):
            continue
        run = day.going[stop.task]
        line, ran = run.told.line, day.now - run.began
        if not door(run.places[0].kind, day.now)[1]:
            continue  # its device has closed
        if line.band != Urgency.BATCH or not line.can_checkpoint or ran < MINIMUM_RUN_SECONDS:
            yield f"{stop.task} was stopped: {line.band.name}, {line.can_checkpoint}, {ran:g} s"
        able = [task for task in _interactive(day) if _finite(day, task.line, run.places[0])]
        if not able:
            yield f"{stop.task} was stopped, and nothing interactive waits for its device"


def _interactive(day: Day) -> list[Told]:
    waiting = (day.tasks[task] for task in day.yard.lines.where)
    return [task for task in waiting if task.line.band == Urgency.INTERACTIVE]


def _finite(day: Day, line: LineKey, place: Place) -> bool:
    return day.estimates.price(line.shape, place.kind).seconds < float("inf")


def _starts(decisions: list[Decision]) -> list[Start]:
    return [decision for decision in decisions if isinstance(decision, Start)]


LAWS = {
    "no device twice": _twice,
    "memory that is shared": _memory,
    "only what it can run": _able,
    "gangs whole": _gangs,
    "doors": _doors,
    "caps": _caps,
    "limits of the farm": _farm_limits,
    "limits of a node": _node_limits,
    "storages": _storages,
    "who makes way": _stops,
    "reasons": _reasons,
}


@pytest.mark.parametrize("law", (*LAWS, "all ends"))
def test_on_all_days(law: str) -> None:
    found = breaches()[law]
    assert not found, f"{len(found)} times, first {found[0]}"
